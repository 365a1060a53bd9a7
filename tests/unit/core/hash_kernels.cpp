// The kernels of XXH3 differ in speed only.
#include "core/hash_kernels.hpp"

#include <doctest.h>

#include <string>
#include <vector>

#include "core/isa.hpp"

using namespace stateutils::core;

TEST_CASE("XXH3 gives the same bits on every instruction set") {
#if defined(__x86_64__)
  if (available_isas().size() < 2) return;
  const HashKernels &plain = hash_kernels_scalar(), &fast = hash_kernels_avx2();
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 31 + i / 7);
  for (const std::size_t size : {0, 1, 16, 17, 128, 129, 240, 241, 1024, 1025, 4999}) {
    CHECK(plain.hash64(text.data(), size) == fast.hash64(text.data(), size));
    CHECK(plain.hash128(text.data(), size) == fast.hash128(text.data(), size));
  }
#endif
}
