// Elementary functions without branches, for loops that compilers vectorise: the same bits on every
// instruction set, and on every C library. Errors in units of the last place, as tested against
// extended precision: exp, log and atan below 1, sin, cos, cosh and powers below 1.5, the others
// below 3. A plain form is for the arguments that its predicate takes. Included by the files of
// kernels.
//
// Polynomials are Chebyshev expansions, interpolated in 60 digits.
#pragma once

#include <cmath>
#include <limits>

#include "qmc/fused.hpp"

namespace stateutils::qmc {
namespace {

// Added and taken away it leaves the nearest integer; the sum's lowest bits are its lowest bits.
inline constexpr double kRound = 0x1.8p52;

// 2^k for an integer k from -1022 to 1023.
inline double power_of_two(double k) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(k + (kRound + 1023)) << 52);
}

// Within the bounds; what is no number stays that.
inline double clamp(double x, double low, double high) {
  x = x > high ? high : x;
  return x < low ? low : x;
}

// x + low = k ln 2 + r with |r| <= ln(2) / 2 for a low far below x, and exp(r) - 1; the lowest bits
// of `rounded` are those of k.
struct Exponent {
  double k, expm1, rounded;
};

inline Exponent split_exponent(double x, double low = 0) {
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
  const double rounded = fma(x, kLog2E, kRound), k = rounded - kRound;
  const double r = fma(-k, kLn2Low, fma(-k, kLn2High, x)) + low;
  return {k, fma(r * r, polynomial(kExp, r), r), rounded};
}

// exp(x) where it is a normal number.
inline bool is_plain_exponent(double x) {
  return std::abs(x) <= 708;
}
inline double plain_exponential(double x) {
  const Exponent part = split_exponent(x);
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(1 + part.expm1) +
                               (std::bit_cast<std::uint64_t>(part.rounded) << 52));
}
// exp(x + low). Two factors of the power of two: each is a normal number.
inline double exponential(double x, double low = 0) {
  const Exponent part = split_exponent(clamp(x, -746, 710), low);
  const double half = fma(part.k, 0.5, kRound) - kRound;
  return (1 + part.expm1) * power_of_two(half) * power_of_two(part.k - half);
}

// Subnormal arguments too.
inline Logarithm split_positive(double x) {
  const bool tiny = x < std::numeric_limits<double>::min();
  Logarithm part = split_logarithm(tiny ? x * 0x1p54 : x);
  part.e -= tiny ? 54.0 : 0.0;
  return part;
}

inline double logarithm_of(const Logarithm& part) {
  // (2 atanh(s) / s - 2) / s^2 in powers of s^2
  static constexpr double kLog[] = {0.6666666666666666,  0.4000000000000088,  0.28571428570801954,
                                    0.22222222392089008, 0.18181795600060793, 0.15386241881938595,
                                    0.13268714792348096, 0.1308723619665962};
  // ln(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f): f outweighs what is rounded.
  const double s = part.f / (part.m + 1), z = s * s, half = 0.5 * part.f * part.f;
  const double rest = fma(s, fma(z, polynomial(kLog, z), half), part.e * kLn2Low);
  return fma(part.e, kLn2High, part.f - (half - rest));
}

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

inline bool is_plain_logarithm(double x) {
  return (x >= std::numeric_limits<double>::min()) & (x < kInfinity);
}
inline double plain_logarithm(double x) {
  return logarithm_of(split_logarithm(x));
}
inline double logarithm(double x) {
  if (x > 0 && x < kInfinity) return logarithm_of(split_positive(x));
  if (x == 0) return -kInfinity;
  return x > 0 ? x : std::numeric_limits<double>::quiet_NaN();
}

// ln x to 2^-64 of itself, for finite x > 0: the terms s and s^3 with their errors.
inline Pair precise_logarithm(double x) {
  constexpr double kTwoThirds = 0x1.5555555555555p-1, kTwoThirdsLow = 0x1.5555555555555p-55;
  // The series behind s^3, from s^5.
  static constexpr double kRest[] = {0.4,
                                     0.2857142857142937,
                                     0.22222222221654733,
                                     0.1818181833565416,
                                     0.15384594934597917,
                                     0.13334806212100603,
                                     0.11706195689881364,
                                     0.11723603622905411};
  const Logarithm part = split_positive(x);
  const double sum = part.m + 1, sum_low = part.m - (sum - 1);
  const double inverse = 1 / sum, s = part.f * inverse;
  const double s_low = fma(-s, sum_low, fma(-s, sum, part.f)) * inverse;
  const double z = s * s, z_low = fma(s, s, -z) + 2 * s * s_low;
  const double cube = s * z, cube_low = fma(s, z, -cube) + fma(s, z_low, s_low * z);
  const double term = cube * kTwoThirds;
  const double term_low =
      fma(cube, kTwoThirds, -term) + fma(cube, kTwoThirdsLow, cube_low * kTwoThirds);
  const Pair first = quick_two_sum(part.e * kLn2High, 2 * s);
  const Pair second = quick_two_sum(first.high, term);
  const double rest = fma(cube * z, polynomial(kRest, z), fma(part.e, kLn2Low, term_low));
  return quick_two_sum(second.high, first.low + second.low + 2 * s_low + rest);
}

// a^b for finite a > 0 and b.
inline double positive_power(double a, double b) {
  const Pair log = precise_logarithm(a);
  const double x = b * log.high, low = fma(b, log.high, -x) + b * log.low;
  return exponential(x, std::abs(x) < 1000 ? low : 0);
}

// x = k pi/2 + r, |r| <= pi/4 and a little; q has k's last bits. Wider angles have few digits left.
inline bool is_plain_angle(double x) {
  return std::abs(x) <= 0x1p40;
}

struct Angle {
  std::uint64_t q;
  double r;
};

inline Angle split_angle(double x) {
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  constexpr double kHigh = 0x1.921fb54442d18p+0, kMiddle = 0x1.1a62633145c07p-54,
                   kLow = -0x1.f1976b7ed8fbcp-110;  // of pi/2
  const double rounded = fma(x, kTwoOverPi, kRound), k = rounded - kRound;
  const double most = fma(-k, kHigh, x);  // exact
  return {std::bit_cast<std::uint64_t>(rounded), fma(-k, kLow, fma(-k, kMiddle, most))};
}

inline double near_sine(double r) {
  // (sin(r) / r - 1) / r^2 in powers of r^2
  static constexpr double kSin[] = {-0.16666666666666666,    0.008333333333333331,
                                    -0.00019841269841265033, 2.755731921931355e-06,
                                    -2.505210622355484e-08,  1.6058530210426193e-10,
                                    -7.586614142941745e-13};
  const double z = r * r;
  return fma(r * z, polynomial(kSin, z), r);
}

inline double near_cosine(double r) {
  // (cos(r) - 1 + r^2/2) / r^4 in powers of r^2
  static constexpr double kCos[] = {0.041666666666666664,  -0.0013888888888887387,
                                    2.480158729875013e-05, -2.7557317263665896e-07,
                                    2.087614458890299e-09, -1.1382511506560288e-11};
  const double z = r * r, half = 0.5 * z, most = 1 - half;
  return most + fma(z * z, polynomial(kCos, z), (1 - most) - half);
}

// sin(x) for turn = 0, cos(x) for turn = 1.
inline double turned_sine(double x, std::uint64_t turn) {
  const Angle a = split_angle(x);
  const double s = near_sine(a.r), c = near_cosine(a.r);
  const std::uint64_t q = a.q + turn;
  const double value = (q & 1) != 0 ? c : s;
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ (q & 2) << 62);
}

inline double sine(double x) {
  return turned_sine(x, 0);
}
inline double cosine(double x) {
  return turned_sine(x, 1);
}
inline double tangent(double x) {
  const Angle a = split_angle(x);
  const double s = near_sine(a.r), c = near_cosine(a.r);
  const bool odd = (a.q & 1) != 0;
  return (odd ? -c : s) / (odd ? s : c);
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
  const Exponent part = split_exponent(x);
  const double quarter = power_of_two(part.k - 2);
  return 2 * fma(quarter, part.expm1, quarter - 0.25);
}

inline double hyperbolic_sine(double x) {
  const double h = half_expm1(clamp(std::abs(x), 0, 710.5));
  return std::copysign(h + (h < 0x1p60 ? h / fma(2, h, 1) : 0.5), x);
}
inline double hyperbolic_cosine(double x) {
  const Exponent part = split_exponent(clamp(std::abs(x), 0, 710.5));
  const double quarter = power_of_two(part.k - 2), half = 2 * fma(quarter, part.expm1, quarter);
  return half + 0.25 / half;
}
inline double hyperbolic_tangent(double x) {
  const double h = half_expm1(clamp(2 * std::abs(x), 0, 44));
  return std::copysign(h / (h + 1), x);
}

}  // namespace
}  // namespace stateutils::qmc
