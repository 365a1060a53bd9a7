// GCC 12 takes the deliberately undefined operands inside its own AVX-512 header for mistakes.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include "statesmix/cm/mixer_kernels_impl.hpp"

namespace stateutils::statesmix {
namespace {

__m512i load(const void* p) {
  return _mm512_loadu_si512(p);
}

// Inputs in the order in which packs leaves the weights, at most kInRegisters vectors at a time.
constexpr int kInRegisters = 8;

void dot(const std::int16_t* x, int n, const std::int32_t* const* weights, int sets,
         std::int16_t start, std::int32_t* out) {
  const __m512i offset = _mm512_set1_epi16(start);
  // packs yields, per 128-bit quarter q, weights a[4q..4q+3] then b[4q..4q+3].
  const __m512i spread = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  for (int k = 0; k < sets; ++k) out[k] = 0;
  for (int first = 0; first < n; first += 32 * kInRegisters) {
    const int end = n - first < 32 * kInRegisters ? n - first : 32 * kInRegisters;
    __m512i xs[kInRegisters];
    for (int i = 0; i < end; i += 32) {
      const __m512i in = end - i > 16 ? load(x + first + i)
                                      : _mm512_zextsi256_si512(_mm256_loadu_si256(
                                            reinterpret_cast<const __m256i*>(x + first + i)));
      xs[i / 32] = _mm512_permutexvar_epi64(spread, in);
    }
    for (int k = 0; k < sets; ++k) {
      const std::int32_t* w = weights[k] + first;
      __m512i sum = _mm512_setzero_si512();
      int i = 0;
      for (; i + 32 <= end; i += 32) {
        const __m512i w16 =
            _mm512_adds_epi16(_mm512_packs_epi32(_mm512_srai_epi32(load(w + i), 2),
                                                 _mm512_srai_epi32(load(w + i + 16), 2)),
                              offset);
        sum = _mm512_add_epi32(sum, _mm512_srai_epi32(_mm512_madd_epi16(xs[i / 32], w16), 8));
      }
      if (i < end) {
        // The inputs beyond the end are 0, whatever their weights.
        const __m512i w16 = _mm512_adds_epi16(
            _mm512_packs_epi32(_mm512_srai_epi32(load(w + i), 2), _mm512_setzero_si512()), offset);
        sum = _mm512_add_epi32(sum, _mm512_srai_epi32(_mm512_madd_epi16(xs[i / 32], w16), 8));
      }
      out[k] += _mm512_reduce_add_epi32(sum);
    }
  }
}

void train(const std::int16_t* x, int n, std::int32_t* const* weights, int sets,
           const std::int16_t* error) {
  const __m512i one = _mm512_set1_epi32(1 << 16);
  const __m512i low = _mm512_set1_epi32(0xFFFF);
  for (int first = 0; first < n; first += 16 * kInRegisters) {
    const int end = n - first < 16 * kInRegisters ? n - first : 16 * kInRegisters;
    // Pairs (x, 1) times (error, 2048): product and rounding in one multiply-add.
    __m512i pairs[kInRegisters];
    for (int i = 0; i < end; i += 16) {
      const __m512i wide = _mm512_cvtepi16_epi32(
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + first + i)));
      pairs[i / 16] = _mm512_or_si512(_mm512_and_si512(wide, low), one);
    }
    for (int k = 0; k < sets; ++k) {
      std::int32_t* w = weights[k] + first;
      const __m512i e = _mm512_set1_epi32((error[k] & 0xFFFF) | (2048 << 16));
      for (int i = 0; i < end; i += 16) {
        const __m512i step = _mm512_srai_epi32(_mm512_madd_epi16(pairs[i / 16], e), 12);
        _mm512_storeu_si512(w + i, _mm512_add_epi32(load(w + i), step));
      }
    }
  }
}

}  // namespace

MixerKernels mixer_kernels_avx512() {
  return {dot, train};
}

}  // namespace stateutils::statesmix
