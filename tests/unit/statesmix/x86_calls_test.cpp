// The filter for x86 calls: its two directions undo each other on any bytes, calls of one function
// become alike, and only machine code is taken for machine code.
#include "statesmix/codec/x86_calls.hpp"

#include <doctest.h>

#include <random>
#include <string>
#include <vector>

#include "statesmix/codec/block_codec.hpp"

using namespace stateutils::statesmix;

namespace {

using Bytes = std::vector<std::uint8_t>;

void put_call(Bytes& code, std::uint32_t target, std::uint8_t opcode = 0xE8) {
  const auto distance = target - static_cast<std::uint32_t>(code.size() + 5);
  code.push_back(opcode);
  for (int shift = 0; shift < 32; shift += 8)
    code.push_back(static_cast<std::uint8_t>(distance >> shift));
}

// Instructions of other kinds between calls of a few functions.
Bytes program(std::size_t calls, std::size_t functions) {
  std::mt19937 random(5);
  Bytes code;
  for (std::size_t i = 0; i < calls; ++i) {
    for (std::uint64_t k = random() % 30; k > 0; --k)
      code.push_back(static_cast<std::uint8_t>(0x40 + random() % 64));
    put_call(code, static_cast<std::uint32_t>(random() % functions * 4096),
             i % 4 == 0 ? 0xE9 : 0xE8);
  }
  return code;
}

Bytes there(Bytes block) {
  calls_to_absolute(block);
  return block;
}
Bytes back(Bytes block) {
  calls_to_relative(block);
  return block;
}

}  // namespace

TEST_CASE("x86 calls: a call's operand becomes the offset of its target") {
  Bytes code{0x90, 0x90};
  put_call(code, 0x1234);
  put_call(code, 0x1234, 0xE9);
  code.insert(code.end(), {0xE8, 1, 2, 3, 4});  // a distance of more than 16 MiB: no call of ours
  code.insert(code.end(), {0xE8, 1, 2, 3});     // cut off
  const Bytes want{0x90, 0x90, 0xE8, 0x34, 0x12, 0, 0,    0xE9, 0x34, 0x12, 0,
                   0,    0xE8, 1,    2,    3,    4, 0xE8, 1,    2,    3};
  CHECK(there(code) == want);
  CHECK(back(want) == code);
}

TEST_CASE("x86 calls: either direction undoes the other on any bytes") {
  std::mt19937 random(1);
  // Few values, so that opcodes stand inside operands and signs everywhere.
  constexpr std::uint8_t kValues[] = {0xE8, 0xE9, 0x00, 0xFF, 0x01, 0xFE};
  for (int round = 0; round < 3000; ++round) {
    Bytes block(random() % 40);
    for (std::uint8_t& b : block)
      b = round % 3 == 0 ? static_cast<std::uint8_t>(random()) : kValues[random() % 6];
    CHECK(back(there(block)) == block);
    CHECK(there(back(block)) == block);
  }
}

TEST_CASE("x86 calls: what is machine code is decided by calls that come again") {
  CHECK(has_x86_calls(program(200, 20)));
  CHECK(!has_x86_calls(program(20, 5)));      // too few
  CHECK(!has_x86_calls(program(200, 4000)));  // nothing comes again
  Bytes same;                                 // the same distance each time: a table, not code
  for (int i = 0; i < 500; ++i) same.insert(same.end(), {0xE8, 7, 0, 0, 0, 1});
  CHECK(!has_x86_calls(same));
  CHECK(!has_x86_calls({}));
}

TEST_CASE("x86 calls: a block of machine code is coded as one, smaller, and decodes") {
  const Bytes code = program(800, 40);
  const EncodedBlock coded = encode_block(code, 1, 0, active_isa(), {});
  CHECK(coded.header.type == BlockType::kCalls);
  const Bytes plain = encode_modelled(code, model_config(1, code.size()), active_isa(), {});
  CHECK(coded.payload.size() < plain.size());
  Bytes decoded;
  CHECK(decode_block(coded.header, coded.payload, coded.hash, 1, 0, active_isa(), {}, decoded));
  CHECK(decoded == code);
  // As a block without the filter the same payload is damage.
  BlockHeader other = coded.header;
  other.type = BlockType::kModelled;
  CHECK(!decode_block(other, coded.payload, coded.hash, 1, 0, active_isa(), {}, decoded));
}
