// Two agents on the same tasks, trial by trial.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/score/score.hpp"
#include "bench/score/stats.hpp"

namespace stateutils::bench {

struct Comparison {
  std::uint64_t pairs = 0, unpaired = 0, errors = 0;
  std::int64_t b = 0, c = 0;  // only the first passes; only the second passes
  double p = 1;               // exact McNemar, two-sided
  double strict_a = 0, strict_b = 0, progress_a = 0, progress_b = 0;
  Interval difference;  // 95 % of strict_b - strict_a, bootstrap over scenarios
  [[nodiscard]] std::string json() const;
};

// Trials are paired by task and trial number; pairs with an infrastructure error are left out. A
// (task, trial) that comes twice on one side is kInput.
[[nodiscard]] Comparison compare(const std::vector<TrialScore>& a, const std::vector<TrialScore>& b,
                                 std::uint64_t seed);

struct GateDecision {
  bool promote = false;
  std::uint64_t must_pass = 0, elsewhere = 0;
  std::vector<std::string> broken;  // must-pass tasks that the candidate fails
  std::int64_t lost = 0, won = 0;   // discordant pairs elsewhere
  double p = 1;                     // P(at least that many losses) when both are equally good
};

// Promote when the candidate passes every trial of the must-pass tasks and loses nothing elsewhere
// at p < 0.05 (one-sided exact McNemar). Errors count as failures.
[[nodiscard]] GateDecision gate(const std::vector<TrialScore>& base,
                                const std::vector<TrialScore>& candidate);

}  // namespace stateutils::bench
