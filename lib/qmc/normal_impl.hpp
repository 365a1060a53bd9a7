// The loops of the normal quantile, included by one file per instruction set. The last steps of
// every polynomial carry their rounding errors along.
#pragma once

#include <cmath>
#include <cstddef>

#include "qmc/fused.hpp"
#include "qmc/normal.hpp"

namespace stateutils::qmc {
namespace {

// The polynomials are Chebyshev expansions (interpolated in 60 digits, cut below 2e-17) written in
// powers about the middle of their interval, where the first term outweighs the others: plain
// arithmetic then loses little.

// The centre: after Giles (2010) the quantile is q P(w) with q = u - 1/2 and w = -ln(1 - 4 q^2)
// < 3.5, and P has no singularity: one polynomial does for 98 % of all values.
inline constexpr double kCentreWidth = 0.4923;  // of |q|; sqrt(1 - exp(-3.5)) / 2 = 0.49239

// (atanh(s) / s - 1) / s^2 in powers of s^2.
inline constexpr double kAtanh[] = {0.3333333333333103,  0.20000000005631993, 0.1428571206121067,
                                    0.11111431909466463, 0.09070066529282249, 0.08311328018264931};

// -w; 4 u (1 - u) is the product but for two of the exponent.
inline double stretched(double u) {
  const auto part = split_logarithm(fma(-u, u, u));
  const double s = part.f / (part.m + 1), z = s * s, twice = s + s;
  return fma(part.e + 2, kLn2, fma(twice * z, polynomial(kAtanh, z), twice));
}

// P(w) = sqrt(2 pi) + w R(w - 1.75): the sum is far more exact than R.
inline constexpr double kRootTwoPi = 2.5066282746310007, kRootTwoPiLow = -1.8328579980459167e-16;
inline constexpr double kCentral[] = {
    0.6924806363630824,      0.009039114798664484,   -0.006166523093633588,
    0.00044997854957259156,  6.892750316071443e-05,  -1.475144020223307e-05,
    -1.2325704313430655e-07, 3.139624700994928e-07,  -2.3335220454021354e-08,
    -4.744260434663285e-09,  8.852376806986882e-10,  3.056693459395329e-11,
    -2.1691954711890827e-11, 1.0781884578039456e-12, 3.886784761304148e-13,
    -5.287530674455832e-14,  -4.289760479169915e-15, 1.147725996984226e-15};

inline double central(double u, double minus_w) {
  const double q = u - 0.5, q_low = u - (q + 0.5);  // inexact below u = 1/4
  const double rest = fma(-minus_w, polynomial(kCentral, -1.75 - minus_w), kRootTwoPiLow);
  return fma(q, kRootTwoPi, fma(q, rest, q_low * (kRootTwoPi + rest)));
}

// -ln p = -e ln 2 - 2 atanh((m - 1) / (m + 1)) with its rounding error.
inline Pair<double> minus_log(double p) {
  const auto [e, f, m] = split_logarithm(p);
  const double sum = m + 1, sum_low = m - (sum - 1);
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
  const auto t = minus_log(p);
  const double root = std::sqrt(t.high);
  const double inverse = 1 / root;
  const double root_low = (fma(-root, root, t.high) + t.low) * 0.5 * inverse;
  const double rest = polynomial(kTail, root - 3.3);
  // The slope in r to 2 %: enough for the last half bit.
  const double slope = fma(0.47, inverse, 1.414);
  return fma(kTailSlope, root, fma(slope, root_low, rest));
}

// Two short loops instead of a long one: a processor sees far enough ahead to overlap several of
// their turns.
void centre_loop(double* values, std::size_t count) {
  double minus_w[kNormalPart];
  for (std::size_t i = 0; i < count; ++i) minus_w[i] = stretched(values[i]);
  for (std::size_t i = 0; i < count; ++i) values[i] = central(values[i], minus_w[i]);
}
void tail_loop(const double* __restrict p, std::size_t count, double* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = tail(p[i]);
}

constexpr NormalKernels make_normal_kernels() {
  return {centre_loop, tail_loop};
}

}  // namespace
}  // namespace stateutils::qmc
