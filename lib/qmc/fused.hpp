// Arithmetic that rounds alike on every instruction set; included by the files of kernels. Fused
// multiply-adds are written out, and everything has internal linkage: a copy for each file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "qmc/pack.hpp"

namespace stateutils::qmc {
namespace {

inline double fma(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}

// The coefficients from kFirst on in steps of two, in powers of `square`; written as a recursion,
// which is unrolled before loops over it are vectorised.
template <std::size_t kFirst, class T, std::size_t kCount>
inline T chain(const double (&c)[kCount], T square) {
  if constexpr (kFirst + 2 >= kCount) {
    return T(c[kFirst]);
  } else {
    return fma(chain<kFirst + 2>(c, square), square, T(c[kFirst]));
  }
}

// Two Horner chains, of the even and of the odd powers: half the latency of one.
template <class T, std::size_t kCount>
inline T polynomial(const double (&c)[kCount], T x) {
  const T square = x * x;
  return fma(chain<1>(c, square), x, chain<0>(c, square));
}

template <class T>
struct Pair {
  T high, low;
};

// The sum and its rounding error, for |a| >= |b| or a = 0.
template <class T>
inline Pair<T> quick_two_sum(T a, T b) {
  const T sum = a + b;
  return {sum, b - (sum - a)};
}

inline constexpr double kLn2 = 0.69314718055994530942;
// The high part times an exponent is exact.
inline constexpr double kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;

// p = m 2^e for a normal p > 0, m in [sqrt(1/2), sqrt(2)), f = m - 1.
template <class T>
struct Logarithm {
  T e, f, m;
};

// What is m 2^e for a normal number, with m's bits from `first` on up to twice that: bits of e +
// 1023 above those of m - first.
template <class Bits>
inline Bits split_bits(Bits p, std::uint64_t first) {
  return p - (first - (1023ull << 52));
}
// Its e less `shift`: an integer below 2^52 becomes a number without a conversion, which AVX2
// lacks.
template <class Bits>
inline auto exponent_of(Bits split, double shift = 0) {
  return number_of((split >> 52) | 0x4330000000000000ull) - (0x1p52 + 1023.0 + shift);
}
template <class Bits>
inline auto mantissa_of(Bits split, std::uint64_t first) {
  return number_of((split & 0xFFFFFFFFFFFFFull) + first);
}

template <class T>
inline Logarithm<T> split_logarithm(T p) {
  constexpr std::uint64_t kRootHalf = 0x3FE6A09E667F3BCDull;  // bits of sqrt(1/2)
  const auto split = split_bits(bits_of(p), kRootHalf);
  const T m = mantissa_of(split, kRootHalf);
  return {exponent_of(split), m - 1, m};
}

}  // namespace
}  // namespace stateutils::qmc
