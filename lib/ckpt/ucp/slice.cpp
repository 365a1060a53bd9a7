#include "ckpt/ucp/slice.hpp"

#include <algorithm>

#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {

std::pair<std::uint64_t, std::uint64_t> chunk(std::uint64_t width, std::uint64_t rank,
                                              std::uint64_t ranks) {
  const std::uint64_t part = (width + ranks - 1) / ranks;
  const std::uint64_t first = std::min(width, rank * part);
  return {first, std::min(width, first + part)};
}

Tensor pad_vocabulary(const Tensor& tensor, std::uint64_t multiple) {
  Tensor padded = tensor;
  if (tensor.shape.empty() || multiple == 0) return padded;
  const std::uint64_t rows = tensor.shape[0];
  padded.shape[0] = (rows + multiple - 1) / multiple * multiple;
  if (padded.shape[0] == rows) return padded;
  Piece zeros{.offset = Shape(tensor.shape.size(), 0), .size = padded.shape};
  zeros.offset[0] = rows;
  zeros.size[0] = padded.shape[0] - rows;
  const std::uint64_t item = item_bytes(tensor.dtype);
  zeros.strides = dense_strides(zeros.size, item);
  zeros.file = zero_file(*tensor_bytes(tensor.dtype, zeros.size));
  padded.pieces.push_back(std::move(zeros));
  return padded;
}

bool is_cut(const UnionRule& rule, std::uint64_t ranks) {
  return ranks > 1 && rule.kind != Union::kReplicated && rule.kind != Union::kAverage;
}

std::size_t cut_dim(const UnionRule& rule) {
  if (rule.kind == Union::kRows) return 1;
  return rule.kind == Union::kSubParams ? rule.partition_dim : 0;
}

std::vector<SliceRange> slice_ranges(const Tensor& tensor, const UnionRule& rule,
                                     std::uint64_t rank, std::uint64_t ranks) {
  const std::size_t dim = cut_dim(rule);
  const std::string name = "tensor " + core::quoted(tensor.name);
  if (dim >= tensor.shape.size()) {
    throw core::Error(core::Category::kInput, name + " has no dimension to cut between ranks");
  }
  std::vector<SliceRange> ranges;
  std::uint64_t base = 0;
  const auto add = [&](std::uint64_t width) {
    const auto [first, last] = chunk(width, rank, ranks);
    ranges.push_back({base + first, last - first});
    base += width;
  };
  const std::uint64_t rows = tensor.shape[dim];
  if (rule.kind == Union::kTwoHalves) {
    add(rows / 2);
    add(rows / 2);
  } else if (rule.kind == Union::kSubParams && rule.equal_parts > 0) {
    for (std::uint64_t part = 0; part < rule.equal_parts; ++part) add(rows / rule.equal_parts);
  } else if (rule.kind == Union::kSubParams) {
    for (const std::uint64_t width : rule.widths) add(width);
  } else {
    add(rows);
  }
  if (base != rows) {
    throw core::Error(core::Category::kInput,
                      name + ": its parts do not fill its " + std::to_string(rows) + " rows");
  }
  return ranges;
}

Tensor slice_for(const Tensor& tensor, const UnionRule& rule, std::uint64_t rank,
                 std::uint64_t ranks) {
  if (!is_cut(rule, ranks)) return tensor;
  const std::size_t dim = cut_dim(rule);
  Tensor slice = tensor;
  slice.pieces.clear();
  slice.replicas.clear();
  std::uint64_t to = 0;
  for (const SliceRange& range : slice_ranges(tensor, rule, rank, ranks)) {
    Box part{Shape(tensor.shape.size(), 0), tensor.shape};
    part.offset[dim] = range.first;
    part.size[dim] = range.size;
    for (const Piece& piece : tensor.pieces) {
      const Box common = intersect({piece.offset, piece.size}, part);
      if (common.empty()) continue;
      Piece moved = piece;
      moved.offset = common.offset;
      moved.size = common.size;
      for (std::size_t d = 0; d < common.offset.size(); ++d) {
        moved.at += (common.offset[d] - piece.offset[d]) * piece.strides[d];
      }
      moved.offset[dim] = moved.offset[dim] - range.first + to;
      slice.pieces.push_back(std::move(moved));
    }
    to += range.size;
  }
  slice.shape[dim] = to;
  return slice;
}

std::vector<std::vector<std::uint64_t>> shard_widths(const UnionRule& rule, std::uint64_t ranks) {
  std::vector<std::vector<std::uint64_t>> widths;
  for (const std::uint64_t width : rule.widths) {
    widths.emplace_back();
    for (std::uint64_t rank = 0; rank < ranks; ++rank) {
      const auto [first, last] = chunk(width, rank, ranks);
      widths.back().push_back(last - first);
    }
  }
  return widths;
}

}  // namespace stateutils::ckpt
