// Minima of functions of one and of several variables.
#pragma once

#include <functional>
#include <span>
#include <vector>

namespace stateutils::qmc {

// Where f is least on [low, high], to `tolerance` (Brent 1973, chapter 5).
[[nodiscard]] double minimise_brent(const std::function<double(double)>& f, double low, double high,
                                    double tolerance);

// Value at x and gradient; every call fills `gradient`.
using Differentiable = std::function<double(std::span<const double> x, std::span<double> gradient)>;
// A local minimum inside the box [low, high]^d from `x` by L-BFGS steps that are projected onto the
// box, with backtracking (Nocedal and Wright 2006, sections 7.2 and 16.7).
[[nodiscard]] std::vector<double> minimise_lbfgs(const Differentiable& f, std::vector<double> x,
                                                 double low, double high, int max_steps = 200);

}  // namespace stateutils::qmc
