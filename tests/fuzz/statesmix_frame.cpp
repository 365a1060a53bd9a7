// Any bytes given to the decoder: an error or bounded output, nothing else.
#include <cstddef>
#include <cstdint>

#include "core/error.hpp"
#include "core/input.hpp"
#include "statesmix/codec/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  // Each block of a frame starts a model of its own: a thousand bytes of blocks are enough to see
  // every path, and more only take the time of many models.
  if (size > 1024) return 0;
  const auto source = core::memory_input({reinterpret_cast<const char*>(data), size});
  statesmix::DecompressOptions o;
  o.memory_limit = 96u << 20;
  o.max_output = 1 << 12;
  o.keep_going = size % 2 == 1;
  try {
    static_cast<void>(statesmix::decompress(
        *source, [](std::span<const std::uint8_t>) {}, o));
  } catch (const core::Error&) {
  }
  return 0;
}
