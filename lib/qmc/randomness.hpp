// Where random digits come from: every draw is a function of (seed, replication, dimension, place),
// never of what was drawn before, so any part of a point set can be made alone.
#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.hpp"
#include "qmc/wide.hpp"

namespace stateutils::qmc {

// What a Philox block is for: the top byte of the last counter word.
enum class Tag : std::uint32_t {
  kShift = 1,
  kLms = 2,
  kNusGroup = 3,
  kNusTail = 4,
  kPermutation = 5,
  kIid = 6,
  kBrownian = 7,
  kOther = 8
};
inline constexpr std::uint32_t kMaxReplications = 1u << 24;

// A block as two words: lo = c0 + 2^32 c1, hi = c2 + 2^32 c3.
struct Words {
  std::uint64_t lo, hi;
};

struct Stream {
  std::uint64_t seed = 0;
  std::uint32_t replication = 0;

  [[nodiscard]] Words block(Tag tag, std::uint32_t dim, std::uint32_t index_lo,
                            std::uint32_t index_hi) const {
    const core::PhiloxBlock c = core::philox4x32(
        {index_lo, index_hi, dim, static_cast<std::uint32_t>(tag) << 24 | replication},
        static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
    return {c[0] | static_cast<std::uint64_t>(c[1]) << 32, c[2] | static_cast<std::uint64_t>(c[3])
                                                                      << 32};
  }
  // The 64-bit shift of a dimension (base 2 and lattices).
  [[nodiscard]] std::uint64_t shift(std::uint32_t dim) const {
    return block(Tag::kShift, dim, 0, 0).lo;
  }
};

// The top 52 bits and half a unit: a number inside (0,1), as the points of open intervals.
[[nodiscard]] constexpr double open_unit(std::uint64_t u) {
  return (static_cast<double>(u >> 12) + 0.5) * 0x1p-52;
}

// floor(u n / 2^64): a number below n from a uniform word.
[[nodiscard]] constexpr std::uint32_t below(std::uint64_t u, std::uint32_t n) {
  return static_cast<std::uint32_t>((Wide{u} * n) >> 64);
}

// Rows of a lower-triangular matrix over GF(2) with unit diagonal, `t` x `t_in`: row tau is a
// t_in-bit integer, most significant bit = column 0 (Matousek 1998). Rows from t_in on are uniform.
[[nodiscard]] std::vector<std::uint64_t> draw_lms_rows(const Stream& stream, std::uint32_t dim,
                                                       unsigned t, unsigned t_in);

// A uniform permutation of 0..base-1 (Fisher-Yates) from blocks (index_lo, 0), (index_lo, 1)...
// of `tag`.
[[nodiscard]] std::vector<std::uint32_t> draw_permutation(const Stream& stream, Tag tag,
                                                          std::uint32_t dim, std::uint32_t base,
                                                          std::uint32_t index_lo);

// The permutation of one node of the tree of nested scrambling in base b: blocks of index
// (node, 256 + level + 512 block). A node of more than 32 bits draws a key of its own from the
// block (node low, node high).
[[nodiscard]] std::vector<std::uint32_t> draw_node_permutation(const Stream& stream,
                                                               std::uint32_t dim,
                                                               std::uint32_t base,
                                                               std::uint64_t node, unsigned level);

}  // namespace stateutils::qmc
