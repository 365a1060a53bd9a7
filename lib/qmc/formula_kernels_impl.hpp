// The loops of formulas; included by one file per instruction set.
#pragma once

#include <cmath>

#include "qmc/elementary_impl.hpp"
#include "qmc/formula_kernels.hpp"

namespace stateutils::qmc {
namespace {

template <auto kFunction>
void unary_loop(const double* __restrict a, const double* /*b*/, std::size_t count,
                double* __restrict out) {
  for (std::size_t k = 0; k < count; ++k) out[k] = kFunction(a[k]);
}
template <auto kFunction>
void binary_loop(const double* __restrict a, const double* __restrict b, std::size_t count,
                 double* __restrict out) {
  for (std::size_t k = 0; k < count; ++k) out[k] = kFunction(a[k], b[k]);
}

// Angles that only the C library reduces: with few digits left, and no numbers.
inline bool is_wide(double x) {
  return !(std::abs(x) <= kWidestAngle);
}

template <auto kFunction, auto kLibrary>
void angle_loop(const double* __restrict a, const double* /*b*/, std::size_t count,
                double* __restrict out) {
  std::uint64_t wide = 0;
  for (std::size_t k = 0; k < count; ++k) {
    out[k] = kFunction(a[k]);
    wide |= is_wide(a[k]) ? 1u : 0u;
  }
  for (std::size_t k = 0; wide != 0 && k < count; ++k) {
    if (is_wide(a[k])) out[k] = kLibrary(a[k]);
  }
}

inline bool is_plain_power(double a, double b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return (a > 0) & (a < kInfinity) & (std::abs(b) < kInfinity);
}

// Negative bases with their sign; the rest, zeros and what is not finite, is exact in every
// library.
inline double other_power(double a, double b) {
  if (a < 0 && std::isfinite(a) && std::isfinite(b)) {
    if (b != std::floor(b)) return std::numeric_limits<double>::quiet_NaN();
    const double magnitude = positive_power(-a, b);
    return std::fmod(b, 2) != 0 ? -magnitude : magnitude;
  }
  return std::pow(a, b);
}

inline void power_loop(const double* __restrict a, const double* __restrict b, std::size_t count,
                       double* __restrict out) {
  std::uint64_t others = 0;
  for (std::size_t k = 0; k < count; ++k) {
    out[k] = positive_power(a[k], b[k]);
    others |= is_plain_power(a[k], b[k]) ? 0u : 1u;
  }
  for (std::size_t k = 0; others != 0 && k < count; ++k) {
    if (!is_plain_power(a[k], b[k])) out[k] = other_power(a[k], b[k]);
  }
}

constexpr FormulaKernels make_formula_kernels() {
  using Op = FormulaOp;
  FormulaKernels kernels{};
  const auto set = [&](Op op, FormulaKernel kernel) {
    kernels.run[static_cast<std::size_t>(op)] = kernel;
  };
  set(Op::kAdd, binary_loop<[](double a, double b) { return a + b; }>);
  set(Op::kSubtract, binary_loop<[](double a, double b) { return a - b; }>);
  set(Op::kMultiply, binary_loop<[](double a, double b) { return a * b; }>);
  set(Op::kDivide, binary_loop<[](double a, double b) { return a / b; }>);
  set(Op::kPower, power_loop);
  set(Op::kLess, binary_loop<[](double a, double b) { return a < b ? 1.0 : 0.0; }>);
  set(Op::kLessEqual, binary_loop<[](double a, double b) { return a <= b ? 1.0 : 0.0; }>);
  set(Op::kGreater, binary_loop<[](double a, double b) { return b < a ? 1.0 : 0.0; }>);
  set(Op::kGreaterEqual, binary_loop<[](double a, double b) { return b <= a ? 1.0 : 0.0; }>);
  set(Op::kEqual, binary_loop<[](double a, double b) { return a == b ? 1.0 : 0.0; }>);
  set(Op::kNotEqual, binary_loop<[](double a, double b) { return a != b ? 1.0 : 0.0; }>);
  set(Op::kMin, binary_loop<[](double a, double b) { return b < a ? b : a; }>);
  set(Op::kMax, binary_loop<[](double a, double b) { return a < b ? b : a; }>);
  set(Op::kNegate, unary_loop<[](double a) { return -a; }>);
  set(Op::kAbs, unary_loop<[](double a) { return std::abs(a); }>);
  set(Op::kFloor, unary_loop<[](double a) { return std::floor(a); }>);
  set(Op::kSqrt, unary_loop<[](double a) { return std::sqrt(a); }>);
  set(Op::kExp, unary_loop<[](double a) { return exponential(a); }>);
  set(Op::kLog, unary_loop<logarithm>);
  set(Op::kSin, angle_loop<sine, [](double a) { return std::sin(a); }>);
  set(Op::kCos, angle_loop<cosine, [](double a) { return std::cos(a); }>);
  set(Op::kTan, angle_loop<tangent, [](double a) { return std::tan(a); }>);
  set(Op::kAsin, unary_loop<arcsine>);
  set(Op::kAcos, unary_loop<arccosine>);
  set(Op::kAtan, unary_loop<arctangent>);
  set(Op::kSinh, unary_loop<hyperbolic_sine>);
  set(Op::kCosh, unary_loop<hyperbolic_cosine>);
  set(Op::kTanh, unary_loop<hyperbolic_tangent>);
  return kernels;
}

}  // namespace
}  // namespace stateutils::qmc
