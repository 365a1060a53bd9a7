// The loops of the normal quantile, included by one file per instruction set. Fused multiply-adds
// are written out, so that every set rounds the same; the last steps of every polynomial carry
// their rounding errors along.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "qmc/normal.hpp"

namespace stateutils::qmc {
namespace {

inline double fma(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}

// Two Horner chains, of the even and of the odd powers: half the latency of one.
template <std::size_t kCount>
inline double polynomial(const double (&c)[kCount], double x) {
  static_assert(kCount % 2 == 0);
  const double square = x * x;
  double even = c[kCount - 2], odd = c[kCount - 1];
  for (std::size_t k = kCount - 2; k >= 2; k -= 2) {
    even = fma(even, square, c[k - 2]);
    odd = fma(odd, square, c[k - 1]);
  }
  return fma(odd, x, even);
}

// Both polynomials are Chebyshev expansions (interpolated in 60 digits, cut below 2e-17) written in
// powers about the middle of their interval, where the first term outweighs the others: plain
// arithmetic then loses little.

// Phi^-1(1/2 + q) / q in powers of q^2 - 0.425^2 / 2, the constant apart.
inline constexpr double kMiddleConstant = 2.806736249905641,
                        kMiddleConstantLow = -2.0067635770252074e-16;
inline constexpr double kMiddle[] = {
    4.267298807143043,      14.281774309660637,     59.83018648001025,
    278.87403071946085,     1383.3358341294995,     7147.095635541696,
    38000.400547050696,     206390.81994533038,     1139517.8776007625,
    6373959.080167789,      36033237.03652599,      205565864.57040206,
    1181394318.0997176,     6800107906.900502,      39421275109.250496,
    241372202231.90564,     1447340613720.5645,     5660508201138.402,
    27222525500786.305,     693073097593765.2,      4988944927377005.0,
    -4.084659822093867e+16, -3.282598053940604e+17, 4.5560812024888417e+18,
    3.268604112857454e+19,  -2.022172244721086e+20, -1.4189259497673796e+21,
    5.929767637256089e+21,  3.918933666762536e+22,  0.0};

inline double middle(double u) {
  const double q = u - 0.5, q_low = u - (q + 0.5);  // inexact below u = 1/4
  const double v = fma(q, q, -0.0903125);
  const double rest = fma(v, polynomial(kMiddle, v), kMiddleConstantLow);
  // The slope of the quantile for |q| > 1/4 to 3 %: enough for the last half bit.
  const double slope = fma(v + 0.0278125, fma(v - 0.0252875, 231, 18.1), 3.147);
  return fma(q, kMiddleConstant, fma(q, rest, slope * q_low));
}

struct Pair {
  double high, low;
};

// -ln p: p = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh(s), s = (m - 1) / (m + 1).
inline Pair minus_log(double p) {
  constexpr std::uint64_t kRootHalf = 0x3FE6A09E667F3BCDull;  // bits of sqrt(1/2)
  const std::uint64_t shifted = std::bit_cast<std::uint64_t>(p) - kRootHalf + (1023ull << 52);
  const std::uint64_t exponent = shifted >> 52;  // e + 1023
  const double m = std::bit_cast<double>((shifted & 0xFFFFFFFFFFFFFull) + kRootHalf);
  // An integer below 2^52 as a double without a conversion, which AVX2 lacks.
  const double e = std::bit_cast<double>(exponent | 0x4330000000000000ull) - (0x1p52 + 1023.0);
  const double f = m - 1, sum = m + 1, sum_low = m - (sum - 1);
  const double inverse = 1 / sum, s = f * inverse;
  const double s_low = fma(-s, sum_low, fma(-s, sum, f)) * inverse;
  const double t = s * s;
  double series = 1.0 / 21;  // t^k / (2k + 3)
  series = fma(series, t, 1.0 / 19);
  series = fma(series, t, 1.0 / 17);
  series = fma(series, t, 1.0 / 15);
  series = fma(series, t, 1.0 / 13);
  series = fma(series, t, 1.0 / 11);
  series = fma(series, t, 1.0 / 9);
  series = fma(series, t, 1.0 / 7);
  series = fma(series, t, 1.0 / 5);
  series = fma(series, t, 1.0 / 3);
  constexpr double kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;
  const double big = e * kLn2High, small = 2 * s;  // both exact; big is 0 or the larger
  const double high = big + small;
  const double low = (big - high) + small + fma(e, kLn2Low, 2 * fma(s * t, series, s_low));
  const double whole = high + low;
  return {-whole, -(low - (whole - high))};
}

// Minus the quantile less kTailSlope r, r = sqrt(-ln p), in powers of r - 3.3.
inline constexpr double kTailSlope = 1.40625;
inline constexpr double kTail[] = {
    -0.5169499537575794,     0.11321169747918493,     -0.023706194191266742,
    0.005671860698618892,    -0.0014038133102077049,  0.0003554266096042906,
    -9.154527739694235e-05,  2.391357102469874e-05,   -6.323666303230741e-06,
    1.6906248103915407e-06,  -4.564888110021957e-07,  1.2436794747331837e-07,
    -3.415205011931317e-08,  9.447017724736544e-09,   -2.63808649818571e-09,
    7.399545292377252e-10,   -2.0183761576001672e-10, 5.632288115570245e-11,
    -1.9834895936839183e-11, 5.983089712847807e-12,   -9.915923051112468e-14,
    -7.227152479547568e-14,  -4.425258471368052e-13,  1.4731266385459105e-13,
    4.459512923804322e-14,   -1.518793771608327e-14,  -5.245349529792872e-15,
    1.640030247866176e-15};

inline double tail(double p) {
  const Pair t = minus_log(p);
  const double root = std::sqrt(t.high);
  const double inverse = 1 / root;
  const double root_low = (fma(-root, root, t.high) + t.low) * 0.5 * inverse;
  const double rest = polynomial(kTail, root - 3.3);
  // The slope in r to 2 %: enough for the last half bit.
  const double slope = fma(0.47, inverse, 1.414);
  return fma(kTailSlope, root, fma(slope, root_low, rest));
}

void middle_loop(const double* __restrict u, std::size_t count, double* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = middle(u[i]);
}
void tail_loop(const double* __restrict p, std::size_t count, double* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = tail(p[i]);
}

constexpr NormalKernels make_normal_kernels() {
  return {middle_loop, tail_loop};
}

}  // namespace
}  // namespace stateutils::qmc
