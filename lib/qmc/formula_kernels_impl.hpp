// The loops of formulas; included by one file per instruction set.
#pragma once

#include <cmath>
#include <type_traits>

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

// A value, and whether the plain form that made it holds.
template <class T>
struct Checked {
  T value;
  decltype(T() <= T()) holds;
};

struct ExpFunction {
  static constexpr bool kBinary = false;
  template <class T>
  static Checked<T> plain(T x, T /*y*/) {
    return {plain_exponential(x), is_plain_exponent(x)};
  }
  static double other(double x, double /*y*/) { return exponential(x); }
};
struct LogFunction {
  static constexpr bool kBinary = false;
  template <class T>
  static Checked<T> plain(T x, T /*y*/) {
    return {plain_logarithm(x), is_plain_logarithm(x)};
  }
  static double other(double x, double /*y*/) { return logarithm(x); }
};
struct SinFunction {
  static constexpr bool kBinary = false;
  template <class T>
  static Checked<T> plain(T x, T /*y*/) {
    return {sine(x), is_plain_angle(x)};
  }
  static double other(double x, double /*y*/) { return std::sin(x); }
};
struct CosFunction {
  static constexpr bool kBinary = false;
  template <class T>
  static Checked<T> plain(T x, T /*y*/) {
    return {cosine(x), is_plain_angle(x)};
  }
  static double other(double x, double /*y*/) { return std::cos(x); }
};
struct TanFunction {
  static constexpr bool kBinary = false;
  template <class T>
  static Checked<T> plain(T x, T /*y*/) {
    return {tangent(x), is_plain_angle(x)};
  }
  static double other(double x, double /*y*/) { return std::tan(x); }
};
struct PowerFunction {
  static constexpr bool kBinary = true;
  template <class T>
  static Checked<T> plain(T a, T b) {
    const Power<T> power = split_power(a, b, 0);
    return {plain_exponential(power.x, power.low),
            both(is_plain_logarithm(a), is_plain_exponent(power.x))};
  }
  // Negative bases with their sign; zeros and what is not finite is exact in every library.
  static double other(double a, double b) {
    if (!std::isfinite(a) || !std::isfinite(b) || a == 0) return std::pow(a, b);
    if (a > 0) return positive_power(a, b);
    if (b != std::floor(b)) return std::numeric_limits<double>::quiet_NaN();
    const double magnitude = positive_power(-a, b);
    return std::fmod(b, 2) != 0 ? -magnitude : magnitude;
  }
};

// The plain form for all, the other where it does not hold. `N` is a pack, or double; what is left
// behind whole packs goes one by one.
template <class N, class Function>
void checked_loop(const double* __restrict a, const double* __restrict b, std::size_t count,
                  double* __restrict out) {
  bool plain = true;
  std::size_t k = 0;
  if constexpr (!std::is_same_v<N, double>) {
    auto holds = N(0) <= N(0);
    for (; k + N::kLanes <= count; k += N::kLanes) {
      const N x = N::load(a + k), y = Function::kBinary ? N::load(b + k) : x;
      const Checked<N> made = Function::plain(x, y);
      made.value.store(out + k);
      holds = both(holds, made.holds);
    }
    plain = holds.all();
  }
  for (; k < count; ++k) {
    const Checked<double> made = Function::plain(a[k], Function::kBinary ? b[k] : a[k]);
    out[k] = made.value;
    plain = plain && made.holds;
  }
  if (plain) return;
  for (k = 0; k < count; ++k) {
    const double y = Function::kBinary ? b[k] : a[k];
    if (!Function::plain(a[k], y).holds) out[k] = Function::other(a[k], y);
  }
}

// Every `stride`-th number.
template <class N>
void take_loop(const double* __restrict from, std::size_t stride, std::size_t count,
               double* __restrict out) {
  std::size_t k = 0;
  if constexpr (!std::is_same_v<N, double>) {
    for (; k + N::kLanes <= count; k += N::kLanes) {
      N::collect(from + k * stride, stride).store(out + k);
    }
  }
  for (; k < count; ++k) out[k] = from[k * stride];
}

template <class N>
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
  set(Op::kPower, checked_loop<N, PowerFunction>);
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
  set(Op::kExp, checked_loop<N, ExpFunction>);
  set(Op::kLog, checked_loop<N, LogFunction>);
  set(Op::kSin, checked_loop<N, SinFunction>);
  set(Op::kCos, checked_loop<N, CosFunction>);
  set(Op::kTan, checked_loop<N, TanFunction>);
  set(Op::kAsin, unary_loop<arcsine>);
  set(Op::kAcos, unary_loop<arccosine>);
  set(Op::kAtan, unary_loop<arctangent>);
  set(Op::kSinh, unary_loop<hyperbolic_sine>);
  set(Op::kCosh, unary_loop<hyperbolic_cosine>);
  set(Op::kTanh, unary_loop<hyperbolic_tangent>);
  kernels.take = take_loop<N>;
  return kernels;
}

}  // namespace
}  // namespace stateutils::qmc
