#include "statesmix/ssm/kernels_impl.hpp"

#if defined(__x86_64__)
#include <emmintrin.h>

namespace stateutils::statesmix {
namespace {

struct Vec {
  using Real = float;
  static constexpr int kBlock = 2;
  __m128 v[4];

  template <class F>
  static Vec each(F f) {
    return {{f(0), f(1), f(2), f(3)}};
  }
  static Vec set(float x) {
    return each([&](int) { return _mm_set1_ps(x); });
  }
  static Vec load(const float* p) {
    return each([&](int i) { return _mm_loadu_ps(p + 4 * i); });
  }
  void store(float* p) const {
    for (int i = 0; i < 4; ++i) _mm_storeu_ps(p + 4 * i, v[i]);
  }
  friend Vec operator+(const Vec& a, const Vec& b) {
    return each([&](int i) { return _mm_add_ps(a.v[i], b.v[i]); });
  }
  friend Vec operator-(const Vec& a, const Vec& b) {
    return each([&](int i) { return _mm_sub_ps(a.v[i], b.v[i]); });
  }
  friend Vec operator*(const Vec& a, const Vec& b) {
    return each([&](int i) { return _mm_mul_ps(a.v[i], b.v[i]); });
  }
  friend Vec operator/(const Vec& a, const Vec& b) {
    return each([&](int i) { return _mm_div_ps(a.v[i], b.v[i]); });
  }
  static Vec max(const Vec& a, const Vec& b) {
    return each([&](int i) { return _mm_max_ps(a.v[i], b.v[i]); });
  }
  static Vec min(const Vec& a, const Vec& b) {
    return each([&](int i) { return _mm_min_ps(a.v[i], b.v[i]); });
  }
  static Vec sqrt(const Vec& a) {
    return each([&](int i) { return _mm_sqrt_ps(a.v[i]); });
  }
  static Vec root_seed(const Vec& a) {
    return each([&](int i) {
      const __m128i half = _mm_srli_epi32(_mm_castps_si128(a.v[i]), 1);
      return _mm_castsi128_ps(_mm_sub_epi32(_mm_set1_epi32(0x5F3759DF), half));
    });
  }
  static Vec flush(const Vec& a) {
    return each([&](int i) {
      const __m128 magnitude = _mm_andnot_ps(_mm_set1_ps(-0.0f), a.v[i]);
      return _mm_and_ps(a.v[i], _mm_cmpge_ps(magnitude, _mm_set1_ps(0x1p-100f)));
    });
  }
  static Vec power_of_two(const Vec& a) {
    return each([&](int i) {
      const __m128i n = _mm_slli_epi32(_mm_castps_si128(a.v[i]), 23);
      return _mm_castsi128_ps(_mm_add_epi32(n, _mm_set1_epi32(0x3F800000)));
    });
  }
  [[nodiscard]] float reduce() const {
    __m128 q = _mm_add_ps(_mm_add_ps(v[0], v[2]), _mm_add_ps(v[1], v[3]));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  [[nodiscard]] float reduce_max() const {
    __m128 q = _mm_max_ps(_mm_max_ps(v[0], v[2]), _mm_max_ps(v[1], v[3]));
    q = _mm_max_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_max_ss(q, _mm_shuffle_ps(q, q, 1)));
  }
  static void to_int(const Vec& a, std::int32_t* out) {
    for (int i = 0; i < 4; ++i) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 4 * i), _mm_cvttps_epi32(a.v[i]));
    }
  }
};

}  // namespace

SsmKernels<float> ssm_kernels_sse2(int width) {
  return make_ssm_kernels<Vec>(width);
}

}  // namespace stateutils::statesmix
#endif
