// Any bytes: read through small buffers and through one large they decode to the same bytes or to
// the same error.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/input.hpp"

using namespace stateutils;

namespace {

// A small input can decode to gigabytes; a prefix is enough here.
constexpr std::size_t kEnough = 128 << 10;

std::string decoded(std::string_view bytes, std::size_t step) {
  std::string text, block(step, '\0');
  try {
    const auto source = core::memory_input(bytes, "fuzz");
    while (text.size() < kEnough) {
      const std::size_t n =
          source->read(block.data(), std::min(block.size(), kEnough - text.size()));
      if (n == 0) return text;
      text.append(block.data(), n);
    }
  } catch (const core::Error& e) {
    if (e.category() != core::Category::kInput) std::abort();
    return "error";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (decoded(bytes, 61) != decoded(bytes, kEnough)) std::abort();
  return 0;
}
