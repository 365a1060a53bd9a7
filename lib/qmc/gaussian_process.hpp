// Gaussian processes on the first 2^m points of a lattice or net: fits and predictions that never
// form a matrix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "qmc/kernels.hpp"

namespace stateutils::qmc {

// A fitted process with everything that predictions need.
struct GaussianProcess {
  KernelSpec kernel;
  std::vector<std::uint64_t> points;  // n x d, fractions of 2^64
  std::vector<double> coef;           // (K + noise I)^-1 y
  std::vector<double> lambda;         // eigenvalues of K in transform order
  double loss = 0;
  [[nodiscard]] std::size_t size() const { return coef.size(); }
  [[nodiscard]] std::size_t dims() const { return kernel.gamma.size(); }
};

enum class FitRule { kLikelihood, kCrossValidation };

// Fits gamma, scale and noise from `start` (orders stay, a noise of 0 stays 0), all within
// [1e-10, 1e10]: minus the log likelihood, or generalised cross-validation. The scale has a closed
// form for a held ratio of noise to scale; gradients are transforms.
[[nodiscard]] GaussianProcess fit_process(const KernelSpec& start, const Points& points,
                                          std::span<const double> y, FitRule rule);

struct Prediction {
  std::vector<double> mean, variance;  // of the latent function
};
// At any points, fractions of 2^64 row by row; O(n (d + log n)) each.
[[nodiscard]] Prediction predict(const GaussianProcess& process,
                                 std::span<const std::uint64_t> points, int threads);
// At the next n points of the sequence, O(n (d + log n)) in all; kInput naming the first row that
// is not one of them.
[[nodiscard]] Prediction predict_next(const GaussianProcess& process,
                                      std::span<const std::uint64_t> points);

}  // namespace stateutils::qmc
