// Load: the slice of a parameter that one tensor-parallel rank of a target layout holds.
#pragma once

#include "ckpt/ucp/patterns.hpp"

namespace stateutils::ckpt {

// Rows [first, last) of `width` that rank `rank` of `ranks` holds: equal widths, else
// ceil(width / ranks) and the rest smaller or 0.
[[nodiscard]] std::pair<std::uint64_t, std::uint64_t> chunk(std::uint64_t width, std::uint64_t rank,
                                                            std::uint64_t ranks);

// Adds zero rows so that the vocabulary is a multiple of `multiple`.
[[nodiscard]] Tensor pad_vocabulary(const Tensor& tensor, std::uint64_t multiple);

// Rows [first, first + size) of the dimension that a rule cuts.
struct SliceRange {
  std::uint64_t first, size;
};
// Whether the rule cuts a parameter at all, and in which dimension.
[[nodiscard]] bool is_cut(const UnionRule& rule, std::uint64_t ranks);
[[nodiscard]] std::size_t cut_dim(const UnionRule& rule);
// The ranges that make up rank `rank`'s slice, in its order; kInput when the rule does not fit.
[[nodiscard]] std::vector<SliceRange> slice_ranges(const Tensor& tensor, const UnionRule& rule,
                                                   std::uint64_t rank, std::uint64_t ranks);

// Rank `rank`'s slice, in its own coordinates.
[[nodiscard]] Tensor slice_for(const Tensor& tensor, const UnionRule& rule, std::uint64_t rank,
                               std::uint64_t ranks);

// Widths of every sub-parameter on every rank as `slice_for` cuts them: sub_param_shard_widths.
[[nodiscard]] std::vector<std::vector<std::uint64_t>> shard_widths(const UnionRule& rule,
                                                                   std::uint64_t ranks);

}  // namespace stateutils::ckpt
