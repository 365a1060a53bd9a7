// Samplers of diffusion models with momentum, on Gaussian mixtures whose score is exact
// (Wizadwongsa, Chinchuthakun, Khungurn, Raj and Suwajanakorn 2023).
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "qmc/mixture.hpp"

namespace stateutils::qmc {

// x_{n+1} = x_n + step sum_k after[k] v_{n+1-k},
// v_{n+1} = (1 - beta) v_n + beta sum_k before[k] f_{n-k}.
struct MomentumMethod {
  double beta = 1;
  std::vector<double> before = {1}, after = {1};
};
// ddim, ab2..ab4, hb-ddim, hb-ab2..hb-ab4 (heavy ball), ghvb (order 1..4); kUsage otherwise.
[[nodiscard]] MomentumMethod momentum_method(const std::string& name, int order, double beta);

struct Stability {
  double real_axis = 0;                        // stable on (real_axis, 0)
  std::vector<std::complex<double>> boundary;  // step times eigenvalue where a root has modulus 1
};
[[nodiscard]] Stability stability_of(const MomentumMethod& method, int corners);

struct DiffusionError {
  std::uint64_t steps;
  double w2, mmd;  // to exact draws
};
// n points, from noise ten times as wide as the mixture down to none; lower orders of the method
// make the first steps.
[[nodiscard]] std::vector<DiffusionError> run_diffusion(
    const Mixture& mixture, const std::string& name, int order, double beta,
    const std::vector<std::uint64_t>& steps, std::uint64_t n, std::uint64_t seed, int threads);

}  // namespace stateutils::qmc
