// Sampling x given y = A x + noise with a diffusion of the prior whose score is guided by the
// measurement, beside the posterior in closed form.
//
// With x_t = x + sigma e and s the prior's score under that noise, Tweedie's formulas give
// E[x | x_t] = x_t + sigma^2 s and Cov[x | x_t] = sigma^2 (I + sigma^2 H), H the Hessian of the log
// density (Efron 2011). Order 1 takes x for its mean (Chung et al. 2023); order 2 adds the
// covariance as c I, c = sigma^2 (1 + sigma^2 tr H / d), the trace by Hutchinson's probes (as Rout
// et al. 2024 estimate it). For a prior of one component order 2 is exact, up to the steps taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qmc/mixture.hpp"

namespace stateutils::qmc {

struct LinearProblem {
  Mixture prior;          // of x, d numbers
  std::vector<double> a;  // m x d, row by row
  std::vector<double> y;  // m numbers: A x and independent noise
  double noise = 1;       // its deviation
};
// {"prior":{"weights","means","sds"},"A":[[..],..],"y":[..],"noise":..}; kInput naming the file.
[[nodiscard]] LinearProblem parse_linear_problem(const std::string& json, const std::string& name);

struct Moments {
  std::vector<double> mean, cov;  // d; d x d
};
[[nodiscard]] Moments exact_posterior(const LinearProblem& problem);

struct GuidedRun {
  int order = 1;  // 1 or 2
  std::uint64_t steps = 0;
  Moments found;
  double mean_error = 0, cov_error = 0;  // Euclidean and Frobenius distance to the exact ones
  std::uint64_t evaluations = 0;         // scores and their derivatives along a vector, a sample
};
// n samples by the probability flow, two stages a step (Heun), from noise of 1000 times the prior's
// extent; starts are Sobol' points, `probes` vectors estimate each trace. kInput naming `name` when
// the samples leave the finite numbers, which order 1 does with few steps and little noise.
[[nodiscard]] GuidedRun run_guided(const LinearProblem& problem, int order, std::uint64_t steps,
                                   std::uint64_t n, int probes, std::uint64_t seed, int threads,
                                   const std::string& name);

}  // namespace stateutils::qmc
