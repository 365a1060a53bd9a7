#include "statesmix/ssm/kernels_impl.hpp"

#if defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>

namespace stateutils::statesmix {
namespace {

struct Vec {
  using Real = float;
  static constexpr int kBlock = 4;
  float32x4_t v[4];

  template <class F>
  static Vec each(F f) {
    return {{f(0), f(1), f(2), f(3)}};
  }
  static Vec set(float x) {
    return each([&](int) { return vdupq_n_f32(x); });
  }
  static Vec load(const float* p) {
    return each([&](int i) { return vld1q_f32(p + 4 * i); });
  }
  void store(float* p) const {
    for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, v[i]);
  }
  friend Vec operator+(const Vec& a, const Vec& b) {
    return each([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
  }
  friend Vec operator-(const Vec& a, const Vec& b) {
    return each([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
  }
  friend Vec operator*(const Vec& a, const Vec& b) {
    return each([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
  }
  friend Vec operator/(const Vec& a, const Vec& b) {
    return each([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
  }
  static Vec max(const Vec& a, const Vec& b) {
    return each([&](int i) { return vmaxq_f32(a.v[i], b.v[i]); });
  }
  static Vec min(const Vec& a, const Vec& b) {
    return each([&](int i) { return vminq_f32(a.v[i], b.v[i]); });
  }
  static Vec sqrt(const Vec& a) {
    return each([&](int i) { return vsqrtq_f32(a.v[i]); });
  }
  static Vec root_seed(const Vec& a) {
    return each([&](int i) {
      const uint32x4_t half = vshrq_n_u32(vreinterpretq_u32_f32(a.v[i]), 1);
      return vreinterpretq_f32_u32(vsubq_u32(vdupq_n_u32(0x5F3759DFu), half));
    });
  }
  static Vec flush(const Vec& a) {
    return each([&](int i) {
      const uint32x4_t keep = vcgeq_f32(vabsq_f32(a.v[i]), vdupq_n_f32(0x1p-100f));
      return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a.v[i]), keep));
    });
  }
  static Vec power_of_two(const Vec& a) {
    return each([&](int i) {
      const uint32x4_t n = vshlq_n_u32(vreinterpretq_u32_f32(a.v[i]), 23);
      return vreinterpretq_f32_u32(vaddq_u32(n, vdupq_n_u32(0x3F800000u)));
    });
  }
  [[nodiscard]] float reduce() const {
    const float32x4_t q = vaddq_f32(vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
    const float32x2_t d = vadd_f32(vget_low_f32(q), vget_high_f32(q));
    return vget_lane_f32(d, 0) + vget_lane_f32(d, 1);
  }
  [[nodiscard]] float reduce_max() const {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(v[0], v[2]), vmaxq_f32(v[1], v[3])));
  }
  static void to_int(const Vec& a, std::int32_t* out) {
    for (int i = 0; i < 4; ++i) vst1q_s32(out + 4 * i, vcvtq_s32_f32(a.v[i]));
  }
};

}  // namespace

SsmKernels<float> ssm_kernels_neon(int width) {
  return make_ssm_kernels<Vec>(width);
}

}  // namespace stateutils::statesmix
#endif
