// Scripted agents: everything works with no language model.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/run/episode.hpp"
#include "core/input.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

// Plays one trial to its end. Returns how it ended: done, limit, crash, protocol, error.
class Agent {
 public:
  virtual ~Agent() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // Whether there is something to play for this task and trial (replays skip what they lack).
  [[nodiscard]] virtual bool plays(const Task&, int) { return true; }
  // Whether its play depends on `rng`; others get one that says nothing.
  [[nodiscard]] virtual bool draws() const { return false; }
  virtual std::string play(Episode& episode, int trial, core::Rng& rng) = 0;
};

// "builtin:NAME", "replay:FILE"; kUsage for anything else.
[[nodiscard]] std::unique_ptr<Agent> make_agent(std::string_view spec);

// Runs a plan within the step limit; "done" or "limit".
[[nodiscard]] std::string play_plan(Episode& episode, const Plan& plan);

}  // namespace stateutils::bench
