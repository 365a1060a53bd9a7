// Indices of centroids as a little-endian bit string cut into 32-bit words.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace stateutils::ckpt::quant {

[[nodiscard]] inline std::uint64_t packed_words(std::uint64_t count, unsigned bits) {
  return (count * bits + 31) / 32;
}

// Value i = index_i | residual_i << index_bits takes bits [i * bits, (i + 1) * bits); the last word
// is filled up with zeros. `residuals` is empty when residual_bits is 0.
inline void pack_indices(std::span<const std::uint32_t> indices, unsigned index_bits,
                         std::span<const std::uint32_t> residuals, unsigned residual_bits,
                         std::span<std::uint32_t> words) {
  const unsigned bits = index_bits + residual_bits;
  for (std::uint32_t& word : words) word = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    std::uint64_t value = indices[i];
    if (residual_bits > 0) value |= std::uint64_t{residuals[i]} << index_bits;
    const std::uint64_t at = i * bits;
    const unsigned shift = at % 32;
    std::uint64_t word = at / 32;
    // At most 32 bits shifted by at most 31: the value spans two words.
    const std::uint64_t shifted = value << shift;
    words[word] |= static_cast<std::uint32_t>(shifted);
    if (shift + bits > 32) words[++word] |= static_cast<std::uint32_t>(shifted >> 32);
  }
}

// The value at position i.
[[nodiscard]] inline std::uint32_t unpack_value(std::span<const std::uint32_t> words,
                                                std::uint64_t i, unsigned bits) {
  const std::uint64_t at = i * bits, word = at / 32;
  const unsigned shift = at % 32;
  std::uint64_t pair = words[word];
  if (shift + bits > 32) pair |= std::uint64_t{words[word + 1]} << 32;
  return static_cast<std::uint32_t>((pair >> shift) & ((std::uint64_t{1} << bits) - 1));
}

}  // namespace stateutils::ckpt::quant
