#include <immintrin.h>

#include "qmc/formula_kernels_impl.hpp"

namespace stateutils::qmc {
namespace {

struct Avx2 {
  using Reg = __m256d;
  using Bits = __m256i;
  using Mask = __m256d;
  static constexpr std::size_t kLanes = 4;

  static Reg set(double value) { return _mm256_set1_pd(value); }
  static Bits set(std::uint64_t value) { return _mm256_set1_epi64x(static_cast<long long>(value)); }
  static Reg load(const double* from) { return _mm256_loadu_pd(from); }
  static void store(double* to, Reg a) { _mm256_storeu_pd(to, a); }
  static Reg collect(const double* from, std::size_t stride) {
    return _mm256_set_pd(from[3 * stride], from[2 * stride], from[stride], *from);
  }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm256_fmadd_pd(a, b, c); }
  static Reg absolute(Reg a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
  static Mask at_most(Reg a, Reg b) { return _mm256_cmp_pd(a, b, _CMP_LE_OQ); }
  static Mask both(Mask a, Mask b) { return _mm256_and_pd(a, b); }
  static bool all(Mask a) { return _mm256_movemask_pd(a) == 15; }

  static Bits bits(Reg a) { return _mm256_castpd_si256(a); }
  static Reg number(Bits a) { return _mm256_castsi256_pd(a); }
  static Bits add(Bits a, Bits b) { return _mm256_add_epi64(a, b); }
  static Bits subtract(Bits a, Bits b) { return _mm256_sub_epi64(a, b); }
  static Bits and_(Bits a, Bits b) { return _mm256_and_si256(a, b); }
  static Bits or_(Bits a, Bits b) { return _mm256_or_si256(a, b); }
  static Bits exclusive_or(Bits a, Bits b) { return _mm256_xor_si256(a, b); }
  static Bits left(Bits a, int count) { return _mm256_slli_epi64(a, count); }
  static Bits right(Bits a, int count) { return _mm256_srli_epi64(a, count); }
  static Reg select_odd(Bits bits, Reg a, Reg b) {
    return _mm256_blendv_pd(b, a, number(left(bits, 63)));
  }
  static void read_rows(const double* table, Bits bytes, Reg& a, Reg& b, Reg& c) {
    alignas(32) std::uint64_t place[kLanes];
    _mm256_store_si256(reinterpret_cast<__m256i*>(place), bytes);
    const auto row = [&](std::size_t i) { return _mm256_load_pd(table + place[i] / 8); };
    const Reg row0 = row(0), row1 = row(1), row2 = row(2), row3 = row(3);
    const Reg even01 = _mm256_unpacklo_pd(row0, row1), odd01 = _mm256_unpackhi_pd(row0, row1);
    const Reg even23 = _mm256_unpacklo_pd(row2, row3), odd23 = _mm256_unpackhi_pd(row2, row3);
    a = _mm256_permute2f128_pd(even01, even23, 0x20);
    b = _mm256_permute2f128_pd(odd01, odd23, 0x20);
    c = _mm256_permute2f128_pd(even01, even23, 0x31);
  }
};

}  // namespace

const FormulaKernels kFormulaAvx2 = make_formula_kernels<Pack<Avx2>>();

}  // namespace stateutils::qmc
