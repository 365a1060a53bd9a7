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

  // Exact for y < 2^53: the halves become 2^52 + low and 2^84 + high 2^32 by setting exponent bits.
  static __m256d to_double(Reg y) {
    const __m256i low = _mm256_blend_epi32(y, _mm256_set1_epi64x(0x4330000000000000), 0xAA);
    const __m256i high =
        _mm256_or_si256(_mm256_srli_epi64(y, 32), _mm256_set1_epi64x(0x4530000000000000));
    const __m256d offset = _mm256_set1_pd(0x1p84 + 0x1p52);
    return _mm256_add_pd(_mm256_sub_pd(_mm256_castsi256_pd(high), offset),
                         _mm256_castsi256_pd(low));
  }
  static __m256d to_f64(Reg word) {
    return _mm256_mul_pd(to_double(_mm256_srli_epi64(word, 11)), _mm256_set1_pd(0x1p-53));
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
      const __m256d y = to_double(_mm256_srli_epi64(word, 12));
      _mm256_storeu_pd(
          static_cast<double*>(out) + index,
          _mm256_mul_pd(_mm256_add_pd(y, _mm256_set1_pd(0.5)), _mm256_set1_pd(0x1p-52)));
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
  static void stream_value(double value, double* out) {
    _mm256_stream_pd(out, _mm256_set1_pd(value));
  }
  static void fence() { _mm_sfence(); }
};

}  // namespace

const BlockKernels kBlockKernelsAvx2 = make_block_kernels<Avx2Ops>();

}  // namespace stateutils::qmc
