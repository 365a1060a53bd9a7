// GCC 12 takes the deliberately undefined operands inside its own AVX-512 header for mistakes.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <immintrin.h>

#include "statesmix/ssm/kernels_impl.hpp"

namespace stateutils::statesmix {
namespace {

struct Vec {
  using Real = float;
  static constexpr int kBlock = 8;
  __m512 v;

  static Vec set(float f) { return {_mm512_set1_ps(f)}; }
  static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  friend Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
  static Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
  static Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
  static Vec root_seed(Vec a) {
    const __m512i half = _mm512_srli_epi32(_mm512_castps_si512(a.v), 1);
    return {_mm512_castsi512_ps(_mm512_sub_epi32(_mm512_set1_epi32(0x5F3759DF), half))};
  }
  static Vec flush(Vec a) {
    const __mmask16 keep =
        _mm512_cmp_ps_mask(_mm512_abs_ps(a.v), _mm512_set1_ps(0x1p-100f), _CMP_GE_OQ);
    return {_mm512_maskz_mov_ps(keep, a.v)};
  }
  static Vec power_of_two(Vec a) {
    const __m512i n = _mm512_slli_epi32(_mm512_castps_si512(a.v), 23);
    return {_mm512_castsi512_ps(_mm512_add_epi32(n, _mm512_set1_epi32(0x3F800000)))};
  }
  [[nodiscard]] float reduce() const {
    __m256 s = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  [[nodiscard]] float reduce_max() const { return _mm512_reduce_max_ps(v); }
  static void to_int(Vec a, std::int32_t* out) {
    _mm512_storeu_si512(out, _mm512_cvttps_epi32(a.v));
  }
};

}  // namespace

SsmKernels<float> ssm_kernels_avx512(int width) {
  return make_ssm_kernels<Vec>(width);
}

}  // namespace stateutils::statesmix
