// Tool routing over cost graphs whose tools may fail.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/world/json.hpp"

namespace stateutils::bench {

struct RoutingTask {
  std::string start;
  bool fan_out = false;  // every target begins at the start
  std::vector<std::string> targets;
  std::map<std::string, std::map<std::string, std::int64_t>> edges;
  std::set<std::string> failures;
  std::map<std::string, std::string> demote_to;
};
[[nodiscard]] RoutingTask read_routing(const Cursor& task);

struct RoutingTrial {
  std::string outcome = "success";  // success, demoted, escalated
  std::vector<std::string> calls;
  std::int64_t reroutes = 0, llm_calls = 0, cost = 0, silent_failures = 0;
  friend bool operator==(const RoutingTrial&, const RoutingTrial&) = default;
  [[nodiscard]] std::string json() const;
};

// The cheapest way first, a failed tool removed for good, a decision asked for only when no way is
// left; `decide_each_step` asks for one before every call (an agent that reasons and acts).
[[nodiscard]] RoutingTrial route(const RoutingTask& task, bool decide_each_step);
// The way fixed at the start, whatever fails: what failed is not noticed.
[[nodiscard]] RoutingTrial route_fixed(const RoutingTask& task);
// What `expected` of a record says.
[[nodiscard]] RoutingTrial read_expected(const Cursor& expected);

// Whether a trip is the one expected: same calls, same outcome, every failure noticed.
[[nodiscard]] bool is_right_trip(const RoutingTrial& expected, const RoutingTrial& got);

// "builtin:router", "builtin:static" and "builtin:react": strategies that play routing tasks only.
[[nodiscard]] bool is_routing_strategy(std::string_view agent);
// One trial record. Other agents than the strategies, "builtin:oracle" (a router) and
// "builtin:noop" are kUsage.
[[nodiscard]] std::string routing_trial_json(const Cursor& task, const std::string& agent,
                                             std::uint64_t seed, std::uint64_t trial);

}  // namespace stateutils::bench
