#include <immintrin.h>

#include "statesmix/cm/mixer_kernels_impl.hpp"

namespace stateutils::statesmix {
namespace {

__m256i load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

// What all sets share is made once, for this many inputs at a time.
constexpr int kAtOnce = 128;

std::int32_t sum_of(__m256i v) {
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
  return _mm_cvtsi128_si32(s);
}

// Sixteen inputs' products with their weights, in pairs; packs works within 128-bit halves, and xs
// is in that order.
__m256i products(__m256i xs, const std::int32_t* w, __m256i offset) {
  const __m256i w16 = _mm256_adds_epi16(
      _mm256_packs_epi32(_mm256_srai_epi32(load(w), 2), _mm256_srai_epi32(load(w + 8), 2)), offset);
  return _mm256_srai_epi32(_mm256_madd_epi16(xs, w16), 8);
}

// The fastest presets have one vector of inputs.
void dot16(const std::int16_t* x, const std::int32_t* const* weights, int sets, __m256i offset,
           std::int32_t* out) {
  const __m256i xs = _mm256_permute4x64_epi64(load(x), 0xD8);
  for (int k = 0; k < sets; ++k) out[k] = sum_of(products(xs, weights[k], offset));
}

void dot(const std::int16_t* x, int n, const std::int32_t* const* weights, int sets,
         std::int16_t start, std::int32_t* out) {
  const __m256i offset = _mm256_set1_epi16(start);
  if (n == 16) return dot16(x, weights, sets, offset, out);
  for (int k = 0; k < sets; ++k) out[k] = 0;
  for (int first = 0; first < n; first += kAtOnce) {
    const int end = n - first < kAtOnce ? n - first : kAtOnce;
    // packs works within 128-bit halves: bring x into the same order.
    __m256i xs[kAtOnce / 16];
    for (int i = 0; i < end; i += 16)
      xs[i / 16] = _mm256_permute4x64_epi64(load(x + first + i), 0xD8);
    for (int k = 0; k < sets; ++k) {
      const std::int32_t* w = weights[k] + first;
      __m256i sum = _mm256_setzero_si256();
      for (int i = 0; i < end; i += 16)
        sum = _mm256_add_epi32(sum, products(xs[i / 16], w + i, offset));
      out[k] += sum_of(sum);
    }
  }
}

// Pairs (x, 1) times (error, 2048): product and rounding in one multiply-add.
__m256i pairs_of(const std::int16_t* x) {
  const __m256i wide = _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
  return _mm256_or_si256(_mm256_and_si256(wide, _mm256_set1_epi32(0xFFFF)),
                         _mm256_set1_epi32(1 << 16));
}
void move(std::int32_t* w, __m256i pairs, __m256i error) {
  const __m256i step = _mm256_srai_epi32(_mm256_madd_epi16(pairs, error), 12);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(w), _mm256_add_epi32(load(w), step));
}
__m256i error_pairs(std::int16_t error) {
  return _mm256_set1_epi32((error & 0xFFFF) | (2048 << 16));
}

void train16(const std::int16_t* x, std::int32_t* const* weights, int sets,
             const std::int16_t* error) {
  const __m256i low = pairs_of(x), high = pairs_of(x + 8);
  for (int k = 0; k < sets; ++k) {
    const __m256i e = error_pairs(error[k]);
    move(weights[k], low, e);
    move(weights[k] + 8, high, e);
  }
}

void train(const std::int16_t* x, int n, std::int32_t* const* weights, int sets,
           const std::int16_t* error) {
  if (n == 16) return train16(x, weights, sets, error);
  for (int first = 0; first < n; first += kAtOnce) {
    const int end = n - first < kAtOnce ? n - first : kAtOnce;
    __m256i pairs[kAtOnce / 8];
    for (int i = 0; i < end; i += 8) pairs[i / 8] = pairs_of(x + first + i);
    for (int k = 0; k < sets; ++k) {
      std::int32_t* w = weights[k] + first;
      const __m256i e = error_pairs(error[k]);
      for (int i = 0; i < end; i += 8) move(w + i, pairs[i / 8], e);
    }
  }
}

}  // namespace

MixerKernels mixer_kernels_avx2() {
  return {dot, train};
}

}  // namespace stateutils::statesmix
