// Per-set entry points behind mixer_kernels(); each lives in the file compiled for its set.
#pragma once

#include "statesmix/cm/mixer_kernels.hpp"

namespace stateutils::statesmix {

[[nodiscard]] MixerKernels mixer_kernels_scalar();
[[nodiscard]] MixerKernels mixer_kernels_sse2();
[[nodiscard]] MixerKernels mixer_kernels_avx2();
[[nodiscard]] MixerKernels mixer_kernels_avx512();
[[nodiscard]] MixerKernels mixer_kernels_neon();

}  // namespace stateutils::statesmix
