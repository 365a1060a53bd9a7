#include <immintrin.h>

#include "qmc/block_kernels.hpp"
#include "qmc/block_kernels_impl.hpp"

namespace stateutils::qmc {
namespace {

struct Avx2Ops {
  using Reg = __m256i;
  static constexpr std::size_t kLanes = 4;
  static Reg load(const std::uint64_t* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Reg load_any(const std::uint64_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Reg exclusive_or(Reg a, Reg b) { return _mm256_xor_si256(a, b); }
  static Reg add(Reg a, Reg b) { return _mm256_add_epi64(a, b); }

  // The first digit b and the 52 behind it, m, are the lowest bit of the exponent and the mantissa:
  // 1/2 + m 2^-53 for b = 0, 1 + m 2^-52 for b = 1. The value is 1/2 less, or half of it: whichever
  // is smaller. Both are exact.
  static __m256d to_f64(Reg word) {
    const __m256d x = _mm256_castsi256_pd(
        _mm256_or_si256(_mm256_srli_epi64(word, 11), _mm256_set1_epi64x(0x3FE0000000000000)));
    const __m256d half = _mm256_set1_pd(0.5);
    return _mm256_min_pd(_mm256_sub_pd(x, half), _mm256_mul_pd(x, half));
  }
  // 1 + Y_52 2^-52 less 1 - 2^-53: exact.
  static __m256d to_f64_open(Reg word) {
    const __m256d x = _mm256_castsi256_pd(
        _mm256_or_si256(_mm256_srli_epi64(word, 12), _mm256_set1_epi64x(0x3FF0000000000000)));
    return _mm256_sub_pd(x, _mm256_set1_pd(1 - 0x1p-53));
  }
  static __m256d unfold(Reg folded) {
    const __m256d x = _mm256_castsi256_pd(folded);
    return _mm256_max_pd(x, _mm256_sub_pd(_mm256_set1_pd(-0.5), x));
  }
  // The low halves of the four lanes.
  static __m128i narrow(Reg word) {
    const __m256i even =
        _mm256_permutevar8x32_epi32(word, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    return _mm256_castsi256_si128(even);
  }
  template <Format kFormat>
  static void put(Reg word, void* out, std::size_t index) {
    if constexpr (kFormat == Format::kF64) {
      _mm256_storeu_pd(static_cast<double*>(out) + index, to_f64(word));
    } else if constexpr (kFormat == Format::kF64Open) {
      _mm256_storeu_pd(static_cast<double*>(out) + index, to_f64_open(word));
    } else if constexpr (kFormat == Format::kF32) {
      const __m128 y = _mm_cvtepi32_ps(narrow(_mm256_srli_epi64(word, 40)));
      _mm_storeu_ps(static_cast<float*>(out) + index, _mm_mul_ps(y, _mm_set1_ps(0x1p-24f)));
    } else if constexpr (kFormat == Format::kF32Open) {
      const __m128 y = _mm_cvtepi32_ps(narrow(_mm256_srli_epi64(word, 41)));
      _mm_storeu_ps(static_cast<float*>(out) + index,
                    _mm_mul_ps(_mm_add_ps(y, _mm_set1_ps(0.5f)), _mm_set1_ps(0x1p-23f)));
    } else if constexpr (kFormat == Format::kU32) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::uint32_t*>(out) + index),
                       narrow(_mm256_srli_epi64(word, 32)));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::uint64_t*>(out) + index),
                          word);
    }
  }
  static void stream(Reg word, double* out) { _mm256_stream_pd(out, to_f64(word)); }
  static void put_folded(Reg folded, double* out) { _mm256_storeu_pd(out, unfold(folded)); }
  static void stream_folded(Reg folded, double* out) { _mm256_stream_pd(out, unfold(folded)); }
  static void stream_value(double value, double* out) {
    _mm256_stream_pd(out, _mm256_set1_pd(value));
  }
  static void fence() { _mm_sfence(); }
};

}  // namespace

const BlockKernels kBlockKernelsAvx2 = make_block_kernels<Avx2Ops>();

}  // namespace stateutils::qmc
