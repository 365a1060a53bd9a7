// Any bytes: an array or one input error; an array that was read is written and read back equal.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/output.hpp"

using namespace stateutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  core::NpyArray array;
  try {
    const auto source = core::memory_input(bytes, "fuzz");
    array = core::read_npy(*source, 1 << 20);
  } catch (const core::Error& e) {
    if (e.category() != core::Category::kInput) std::abort();
    return 0;
  }
  if (array.header.shape.size() > 1000) return 0;  // more than a 1.0 header can hold
  core::MemoryOutput out;
  core::write_npy(out, array.header.shape, array.values);
  const auto again = core::memory_input(out.text(), "again");
  const core::NpyArray copy = core::read_npy(*again, 1 << 20);
  if (copy.header.shape != array.header.shape || copy.values.size() != array.values.size() ||
      (!copy.values.empty() && std::memcmp(copy.values.data(), array.values.data(),
                                           copy.values.size() * sizeof(double)) != 0)) {
    std::abort();
  }
  return 0;
}
