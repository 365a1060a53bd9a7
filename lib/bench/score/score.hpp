// Scores of trials: one line per agent and group (all, or an ability).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace stateutils::bench {

struct TrialScore {
  std::string task, scenario, ability, agent;
  bool strict = false, inspected = false, error = false;
  double progress = 0, partial = 0, partial_plain = 0, efficiency = 0;
  std::vector<std::string> failures;
};

struct ScoreOptions {
  std::vector<std::int64_t> k = {1, 2, 4, 8};
  std::string ci = "wilson";  // wilson, cp, bootstrap
  bool errors_fail = false;   // errors count as failures instead of being left out
  std::uint64_t seed = 0;
};

struct ScoreLine {
  std::string agent, group;
  std::uint64_t tasks = 0, trials = 0, errors = 0;
  std::string errors_rule, ci_method;
  double strict = 0, progress = 0, partial = 0, partial_plain = 0, efficiency = 0, closure = 0,
         inspected = 0, lo = 0, hi = 1;
  bool has_closure = false;  // no trial reached progress 0.8: closure is null
  std::vector<std::pair<std::int64_t, double>> pass_at, pass_hat;
  std::map<std::string, std::uint64_t> failures;
  [[nodiscard]] std::string json() const;
};

// Lines in order of agent, then group "all" first.
[[nodiscard]] std::vector<ScoreLine> score(const std::vector<TrialScore>& trials,
                                           const ScoreOptions& options);

}  // namespace stateutils::bench
