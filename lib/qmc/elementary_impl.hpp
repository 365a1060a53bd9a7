// Elementary functions without branches, the same bits on every instruction set and on every C
// library. Errors in units of the last place, as tested against extended precision: exp, log and
// atan below 1, sin, cos, cosh and powers below 1.5, the others below 3. Those of a type T run over
// one double or a pack of them, the others in loops that compilers vectorise. A plain form is for
// the arguments that its predicate takes. Included by the files of kernels.
//
// Polynomials are Chebyshev expansions, interpolated in 60 digits.
#pragma once

#include <cmath>
#include <limits>

#include "qmc/fused.hpp"
#include "qmc/log_rows.hpp"

namespace stateutils::qmc {
namespace {

// Added and taken away it leaves the nearest integer; the sum's lowest bits are its lowest bits.
inline constexpr double kRound = 0x1.8p52;

// 2^k for an integer k from -1022 to 1023.
inline double power_of_two(double k) {
  return number_of(bits_of(k + (kRound + 1023)) << 52);
}

// Within the bounds; what is no number stays that.
inline double clamp(double x, double low, double high) {
  x = x > high ? high : x;
  return x < low ? low : x;
}

// x + low = k ln 2 + r with |r| <= ln(2) / 2 for a low far below x, and exp(r) - 1; the lowest bits
// of `rounded` are those of k.
template <class T>
struct Exponent {
  T k, expm1, rounded;
};

template <class T>
inline Exponent<T> split_exponent(T x, T low) {
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  // (exp(r) - 1 - r) / r^2
  static constexpr double kExp[] = {0.5,
                                    0.1666666666666667,
                                    0.04166666666666667,
                                    0.008333333333326103,
                                    0.0013888888888883726,
                                    0.00019841269874932202,
                                    2.4801587325627418e-05,
                                    2.755725525875986e-06,
                                    2.7557273542102106e-07,
                                    2.5105275841936966e-08,
                                    2.0914728984148772e-09};
  const T rounded = fma(x, T(kLog2E), T(kRound)), k = rounded - kRound;
  const T r = fma(-k, T(kLn2Low), fma(-k, T(kLn2High), x)) + low;
  return {k, fma(r * r, polynomial(kExp, r), r), rounded};
}

// Arguments whose exponential is a normal number.
template <class T>
inline auto is_plain_exponent(T x) {
  return absolute(x) <= 708;
}
template <class T>
inline T plain_exponential(T x, T low = T(0)) {
  const Exponent<T> part = split_exponent(x, low);
  return number_of(bits_of(1 + part.expm1) + (bits_of(part.rounded) << 52));
}
// exp(x + low). Two factors of the power of two: each is a normal number.
inline double exponential(double x, double low = 0) {
  const auto part = split_exponent(clamp(x, -746, 710), low);
  const double half = fma(part.k, 0.5, kRound) - kRound;
  return (1 + part.expm1) * power_of_two(half) * power_of_two(part.k - half);
}

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Positive normal numbers.
template <class T>
inline auto is_plain_logarithm(T x) {
  return both(T(std::numeric_limits<double>::min()) <= x,
              x <= T(std::numeric_limits<double>::max()));
}
template <class T>
inline T logarithm_of(const Logarithm<T>& part) {
  // (2 atanh(s) / s - 2) / s^2 in powers of s^2
  static constexpr double kLog[] = {0.6666666666666666,  0.4000000000000088,  0.28571428570801954,
                                    0.22222222392089008, 0.18181795600060793, 0.15386241881938595,
                                    0.13268714792348096, 0.1308723619665962};
  // ln(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f): f outweighs what is rounded.
  const T s = part.f / (part.m + 1), z = s * s, half = 0.5 * part.f * part.f;
  const T rest = fma(s, fma(z, polynomial(kLog, z), half), part.e * kLn2Low);
  return fma(part.e, T(kLn2High), part.f - (half - rest));
}
template <class T>
inline T plain_logarithm(T x) {
  return logarithm_of(split_logarithm(x));
}
// Subnormal arguments too.
inline double logarithm(double x) {
  if (x > 0 && x < kInfinity) {
    const bool tiny = x < std::numeric_limits<double>::min();
    auto part = split_logarithm(tiny ? x * 0x1p54 : x);
    part.e -= tiny ? 54 : 0;
    return logarithm_of(part);
  }
  if (x == 0) return -kInfinity;
  return x > 0 ? x : std::numeric_limits<double>::quiet_NaN();
}

// a^b is exp(x + low), |low| <= 0.01, for a positive normal a 2^-shift. The logarithm is that of a
// row of the table, of 2^e, and of 1 + r, r being the exact distance from the row's number: its
// terms grow smaller from one to the next, and what rounding takes from a sum is its other terms'
// rest. In all it is good to 2^-63 of itself.
template <class T>
struct Power {
  T x, low;
};
template <class T>
inline Power<T> split_power(T a, T b, double shift) {
  // (ln(1 + r) - r + r^2/2) / r^3
  static constexpr double kRest[] = {0.3333333333333335,  -0.2500000000000001,
                                     0.19999999992680031, -0.16666666660078688,
                                     0.14286284670945107, -0.12500513347007194};
  constexpr int kBitsOfRow = 45, kBytesOfRow = 5;  // powers of two
  constexpr std::uint64_t kLast = (kLogRowCount - 1) << kBytesOfRow;
  const auto split = split_bits(bits_of(a), kLogRowsFrom);
  const T e = exponent_of(split, shift), m = mantissa_of(split, kLogRowsFrom);
  T inverse, log, log_low;
  read_rows(kLogRows[0], (split >> (kBitsOfRow - kBytesOfRow)) & kLast, inverse, log, log_low);
  const T r = fma(m, inverse, T(-1)), half = -0.5 * r;
  const T first = fma(e, T(kLn2High), log);  // exact
  const T second = first + r, second_low = (first - second) + r;
  const T third = fma(half, r, second), third_low = fma(half, r, second - third);
  const T low = fma(e, T(kLn2Low), log_low) + (second_low + third_low);
  const T rest = fma(r * (r * r), polynomial(kRest, r), low);
  const T x = b * third;
  return {x, fma(b, rest, fma(b, third, -x))};
}
// Finite a > 0 and b.
inline double positive_power(double a, double b) {
  const bool tiny = a < std::numeric_limits<double>::min();
  const auto power = split_power(tiny ? a * 0x1p54 : a, b, tiny ? 54 : 0);
  return exponential(power.x, std::abs(power.x) < 1000 ? power.low : 0);
}

// x = k pi/2 + r, |r| <= pi/4 and a little; q has k's last bits. Wider angles have few digits left.
template <class T>
inline auto is_plain_angle(T x) {
  return absolute(x) <= 0x1p40;
}

template <class T>
struct Angle {
  T rounded, r;  // the lowest bits of `rounded` are those of k
};

template <class T>
inline Angle<T> split_angle(T x) {
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  constexpr double kHigh = 0x1.921fb54442d18p+0, kMiddle = 0x1.1a62633145c07p-54,
                   kLow = -0x1.f1976b7ed8fbcp-110;  // of pi/2
  const T rounded = fma(x, T(kTwoOverPi), T(kRound)), k = rounded - kRound;
  const T most = fma(-k, T(kHigh), x);  // exact
  return {rounded, fma(-k, T(kLow), fma(-k, T(kMiddle), most))};
}

template <class T>
inline T near_sine(T r) {
  // (sin(r) / r - 1) / r^2 in powers of r^2
  static constexpr double kSin[] = {-0.16666666666666666,    0.008333333333333331,
                                    -0.00019841269841265033, 2.755731921931355e-06,
                                    -2.505210622355484e-08,  1.6058530210426193e-10,
                                    -7.586614142941745e-13};
  const T z = r * r;
  return fma(r * z, polynomial(kSin, z), r);
}

template <class T>
inline T near_cosine(T r) {
  // (cos(r) - 1 + r^2/2) / r^4 in powers of r^2
  static constexpr double kCos[] = {0.041666666666666664,  -0.0013888888888887387,
                                    2.480158729875013e-05, -2.7557317263665896e-07,
                                    2.087614458890299e-09, -1.1382511506560288e-11};
  const T z = r * r, half = 0.5 * z, most = 1 - half;
  return most + fma(z * z, polynomial(kCos, z), (1 - most) - half);
}

// sin(x) for turn = 0, cos(x) for turn = 1.
template <class T>
inline T turned_sine(T x, std::uint64_t turn) {
  const Angle<T> a = split_angle(x);
  const auto q = bits_of(a.rounded) + turn;
  const T value = select_odd(q, near_cosine(a.r), near_sine(a.r));
  return number_of(bits_of(value) ^ ((q & 2) << 62));
}

template <class T>
inline T sine(T x) {
  return turned_sine(x, 0);
}
template <class T>
inline T cosine(T x) {
  return turned_sine(x, 1);
}
template <class T>
inline T tangent(T x) {
  const Angle<T> a = split_angle(x);
  const T s = near_sine(a.r), c = near_cosine(a.r);
  const auto q = bits_of(a.rounded);
  return select_odd(q, -c, s) / select_odd(q, s, c);
}

// atan(x) = atan(c) + atan((x - c) / (1 + x c)), c = 0, 1/2, 1, 3/2 or infinity.
inline double arctangent(double x) {
  // (atan(t) / t - 1) / t^2 in powers of t^2
  static constexpr double kAtan[] = {
      -0.3333333333333333,  0.1999999999999941,  -0.1428571428556678,  0.1111111109664275,
      -0.09090908355500618, 0.07692285552247395, -0.06666241880840171, 0.05876946018650443,
      -0.05216676847739473, 0.04492247472701371, -0.03312786181489724, 0.014772914027416728};
  const double a = std::abs(x);
  double over = a, under = 1, high = 0, low = 0;
  const auto take = [&](bool use, double n, double d, double c, double c_low) {
    over = use ? n : over;
    under = use ? d : under;
    high = use ? c : high;
    low = use ? c_low : low;
  };
  take(a >= 0.4375, 2 * a - 1, 2 + a, 0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56);
  take(a >= 0.6875, a - 1, a + 1, 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55);
  take(a >= 1.1875, a - 1.5, fma(1.5, a, 1), 0x1.f730bd281f69bp-1, 0x1.007887af0cbbdp-56);
  take(a >= 2.4375, -1, a, 0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54);
  const double t = over / under, z = t * t;
  return std::copysign(high + (t + fma(t * z, polynomial(kAtan, z), low)), x);
}

inline double arcsine(double x) {
  return arctangent(x / std::sqrt((1 - x) * (1 + x)));
}
inline double arccosine(double x) {
  return 2 * arctangent(std::sqrt((1 - x) / (1 + x)));
}

// (exp(x) - 1) / 2 for x from 0 to 710.5.
inline double half_expm1(double x) {
  const auto part = split_exponent(x, 0.0);
  const double quarter = power_of_two(part.k - 2);
  return 2 * fma(quarter, part.expm1, quarter - 0.25);
}

inline double hyperbolic_sine(double x) {
  const double h = half_expm1(clamp(std::abs(x), 0, 710.5));
  return std::copysign(h + (h < 0x1p60 ? h / fma(2, h, 1) : 0.5), x);
}
inline double hyperbolic_cosine(double x) {
  const auto part = split_exponent(clamp(std::abs(x), 0, 710.5), 0.0);
  const double quarter = power_of_two(part.k - 2), half = 2 * fma(quarter, part.expm1, quarter);
  return half + 0.25 / half;
}
inline double hyperbolic_tangent(double x) {
  const double h = half_expm1(clamp(2 * std::abs(x), 0, 44));
  return std::copysign(h / (h + 1), x);
}

}  // namespace
}  // namespace stateutils::qmc
