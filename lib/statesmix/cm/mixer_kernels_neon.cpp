#include "statesmix/cm/mixer_kernels_impl.hpp"

#if defined(__ARM_NEON)
#include <arm_neon.h>

namespace stateutils::statesmix {
namespace {

void dot(const std::int16_t* x, int n, const std::int32_t* const* weights, int sets,
         std::int16_t start, std::int32_t* out) {
  const int16x4_t first = vdup_n_s16(start);
  for (int k = 0; k < sets; ++k) {
    const std::int32_t* w = weights[k];
    int32x4_t sum = vdupq_n_s32(0);
    for (int i = 0; i < n; i += 8) {
      const int16x8_t xs = vld1q_s16(x + i);
      const int16x4_t low = vqadd_s16(vqmovn_s32(vshrq_n_s32(vld1q_s32(w + i), 2)), first);
      const int16x4_t high = vqadd_s16(vqmovn_s32(vshrq_n_s32(vld1q_s32(w + i + 4), 2)), first);
      const int32x4_t a = vmull_s16(vget_low_s16(xs), low);
      const int32x4_t b = vmull_s16(vget_high_s16(xs), high);
      sum = vaddq_s32(sum, vshrq_n_s32(vpaddq_s32(a, b), 8));
    }
    out[k] = vaddvq_s32(sum);
  }
}

void train(const std::int16_t* x, int n, std::int32_t* const* weights, int sets,
           const std::int16_t* error) {
  for (int k = 0; k < sets; ++k) {
    std::int32_t* w = weights[k];
    const int16x4_t e = vdup_n_s16(error[k]);
    for (int i = 0; i < n; i += 4) {
      const int32x4_t product = vaddq_s32(vmull_s16(vld1_s16(x + i), e), vdupq_n_s32(2048));
      vst1q_s32(w + i, vaddq_s32(vld1q_s32(w + i), vshrq_n_s32(product, 12)));
    }
  }
}

}  // namespace

MixerKernels mixer_kernels_neon() {
  return {dot, train};
}

}  // namespace stateutils::statesmix
#endif
