#include <immintrin.h>

#include "qmc/nus_impl.hpp"

namespace stateutils::qmc {
namespace {

struct Lanes256 {
  using Reg = __m256i;
  static constexpr std::size_t kLanes = 4;
  static Reg load(const std::uint64_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store(std::uint64_t* p, Reg a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
  }
  static Reg set1(std::uint32_t a) { return _mm256_set1_epi64x(static_cast<long long>(a)); }
  static Reg set1_64(std::uint64_t a) { return _mm256_set1_epi64x(static_cast<long long>(a)); }
  static Reg multiply(Reg a, Reg b) { return _mm256_mul_epu32(a, b); }
  template <int kCount>
  static Reg shift_right(Reg a) {
    return _mm256_srli_epi64(a, kCount);
  }
  template <int kCount>
  static Reg shift_left(Reg a) {
    return _mm256_slli_epi64(a, kCount);
  }
  static Reg shift_right_by(Reg a, Reg count) { return _mm256_srlv_epi64(a, count); }
  static Reg exclusive_or(Reg a, Reg b) { return _mm256_xor_si256(a, b); }
  static Reg exclusive_or3(Reg a, Reg b, Reg c) { return exclusive_or(exclusive_or(a, b), c); }
  static Reg and_(Reg a, Reg b) { return _mm256_and_si256(a, b); }
  static Reg or_(Reg a, Reg b) { return _mm256_or_si256(a, b); }
  static Reg append_bit(Reg flips, Reg bit) {
    return or_(_mm256_add_epi64(flips, flips), and_(bit, _mm256_set1_epi64x(1)));
  }
  static Reg lookup(const std::uint16_t* table, Reg index) {
    return _mm256_cvtepu32_epi64(
        _mm256_i64gather_epi32(reinterpret_cast<const int*>(table), index, 2));
  }
};

}  // namespace

void nus_column_avx2(const NusColumn& column, const std::uint64_t* words, std::size_t count,
                     std::uint64_t* out) {
  nus_column<Lanes256>(column, words, count, out);
}

}  // namespace stateutils::qmc
