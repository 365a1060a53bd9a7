// Numbers that are several at once: what is written for one double runs over the lanes of
// registers, and rounds alike. Included by the files of kernels, whose instruction set is `R`: its
// registers Reg and Bits and their Mask, and the operations on them that are no operators.
//
// Two registers take turns, so that one works while the other waits and both share the constants.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace stateutils::qmc {
namespace {

template <class R>
struct PackMask {
  typename R::Mask one, two;
  [[nodiscard]] bool all() const { return R::all(R::both(one, two)); }
};

// The bits of the numbers, with the arithmetic of unsigned integers.
template <class R>
struct PackBits {
  using Bits = typename R::Bits;
  Bits one, two;
  PackBits(Bits first, Bits second) : one(first), two(second) {}
  PackBits(std::uint64_t value)  // NOLINT(google-explicit-constructor)
      : one(R::set(value)), two(one) {}
  friend PackBits operator+(PackBits a, PackBits b) {
    return {R::add(a.one, b.one), R::add(a.two, b.two)};
  }
  friend PackBits operator-(PackBits a, PackBits b) {
    return {R::subtract(a.one, b.one), R::subtract(a.two, b.two)};
  }
  friend PackBits operator&(PackBits a, PackBits b) {
    return {R::and_(a.one, b.one), R::and_(a.two, b.two)};
  }
  friend PackBits operator|(PackBits a, PackBits b) {
    return {R::or_(a.one, b.one), R::or_(a.two, b.two)};
  }
  friend PackBits operator^(PackBits a, PackBits b) {
    return {R::exclusive_or(a.one, b.one), R::exclusive_or(a.two, b.two)};
  }
  friend PackBits operator<<(PackBits a, int count) {
    return {R::left(a.one, count), R::left(a.two, count)};
  }
  friend PackBits operator>>(PackBits a, int count) {
    return {R::right(a.one, count), R::right(a.two, count)};
  }
};

template <class R>
struct Pack {
  using Reg = typename R::Reg;
  static constexpr std::size_t kLanes = 2 * R::kLanes;
  Reg one, two;

  Pack() = default;
  Pack(Reg first, Reg second) : one(first), two(second) {}
  Pack(double value) : one(R::set(value)), two(one) {}  // NOLINT(google-explicit-constructor)
  static Pack load(const double* from) { return {R::load(from), R::load(from + R::kLanes)}; }
  // Every `stride`-th number.
  static Pack collect(const double* from, std::size_t stride) {
    return {R::collect(from, stride), R::collect(from + R::kLanes * stride, stride)};
  }
  void store(double* to) const {
    R::store(to, one);
    R::store(to + R::kLanes, two);
  }

  // Registers have the operators of C (GCC and Clang).
  friend Pack operator+(Pack a, Pack b) { return {a.one + b.one, a.two + b.two}; }
  friend Pack operator-(Pack a, Pack b) { return {a.one - b.one, a.two - b.two}; }
  friend Pack operator*(Pack a, Pack b) { return {a.one * b.one, a.two * b.two}; }
  friend Pack operator/(Pack a, Pack b) { return {a.one / b.one, a.two / b.two}; }
  friend Pack operator-(Pack a) { return {-a.one, -a.two}; }
  friend Pack fma(Pack a, Pack b, Pack c) {
    return {R::fma(a.one, b.one, c.one), R::fma(a.two, b.two, c.two)};
  }
  friend Pack absolute(Pack a) { return {R::absolute(a.one), R::absolute(a.two)}; }
  friend PackMask<R> operator<=(Pack a, Pack b) {
    return {R::at_most(a.one, b.one), R::at_most(a.two, b.two)};
  }
};

template <class R>
PackBits<R> bits_of(Pack<R> a) {
  return {R::bits(a.one), R::bits(a.two)};
}
template <class R>
Pack<R> number_of(PackBits<R> bits) {
  return {R::number(bits.one), R::number(bits.two)};
}
template <class R>
PackMask<R> both(PackMask<R> a, PackMask<R> b) {
  return {R::both(a.one, b.one), R::both(a.two, b.two)};
}
// a where the lowest bit is set, else b.
template <class R>
Pack<R> select_odd(PackBits<R> bits, Pack<R> a, Pack<R> b) {
  return {R::select_odd(bits.one, a.one, b.one), R::select_odd(bits.two, a.two, b.two)};
}
// The first three numbers of the row of four that begins `bytes` behind `table`.
template <class R>
void read_rows(const double* table, PackBits<R> bytes, Pack<R>& a, Pack<R>& b, Pack<R>& c) {
  R::read_rows(table, bytes.one, a.one, b.one, c.one);
  R::read_rows(table, bytes.two, a.two, b.two, c.two);
}

// The same for one number.
inline double absolute(double a) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(a) & ~(1ull << 63));
}
inline std::uint64_t bits_of(double a) {
  return std::bit_cast<std::uint64_t>(a);
}
inline double number_of(std::uint64_t bits) {
  return std::bit_cast<double>(bits);
}
inline double select_odd(std::uint64_t bits, double a, double b) {
  return (bits & 1) != 0 ? a : b;
}
inline void read_rows(const double* table, std::uint64_t bytes, double& a, double& b, double& c) {
  const double* row = table + bytes / sizeof *table;
  a = row[0];
  b = row[1];
  c = row[2];
}
inline bool both(bool a, bool b) {
  return a && b;
}

}  // namespace
}  // namespace stateutils::qmc
