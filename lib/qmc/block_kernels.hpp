// The inner loops of point generation, one set per instruction set. All sets give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.hpp"

namespace stateutils::qmc {

// What a 64-bit fraction Y (value Y 2^-64, bit 63 first) becomes. Always truncated, so that 1.0
// cannot occur; the open forms are (Y_52 + 1/2) 2^-52 and (Y_23 + 1/2) 2^-23.
enum class Format { kF64, kF64Open, kF32, kF32Open, kU32, kU64 };
inline constexpr int kFormats = 6;
[[nodiscard]] constexpr std::size_t format_bytes(Format format) {
  return format == Format::kF32 || format == Format::kF32Open || format == Format::kU32 ? 4 : 8;
}

// out[8 v + l] = convert(table[8 v + l] OP pattern[8 (v mod period) + l]) for v < groups, l < 8;
// `period` divides `groups`; table and pattern are 64-byte aligned.
using TableKernel = void (*)(const std::uint64_t* table, const std::uint64_t* pattern,
                             std::size_t groups, std::size_t period, void* out);

// Folded words: digits that exclusive or mixes as doubles, so that a coordinate costs one load, one
// exclusive or, one subtraction and one maximum. Of the first 53 digits, b m with b the first:
// m stays where a double has its mantissa, b is the sign. With the word of the pattern marked, the
// result is the double -(1/2 + m 2^-53) for b = 0, whose value is -1/2 less it, or 1/2 + m 2^-53
// for b = 1, which is the value; the larger of x and -1/2 - x is the right one, and exact.
[[nodiscard]] constexpr std::uint64_t fold_word(std::uint64_t word) {
  return (word & 1ull << 63) | (word >> 11 & ((1ull << 52) - 1));
}
// Exclusive or of it marks a folded word: sign for b = 0, exponent of [1/2, 1).
inline constexpr std::uint64_t kFoldMark = 0xBFE0000000000000ull;

using ConvertKernel = void (*)(const std::uint64_t* words, std::size_t count, void* out);

struct BlockKernels {
  TableKernel exclusive_or[kFormats];
  TableKernel add[kFormats];
  // Exclusive or of a folded table and a folded and marked pattern, to doubles.
  TableKernel exclusive_or_folded;
  // As above past the caches; `out` is 64-byte aligned.
  TableKernel exclusive_or_folded_stream, add_stream;
  // words[k] = fold_word(words[k]) ^ kFoldMark
  void (*fold_pattern)(const std::uint64_t* words, std::size_t count, std::uint64_t* out);
  ConvertKernel convert[kFormats];
  // The store limit of this machine: `count` equal doubles (a multiple of 8) past the caches.
  void (*store_stream)(double value, std::size_t count, double* out);
};

// Kernels of the set; scalar where the build has no such set.
[[nodiscard]] const BlockKernels& block_kernels(core::Isa isa);
[[nodiscard]] const BlockKernels& block_kernels();  // of core::active_isa()

extern const BlockKernels kBlockKernelsScalar, kBlockKernelsAvx2, kBlockKernelsAvx512;

}  // namespace stateutils::qmc
