// The filter for x86 machine code: the operands of calls (E8) and jumps (E9) hold the distance to
// their target, so that each call of one function looks different. Made absolute they are alike,
// and the context models see them again (the BCJ filter of 7-Zip, the E8/E9 transform of paq).
#pragma once

#include <cstdint>
#include <span>

namespace stateutils::statesmix {

// Turns distances below 16 MiB into offsets within the block, and back. The second undoes the first
// on any bytes.
void calls_to_absolute(std::span<std::uint8_t> block);
void calls_to_relative(std::span<std::uint8_t> block);

// Whether the block holds calls that the filter makes alike: far more of their targets come again
// than of their distances. A pass over the block, no coding.
[[nodiscard]] bool has_x86_calls(std::span<const std::uint8_t> block);

}  // namespace stateutils::statesmix
