#include "statesmix/cm/mixer_kernels_impl.hpp"

#if defined(__x86_64__)
#include <emmintrin.h>

namespace stateutils::statesmix {
namespace {

__m128i load(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

void dot(const std::int16_t* x, int n, const std::int32_t* const* weights, int sets,
         std::int16_t start, std::int32_t* out) {
  const __m128i first = _mm_set1_epi16(start);
  for (int k = 0; k < sets; ++k) {
    const std::int32_t* w = weights[k];
    __m128i sum = _mm_setzero_si128();
    for (int i = 0; i < n; i += 8) {
      const __m128i w16 = _mm_adds_epi16(
          _mm_packs_epi32(_mm_srai_epi32(load(w + i), 2), _mm_srai_epi32(load(w + i + 4), 2)),
          first);
      sum = _mm_add_epi32(sum, _mm_srai_epi32(_mm_madd_epi16(load(x + i), w16), 8));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
    out[k] = _mm_cvtsi128_si32(sum);
  }
}

void train(const std::int16_t* x, int n, std::int32_t* const* weights, int sets,
           const std::int16_t* error) {
  const __m128i ones = _mm_set1_epi16(1);
  for (int k = 0; k < sets; ++k) {
    std::int32_t* w = weights[k];
    // Pairs (x, 1) times (error, 2048): product and rounding in one multiply-add.
    const __m128i e = _mm_set1_epi32((error[k] & 0xFFFF) | (2048 << 16));
    for (int i = 0; i < n; i += 8) {
      const __m128i xs = load(x + i);
      const __m128i low = _mm_srai_epi32(_mm_madd_epi16(_mm_unpacklo_epi16(xs, ones), e), 12);
      const __m128i high = _mm_srai_epi32(_mm_madd_epi16(_mm_unpackhi_epi16(xs, ones), e), 12);
      auto* to = reinterpret_cast<__m128i*>(w + i);
      _mm_storeu_si128(to, _mm_add_epi32(load(w + i), low));
      _mm_storeu_si128(to + 1, _mm_add_epi32(load(w + i + 4), high));
    }
  }
}

}  // namespace

MixerKernels mixer_kernels_sse2() {
  return {dot, train};
}

}  // namespace stateutils::statesmix
#endif
