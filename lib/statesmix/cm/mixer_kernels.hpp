// The two inner loops of mixing. Integer sums are free of order, so every instruction set gives
// the same numbers; a test compares all that are available.
#pragma once

#include <cstdint>

#include "statesmix/isa.hpp"

namespace stateutils::statesmix {

inline constexpr int kMixAlign = 16;  // inputs are padded with zeros to a multiple of this

struct MixerKernels {
  // out[k] = sum over pairs ((w[2i] * x[2i] + w[2i+1] * x[2i+1]) >> 8) with w = start + (weights[k]
  // >> 2), both sums saturated to int16 (14 fraction bits); the result has 14 fraction bits.
  // Weights are kept relative to their start value, so that untouched pages need no visit.
  void (*dot)(const std::int16_t* x, int n, const std::int32_t* const* weights, int sets,
              std::int16_t start, std::int32_t* out);
  // weights[k][i] += (x[i] * error[k] + 2048) >> 12: 8 + 20 fraction bits down to 16.
  void (*train)(const std::int16_t* x, int n, std::int32_t* const* weights, int sets,
                const std::int16_t* error);
};

[[nodiscard]] MixerKernels mixer_kernels(Isa isa);

}  // namespace stateutils::statesmix
