// The inverse of the normal distribution function.
#pragma once

#include <cstddef>

#include "core/isa.hpp"

namespace stateutils::qmc {

// x with Phi(x) = u, for u in (0, 1): within 2 ulp over [2^-53, 1 - 2^-53], the same bits on every
// instruction set. Rational approximations of Wichura (1988), AS 241.
[[nodiscard]] double normal_quantile(double u);
// The same for `count` values in place.
void normal_quantiles(double* u, std::size_t count);

// Phi(x).
[[nodiscard]] double normal_cdf(double x);

// The middle part |u - 1/2| <= 0.425 of `count` values, whatever they are; one per instruction set.
using NormalMiddle = void (*)(const double* u, std::size_t count, double* out);
void normal_middle_scalar(const double* u, std::size_t count, double* out);
void normal_middle_avx2(const double* u, std::size_t count, double* out);
void normal_middle_avx512(const double* u, std::size_t count, double* out);

}  // namespace stateutils::qmc
