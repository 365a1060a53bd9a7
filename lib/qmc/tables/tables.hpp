// The published tables inside the binary, packed by scripts/qmc-tables.
#pragma once

#include <cstdint>

namespace stateutils::qmc {

inline constexpr std::uint64_t kTableChunk = 1440 * 40;  // characters per literal
extern const char* const kJoeKuoText[];
extern const char* const kKuoLatticeText[];

// `count` bits (at most 32) at bit `position` of a packed table, most significant first.
[[nodiscard]] std::uint32_t table_bits(const char* const* text, std::uint64_t position,
                                       unsigned count);

}  // namespace stateutils::qmc
