#include <immintrin.h>

#include "statesmix/ssm/kernels_impl.hpp"

namespace stateutils::statesmix {
namespace {

struct Vec {
  using Real = float;
  static constexpr int kBlock = 4;
  __m256 v[2];

  static Vec set(float f) { return {{_mm256_set1_ps(f), _mm256_set1_ps(f)}}; }
  static Vec load(const float* p) { return {{_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}}; }
  void store(float* p) const {
    _mm256_storeu_ps(p, v[0]);
    _mm256_storeu_ps(p + 8, v[1]);
  }
  friend Vec operator+(const Vec& a, const Vec& b) {
    return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1])}};
  }
  friend Vec operator-(const Vec& a, const Vec& b) {
    return {{_mm256_sub_ps(a.v[0], b.v[0]), _mm256_sub_ps(a.v[1], b.v[1])}};
  }
  friend Vec operator*(const Vec& a, const Vec& b) {
    return {{_mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1])}};
  }
  friend Vec operator/(const Vec& a, const Vec& b) {
    return {{_mm256_div_ps(a.v[0], b.v[0]), _mm256_div_ps(a.v[1], b.v[1])}};
  }
  static Vec max(const Vec& a, const Vec& b) {
    return {{_mm256_max_ps(a.v[0], b.v[0]), _mm256_max_ps(a.v[1], b.v[1])}};
  }
  static Vec min(const Vec& a, const Vec& b) {
    return {{_mm256_min_ps(a.v[0], b.v[0]), _mm256_min_ps(a.v[1], b.v[1])}};
  }
  static Vec sqrt(const Vec& a) { return {{_mm256_sqrt_ps(a.v[0]), _mm256_sqrt_ps(a.v[1])}}; }
  static __m256 seed8(__m256 a) {
    const __m256i half = _mm256_srli_epi32(_mm256_castps_si256(a), 1);
    return _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_set1_epi32(0x5F3759DF), half));
  }
  static Vec root_seed(const Vec& a) { return {{seed8(a.v[0]), seed8(a.v[1])}}; }
  static __m256 flush8(__m256 a) {
    const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
    return _mm256_and_ps(a, _mm256_cmp_ps(magnitude, _mm256_set1_ps(0x1p-100f), _CMP_GE_OQ));
  }
  static Vec flush(const Vec& a) { return {{flush8(a.v[0]), flush8(a.v[1])}}; }
  static __m256 power8(__m256 a) {
    const __m256i n = _mm256_slli_epi32(_mm256_castps_si256(a), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(n, _mm256_set1_epi32(0x3F800000)));
  }
  static Vec power_of_two(const Vec& a) { return {{power8(a.v[0]), power8(a.v[1])}}; }
  [[nodiscard]] float reduce() const {
    const __m256 s = _mm256_add_ps(v[0], v[1]);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  [[nodiscard]] float reduce_max() const {
    const __m256 s = _mm256_max_ps(v[0], v[1]);
    __m128 q = _mm_max_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  static void to_int(const Vec& a, std::int32_t* out) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_cvttps_epi32(a.v[0]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 8), _mm256_cvttps_epi32(a.v[1]));
  }
};

}  // namespace

SsmKernels<float> ssm_kernels_avx2(int width) {
  return make_ssm_kernels<Vec>(width);
}

}  // namespace stateutils::statesmix
