// Contracts over recorded sequences of states, one per tick.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/world/state.hpp"
#include "bench/world/world.hpp"

namespace stateutils::bench {

// "$.table[key].field", "$.table[key]", "$.config.path" or "$.files[path]".
struct ProbePath {
  Id table = 0, key = kNone, field = kNone;  // field kNone: is the row there
  std::string text;
};
struct ProbeCondition {
  ProbePath path;
  Condition condition = Condition::kExists;
  std::vector<Id> wanted;
};

// {invariant: COND}: at every tick. {after: COND, within: TICKS, then: COND}: from each tick where
// the first holds, the second holds at one of the next TICKS (or at once). {monotone: PATH, dir:
// up|down}: never the other way. {conserve: [PATH...]}: the sum stays what it was.
struct Probe {
  enum class Kind { kInvariant, kAfter, kMonotone, kConserve } kind = Kind::kInvariant;
  std::string id;
  std::optional<ProbeCondition> when, then;
  std::uint64_t within = 0;
  bool up = true;
  std::vector<ProbePath> paths;
};

[[nodiscard]] std::vector<Probe> read_probes(const Cursor& json, Store& store);

// The first tick at which a probe fails (the one that opened a deadline, for `after`); empty when
// it holds. A path that should hold a number and does not fails at that tick.
[[nodiscard]] std::optional<std::size_t> first_failure(const Probe& probe,
                                                       std::span<const Id> states,
                                                       const Store& store);

}  // namespace stateutils::bench
