// Scores of trials: one line per agent and group (all, or an ability).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stateutils::bench {

struct TrialScore {
  std::string task, scenario, ability, agent;
  std::int64_t trial = 0;
  bool strict = false, inspected = false, error = false, must_pass = false;
  double progress = 0, partial = 0, partial_plain = 0, efficiency = 0;
  double seconds = 0;          // of all steps
  std::optional<double> cost;  // as the agent gave it
  std::vector<std::string> failures;
  std::vector<std::string> members;  // agents of a shared store that took part
};

// An anomaly that an audit found in an agent's operations.
struct Label {
  std::string agent, type;
};

struct ScoreOptions {
  std::vector<std::int64_t> k = {1, 2, 4, 8};
  std::string ci = "wilson";  // wilson, cp, bootstrap
  bool errors_fail = false;   // errors count as failures instead of being left out
  std::uint64_t seed = 0;
  // What a person would cost and take per task: asks for value figures.
  std::optional<double> human_cost, human_seconds;
  std::vector<Label> labels;  // counted as failure modes of the agent, or of the trials it is in
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
  std::vector<std::string> error_trials;  // TASK_ID.TRIAL of each error
  // strict x human cost / run cost (return on automation) and strict x human time / run time (time
  // efficiency multiplier), where both are known.
  std::optional<double> return_on_automation, time_multiplier;
  [[nodiscard]] std::string json() const;
};

// Lines in order of agent, then group "all" first.
[[nodiscard]] std::vector<ScoreLine> score(const std::vector<TrialScore>& trials,
                                           const ScoreOptions& options);

}  // namespace stateutils::bench
