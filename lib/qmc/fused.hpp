// Arithmetic that rounds alike on every instruction set; included by the files of kernels. Fused
// multiply-adds are written out, and everything has internal linkage: a copy for each file.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace stateutils::qmc {
namespace {

inline double fma(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}

// The coefficients from kFirst on in steps of two, in powers of `square`; written as a recursion,
// which is unrolled before loops over it are vectorised.
template <std::size_t kFirst, std::size_t kCount>
inline double chain(const double (&c)[kCount], double square) {
  if constexpr (kFirst + 2 >= kCount) {
    return c[kFirst];
  } else {
    return fma(chain<kFirst + 2>(c, square), square, c[kFirst]);
  }
}

// Two Horner chains, of the even and of the odd powers: half the latency of one.
template <std::size_t kCount>
inline double polynomial(const double (&c)[kCount], double x) {
  const double square = x * x;
  return fma(chain<1>(c, square), x, chain<0>(c, square));
}

struct Pair {
  double high, low;
};

// The sum and its rounding error, for |a| >= |b| or a = 0.
inline Pair quick_two_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

inline constexpr double kLn2 = 0.69314718055994530942;
// The high part times an exponent is exact.
inline constexpr double kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;

// p = m 2^e for a normal p > 0, m in [sqrt(1/2), sqrt(2)), f = m - 1.
struct Logarithm {
  double e, f, m;
};

inline Logarithm split_logarithm(double p) {
  constexpr std::uint64_t kRootHalf = 0x3FE6A09E667F3BCDull;  // bits of sqrt(1/2)
  const std::uint64_t shifted = std::bit_cast<std::uint64_t>(p) - kRootHalf + (1023ull << 52);
  const std::uint64_t exponent = shifted >> 52;  // e + 1023
  const double m = std::bit_cast<double>((shifted & 0xFFFFFFFFFFFFFull) + kRootHalf);
  // An integer below 2^52 as a double without a conversion, which AVX2 lacks.
  const double e = std::bit_cast<double>(exponent | 0x4330000000000000ull) - (0x1p52 + 1023.0);
  return {e, m - 1, m};
}

}  // namespace
}  // namespace stateutils::qmc
