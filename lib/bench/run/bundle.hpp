// Bundles: canonical trials without times, sealed by their SHA-256, which a replay must reproduce.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bench/run/agents.hpp"
#include "bench/world/json.hpp"

namespace stateutils::bench {

// {"bundle":1,"sha256":...,"trial":{...}} of a trial record.
[[nodiscard]] std::string bundle_json(std::string_view trial);

struct Bundle {
  std::string trial;  // canonical
  std::string task_id, agent;
  int number = 0;
  std::uint64_t seed = 0;
  bool keeps_output = false;
  Plan plan;
  std::string end, sandbox, tokens;
  std::optional<double> cost;
};
// kInput when the seal does not fit the content.
[[nodiscard]] Bundle read_bundle(const std::string& path);

// Plays a bundle's commands under its agent's name.
[[nodiscard]] std::unique_ptr<Agent> bundle_agent(const Bundle& bundle);

}  // namespace stateutils::bench
