// The first byte chooses preset and block size, the rest must come back unchanged.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/input.hpp"
#include "statesmix/codec/block_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils::statesmix;
  if (size < 2 || size > 4096) return 0;
  const int preset = data[0] % 2 == 0 ? 1 : 1 + data[0] % 6;
  const std::span<const std::uint8_t> raw(data + 1, size - 1);
  const EncodedBlock block = encode_block(raw, preset, 0, active_isa(), {});
  std::vector<std::uint8_t> back;
  if (!decode_block(block.header, block.payload, block.hash, preset, 0, active_isa(), {}, back))
    std::abort();
  if (!std::equal(back.begin(), back.end(), raw.begin(), raw.end())) std::abort();
  return 0;
}
