#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/hash_kernels.hpp"

namespace stateutils::core {
namespace {

constexpr HashKernels kKernels{
    [](const void* data, std::size_t size) -> std::uint64_t { return XXH3_64bits(data, size); },
    [](const void* data, std::size_t size) {
      const XXH128_hash_t hash = XXH3_128bits(data, size);
      return Hash128{hash.low64, hash.high64};
    },
    [](void* state, const void* data, std::size_t size) {
      XXH3_128bits_update(static_cast<XXH3_state_t*>(state), data, size);
    }};

}  // namespace

const HashKernels& hash_kernels_avx2() {
  return kKernels;
}

}  // namespace stateutils::core
