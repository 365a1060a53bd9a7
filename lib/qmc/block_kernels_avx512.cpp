#ifndef __clang__
// GCC bug 105593: the undefined operands inside the intrinsics are reported as ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "qmc/block_kernels.hpp"
#include "qmc/block_kernels_impl.hpp"

namespace stateutils::qmc {
namespace {

struct Avx512Ops {
  using Reg = __m512i;
  static constexpr std::size_t kLanes = 8;
  static Reg load(const std::uint64_t* p) { return _mm512_load_si512(p); }
  static Reg load_any(const std::uint64_t* p) { return _mm512_loadu_si512(p); }
  static Reg exclusive_or(Reg a, Reg b) { return _mm512_xor_si512(a, b); }
  static Reg add(Reg a, Reg b) { return _mm512_add_epi64(a, b); }

  static __m512d to_f64(Reg word) {
    return _mm512_mul_pd(_mm512_cvtepu64_pd(_mm512_srli_epi64(word, 11)), _mm512_set1_pd(0x1p-53));
  }
  static __m512d unfold(Reg folded) {
    const __m512d x = _mm512_castsi512_pd(folded);
    return _mm512_max_pd(x, _mm512_sub_pd(_mm512_set1_pd(-0.5), x));
  }
  template <Format kFormat>
  static void put(Reg word, void* out, std::size_t index) {
    if constexpr (kFormat == Format::kF64) {
      _mm512_storeu_pd(static_cast<double*>(out) + index, to_f64(word));
    } else if constexpr (kFormat == Format::kF64Open) {
      const __m512d y = _mm512_cvtepu64_pd(_mm512_srli_epi64(word, 12));
      _mm512_storeu_pd(
          static_cast<double*>(out) + index,
          _mm512_mul_pd(_mm512_add_pd(y, _mm512_set1_pd(0.5)), _mm512_set1_pd(0x1p-52)));
    } else if constexpr (kFormat == Format::kF32) {
      const __m256 y = _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(_mm512_srli_epi64(word, 40)));
      _mm256_storeu_ps(static_cast<float*>(out) + index,
                       _mm256_mul_ps(y, _mm256_set1_ps(0x1p-24f)));
    } else if constexpr (kFormat == Format::kF32Open) {
      const __m256 y = _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(_mm512_srli_epi64(word, 41)));
      _mm256_storeu_ps(
          static_cast<float*>(out) + index,
          _mm256_mul_ps(_mm256_add_ps(y, _mm256_set1_ps(0.5f)), _mm256_set1_ps(0x1p-23f)));
    } else if constexpr (kFormat == Format::kU32) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::uint32_t*>(out) + index),
                          _mm512_cvtepi64_epi32(_mm512_srli_epi64(word, 32)));
    } else {
      _mm512_storeu_si512(static_cast<std::uint64_t*>(out) + index, word);
    }
  }
  static void stream(Reg word, double* out) { _mm512_stream_pd(out, to_f64(word)); }
  static void put_folded(Reg folded, double* out) { _mm512_storeu_pd(out, unfold(folded)); }
  static void stream_folded(Reg folded, double* out) { _mm512_stream_pd(out, unfold(folded)); }
  static void stream_value(double value, double* out) {
    _mm512_stream_pd(out, _mm512_set1_pd(value));
  }
  static void fence() { _mm_sfence(); }
};

}  // namespace

const BlockKernels kBlockKernelsAvx512 = make_block_kernels<Avx512Ops>();

}  // namespace stateutils::qmc
