#include "statesmix/codec/x86_calls.hpp"

#include <vector>

namespace stateutils::statesmix {
namespace {

constexpr std::size_t kLength = 5;               // opcode and operand
constexpr std::uint32_t kMask = (1u << 25) - 1;  // operands are 25 bits with their sign
constexpr std::size_t kFewCalls = 32;            // fewer say nothing

// An opcode whose operand's top byte is a sign: its distance is below 2^24 either way.
bool is_call(const std::uint8_t* at) {
  return (at[0] & 0xFE) == 0xE8 && (at[4] == 0x00 || at[4] == 0xFF);
}

std::uint32_t operand(const std::uint8_t* at) {
  return at[1] | (std::uint32_t{at[2]} << 8) | (std::uint32_t{at[3]} << 16) | ((at[4] & 1u) << 24);
}

void set_operand(std::uint8_t* at, std::uint32_t value) {
  at[1] = static_cast<std::uint8_t>(value);
  at[2] = static_cast<std::uint8_t>(value >> 8);
  at[3] = static_cast<std::uint8_t>(value >> 16);
  at[4] = (value >> 24) != 0 ? 0xFF : 0x00;
}

std::uint32_t next_instruction(std::size_t at) {
  return static_cast<std::uint32_t>(at + kLength);
}

// Calls visit(offset) for each call from the start on; what lies inside an operand is none.
template <class F>
void each_call(std::span<const std::uint8_t> block, F visit) {
  for (std::size_t i = 0; i + kLength <= block.size();) {
    const bool call = is_call(&block[i]);
    if (call) visit(i);
    i += call ? kLength : 1;
  }
}

// Which operands were seen.
class Seen {
 public:
  // Notes the operand and says whether it was there before.
  bool again(std::uint32_t value) {
    const std::uint64_t bit = std::uint64_t{1} << (value & 63);
    const bool was = (words_[value >> 6] & bit) != 0;
    words_[value >> 6] |= bit;
    return was;
  }

 private:
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>((kMask >> 6) + 1);
};

}  // namespace

// One offset after the other, whatever stands there: a step changes an operand and neither its
// opcode nor that its top byte is a sign, so it can be undone. All of them can in the opposite
// order, which meets each step's bytes as that step left them, though operands may overlap and hold
// opcodes.
void calls_to_absolute(std::span<std::uint8_t> block) {
  for (std::size_t i = block.size(); i-- > 0;) {
    if (i + kLength > block.size() || !is_call(&block[i])) continue;
    set_operand(&block[i], (operand(&block[i]) + next_instruction(i)) & kMask);
  }
}

void calls_to_relative(std::span<std::uint8_t> block) {
  for (std::size_t i = 0; i + kLength <= block.size(); ++i) {
    if (!is_call(&block[i])) continue;
    set_operand(&block[i], (operand(&block[i]) - next_instruction(i)) & kMask);
  }
}

bool has_x86_calls(std::span<const std::uint8_t> block) {
  std::size_t calls = 0;
  each_call(block, [&](std::size_t) { ++calls; });
  if (calls < kFewCalls) return false;
  Seen distances, targets;
  std::size_t again_distances = 0, again_targets = 0;
  each_call(block, [&](std::size_t i) {
    const std::uint32_t distance = operand(&block[i]);
    again_distances += distances.again(distance) ? 1 : 0;
    again_targets += targets.again((distance + next_instruction(i)) & kMask) ? 1 : 0;
  });
  return again_targets > kFewCalls + 2 * again_distances;
}

}  // namespace stateutils::statesmix
