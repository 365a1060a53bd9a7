// Any payload given to the model's decoder, behind every checksum of the container: bounded output
// and no other harm. The first two bytes choose preset, kind of block and size.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "statesmix/codec/block_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils::statesmix;
  if (size < 2 || size > 1024) return 0;
  const int preset = 1 + data[0] % 6;
  const BlockType type = data[0] < 128 ? BlockType::kModelled : BlockType::kCalls;
  const BlockHeader header{type, 1 + std::uint64_t{data[1]} * 4, size - 2};
  std::vector<std::uint8_t> out;
  const bool whole =
      decode_block(header, {data + 2, size - 2}, 0, preset, 0, active_isa(), {}, out);
  // No payload of this size hashes to 0 but by a chance of 2^-64.
  if (whole || out.size() > header.raw_size) std::abort();
  return 0;
}
