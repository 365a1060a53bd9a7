// Logarithms of 128 numbers c about which those of [0.709, 1.418) are expanded.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stateutils::qmc {

// Numbers whose bits begin at kLogRowsFrom + i 2^45 belong to row i: 1/c, -ln(1/c) rounded to a
// multiple of 2^-42, and its rest. 1/c is so short that m/c - 1 is exact for every m of the row,
// and 0.00585 at most; c = 1 for the row that holds 1. Made with 300 bits.
inline constexpr std::uint64_t kLogRowsFrom = 0x3FE6B00000000000;
inline constexpr std::size_t kLogRowCount = 128;
extern const double kLogRows[kLogRowCount][4];

}  // namespace stateutils::qmc
