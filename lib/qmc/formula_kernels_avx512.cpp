#ifndef __clang__
// GCC bug 105593: the undefined operands inside the intrinsics are reported as ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "qmc/formula_kernels_impl.hpp"

namespace stateutils::qmc {
namespace {

struct Avx512 {
  using Reg = __m512d;
  using Bits = __m512i;
  using Mask = __mmask8;
  static constexpr std::size_t kLanes = 8;

  static Reg set(double value) { return _mm512_set1_pd(value); }
  static Bits set(std::uint64_t value) { return _mm512_set1_epi64(static_cast<long long>(value)); }
  static Reg load(const double* from) { return _mm512_loadu_pd(from); }
  static void store(double* to, Reg a) { _mm512_storeu_pd(to, a); }
  static Reg collect(const double* from, std::size_t stride) {
    const auto four = [&](const double* p) {
      return _mm256_set_pd(p[3 * stride], p[2 * stride], p[stride], *p);
    };
    return _mm512_insertf64x4(_mm512_castpd256_pd512(four(from)), four(from + 4 * stride), 1);
  }
  static Reg fma(Reg a, Reg b, Reg c) { return _mm512_fmadd_pd(a, b, c); }
  static Reg absolute(Reg a) { return _mm512_abs_pd(a); }
  static Mask at_most(Reg a, Reg b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
  static Mask both(Mask a, Mask b) { return _kand_mask8(a, b); }
  static bool all(Mask a) { return a == 0xFF; }

  static Bits bits(Reg a) { return _mm512_castpd_si512(a); }
  static Reg number(Bits a) { return _mm512_castsi512_pd(a); }
  static Bits add(Bits a, Bits b) { return _mm512_add_epi64(a, b); }
  static Bits subtract(Bits a, Bits b) { return _mm512_sub_epi64(a, b); }
  static Bits and_(Bits a, Bits b) { return _mm512_and_si512(a, b); }
  static Bits or_(Bits a, Bits b) { return _mm512_or_si512(a, b); }
  static Bits exclusive_or(Bits a, Bits b) { return _mm512_xor_si512(a, b); }
  static Bits left(Bits a, int count) { return _mm512_slli_epi64(a, static_cast<unsigned>(count)); }
  static Bits right(Bits a, int count) {
    return _mm512_srli_epi64(a, static_cast<unsigned>(count));
  }
  static Reg select_odd(Bits bits, Reg a, Reg b) {
    return _mm512_mask_blend_pd(_mm512_test_epi64_mask(bits, _mm512_set1_epi64(1)), b, a);
  }
  static void read_rows(const double* table, Bits bytes, Reg& a, Reg& b, Reg& c) {
    alignas(64) std::uint64_t place[kLanes];
    _mm512_store_si512(place, bytes);
    // Rows i and i + 4 side by side.
    const auto rows = [&](std::size_t i) {
      return _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_load_pd(table + place[i] / 8)),
                                _mm256_load_pd(table + place[i + 4] / 8), 1);
    };
    const Reg row0 = rows(0), row1 = rows(1), row2 = rows(2), row3 = rows(3);
    const Reg even01 = _mm512_unpacklo_pd(row0, row1), odd01 = _mm512_unpackhi_pd(row0, row1);
    const Reg even23 = _mm512_unpacklo_pd(row2, row3), odd23 = _mm512_unpackhi_pd(row2, row3);
    const Bits low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    a = _mm512_permutex2var_pd(even01, low, even23);
    b = _mm512_permutex2var_pd(odd01, low, odd23);
    c = _mm512_permutex2var_pd(even01, _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15), even23);
  }
};

}  // namespace

const FormulaKernels kFormulaAvx512 = make_formula_kernels<Pack<Avx512>>();

}  // namespace stateutils::qmc
