#include "statesmix/cm/mixer_kernels.hpp"

#include "statesmix/cm/mixer_kernels_impl.hpp"

namespace stateutils::statesmix {
namespace {

std::int32_t saturated16(std::int32_t v) {
  return v > 32767 ? 32767 : (v < -32768 ? -32768 : v);
}

void dot_scalar(const std::int16_t* x, int n, const std::int32_t* const* weights, int sets,
                std::int16_t start, std::int32_t* out) {
  const auto weight = [start](std::int32_t w) { return saturated16(saturated16(w >> 2) + start); };
  for (int k = 0; k < sets; ++k) {
    const std::int32_t* w = weights[k];
    std::int32_t sum = 0;
    for (int i = 0; i < n; i += 2) {
      sum += (x[i] * weight(w[i]) + x[i + 1] * weight(w[i + 1])) >> 8;
    }
    out[k] = sum;
  }
}

void train_scalar(const std::int16_t* x, int n, std::int32_t* const* weights, int sets,
                  const std::int16_t* error) {
  for (int k = 0; k < sets; ++k) {
    std::int32_t* w = weights[k];
    for (int i = 0; i < n; ++i) {
      // Unsigned, as the vector instructions wrap.
      const std::int32_t step = (x[i] * error[k] + 2048) >> 12;
      w[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(w[i]) +
                                       static_cast<std::uint32_t>(step));
    }
  }
}

}  // namespace

MixerKernels mixer_kernels_scalar() {
  return {dot_scalar, train_scalar};
}

MixerKernels mixer_kernels(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kSse2:
      return mixer_kernels_sse2();
    case Isa::kAvx2:
      return mixer_kernels_avx2();
    case Isa::kAvx512:
      return mixer_kernels_avx512();
#elif defined(__ARM_NEON)
    case Isa::kNeon:
      return mixer_kernels_neon();
#endif
    default:
      return mixer_kernels_scalar();
  }
}

}  // namespace stateutils::statesmix
