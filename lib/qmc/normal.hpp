// The inverse of the normal distribution function.
#pragma once

#include <cstddef>

#include "core/isa.hpp"

namespace stateutils::qmc {

// x with Phi(x) = u, for u in (0, 1): within 2 ulp over [2^-53, 1 - 2^-53], the same bits on every
// instruction set. Polynomials after Giles (2010); beyond exp(-25) those of Wichura (1988), AS 241.
[[nodiscard]] double normal_quantile(double u);
// The same for `count` values in place.
void normal_quantiles(double* u, std::size_t count);

// Phi(x).
[[nodiscard]] double normal_cdf(double x);

inline constexpr std::size_t kNormalPart = 1024;

// The loops, one set per instruction set; every set rounds the same.
struct NormalKernels {
  // Of at most kNormalPart values, in place; only those of the centre are right.
  void (*centre)(double* values, std::size_t count);
  // Minus the quantile of p with exp(-25) <= p <= 0.075.
  void (*tail)(const double* p, std::size_t count, double* out);
};
extern const NormalKernels kNormalScalar, kNormalAvx2, kNormalAvx512;

}  // namespace stateutils::qmc
