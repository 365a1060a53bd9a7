#ifndef __clang__
// GCC bug 105593: the undefined operands inside the intrinsics are reported as ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "qmc/nus_impl.hpp"

namespace stateutils::qmc {
namespace {

struct Lanes512 {
  using Reg = __m512i;
  static constexpr std::size_t kLanes = 8;
  static Reg load(const std::uint64_t* p) { return _mm512_loadu_si512(p); }
  static void store(std::uint64_t* p, Reg a) { _mm512_storeu_si512(p, a); }
  static Reg set1(std::uint32_t a) { return _mm512_set1_epi64(static_cast<long long>(a)); }
  static Reg set1_64(std::uint64_t a) { return _mm512_set1_epi64(static_cast<long long>(a)); }
  static Reg multiply(Reg a, Reg b) { return _mm512_mul_epu32(a, b); }
  template <unsigned kCount>
  static Reg shift_right(Reg a) {
    return _mm512_srli_epi64(a, kCount);
  }
  template <unsigned kCount>
  static Reg shift_left(Reg a) {
    return _mm512_slli_epi64(a, kCount);
  }
  static Reg shift_right_by(Reg a, Reg count) { return _mm512_srlv_epi64(a, count); }
  static Reg exclusive_or(Reg a, Reg b) { return _mm512_xor_si512(a, b); }
  static Reg exclusive_or3(Reg a, Reg b, Reg c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  static Reg and_(Reg a, Reg b) { return _mm512_and_si512(a, b); }
  static Reg or_(Reg a, Reg b) { return _mm512_or_si512(a, b); }
  // 2 flips + (bit & 1)
  static Reg append_bit(Reg flips, Reg bit) {
    return _mm512_ternarylogic_epi64(_mm512_add_epi64(flips, flips), bit, _mm512_set1_epi64(1),
                                     0xF8);
  }
  static Reg lookup(const std::uint16_t* table, Reg index) {
    return _mm512_cvtepu32_epi64(_mm256_i32gather_epi32(reinterpret_cast<const int*>(table),
                                                        _mm512_cvtepi64_epi32(index), 2));
  }
};

}  // namespace

void nus_column_avx512(const NusColumn& column, const std::uint64_t* words, std::size_t count,
                       std::uint64_t* out) {
  nus_column<Lanes512>(column, words, count, out);
}

}  // namespace stateutils::qmc
