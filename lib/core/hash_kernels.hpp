// XXH3 compiled for one instruction set: the library chooses its vectors when it is compiled.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/hash.hpp"

namespace stateutils::core {

struct HashKernels {
  std::uint64_t (*hash64)(const void* data, std::size_t size);
  Hash128 (*hash128)(const void* data, std::size_t size);
  void (*update)(void* state, const void* data, std::size_t size);  // of an XXH3_state_t
};
[[nodiscard]] const HashKernels& hash_kernels_scalar();
[[nodiscard]] const HashKernels& hash_kernels_avx2();

}  // namespace stateutils::core
