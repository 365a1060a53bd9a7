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

// The plain form for all, the other where it does not hold.
template <auto kIsPlain, auto kPlain, auto kOther>
void checked_loop(const double* __restrict a, const double* /*b*/, std::size_t count,
                  double* __restrict out) {
  std::uint64_t others = 0;
  for (std::size_t k = 0; k < count; ++k) {
    out[k] = kPlain(a[k]);
    others |= kIsPlain(a[k]) ? 0u : 1u;
  }
  for (std::size_t k = 0; others != 0 && k < count; ++k) {
    if (!kIsPlain(a[k])) out[k] = kOther(a[k]);
  }
}

inline bool is_plain_power(double a, double b) {
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
  set(Op::kExp,
      checked_loop<is_plain_exponent, plain_exponential, [](double a) { return exponential(a); }>);
  set(Op::kLog, checked_loop<is_plain_logarithm, plain_logarithm, logarithm>);
  set(Op::kSin, checked_loop<is_plain_angle, sine, [](double a) { return std::sin(a); }>);
  set(Op::kCos, checked_loop<is_plain_angle, cosine, [](double a) { return std::cos(a); }>);
  set(Op::kTan, checked_loop<is_plain_angle, tangent, [](double a) { return std::tan(a); }>);
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
