// State merging in the red-blue framework (Lang, Pearlmutter, Price, ICGI'98).
#pragma once

#include <cstdint>
#include <optional>

#include "bench/learn/model.hpp"
#include "bench/learn/strings.hpp"

namespace stateutils::bench {

enum class MergeScore { kRpni, kEdsm, kAlergia, kLikelihood };

struct FitOptions {
  MergeScore score = MergeScore::kLikelihood;
  std::optional<double> alpha;  // 0.05 for alergia, 1e-5 for likelihood
  bool largest_blue = true;     // edsm: only the blue state that most strings pass is tried
};

// An acceptor for rpni and edsm (labels are needed), a generator for the others.
[[nodiscard]] StateMachine fit(const Strings& sample, const FitOptions& options);

// P(X >= x) for X chi-square distributed with `df` degrees of freedom.
[[nodiscard]] double chi_square_tail(double x, double df);

}  // namespace stateutils::bench
