// Union: slices of tensor-parallel ranks -> one parameter (Universal Checkpointing, section 3).
#include <algorithm>

#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/plan/computed.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/ucp/patterns.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

[[noreturn]] void fail_union(const Tensor& tensor, const std::string& message) {
  throw core::Error(core::Category::kInput, "tensor " + core::quoted(tensor.name) + ": " + message);
}

// Rows [from, from + size) along `dim` of a rank's slice lie at `to` of the logical tensor.
struct Placement {
  std::size_t rank, dim;
  std::uint64_t from, to, size;
};

void place(Tensor& joined, const Tensor& slice, const Placement& placement) {
  Box part{Shape(slice.shape.size(), 0), slice.shape};
  if (!slice.shape.empty()) {
    part.offset[placement.dim] = placement.from;
    part.size[placement.dim] = placement.size;
  }
  for (const Piece& piece : slice.pieces) {
    const Box common = intersect({piece.offset, piece.size}, part);
    if (common.empty()) continue;
    Piece moved = piece;
    moved.offset = common.offset;
    moved.size = common.size;
    for (std::size_t d = 0; d < common.offset.size(); ++d) {
      moved.at += (common.offset[d] - piece.offset[d]) * piece.strides[d];
    }
    if (!common.offset.empty()) {
      moved.offset[placement.dim] = moved.offset[placement.dim] - placement.from + placement.to;
    }
    joined.pieces.push_back(std::move(moved));
  }
}

// ((0 + s0) + s1 + ...) / n, every step rounded to the stored type.
class AverageFile final : public ComputedFile {
 public:
  AverageFile(std::vector<ByteFilePtr> parts, DType dtype, std::uint64_t elements, std::string name)
      : ComputedFile(dtype, elements, std::move(name)), parts_(std::move(parts)), dtype_(dtype) {}
  [[nodiscard]] const char* operation() const override { return "average"; }

 private:
  void compute(std::uint64_t first, std::size_t count, char* out) const override {
    const std::uint64_t item = item_bytes(dtype_);
    std::vector<double> sum(count), part(count);
    for (const ByteFilePtr& file : parts_) {
      file->read_at(first * item, out, count * item);
      to_doubles(dtype_, out, part);
      for (std::size_t i = 0; i < count; ++i) sum[i] += part[i];
      round(sum, out);
    }
    for (double& value : sum) value /= static_cast<double>(parts_.size());
    round(sum, out);
  }
  void round(std::vector<double>& values, char* bytes) const {
    from_doubles(dtype_, values, bytes, Overflow::kSpecial);
    to_doubles(dtype_, bytes, values);
  }

  std::vector<ByteFilePtr> parts_;
  DType dtype_;
};

void average(Tensor& joined, const std::vector<Tensor>& slices) {
  if (slices.size() == 1) {
    joined.pieces = slices[0].pieces;
    return;
  }
  if (!is_floating(joined.dtype)) fail_union(joined, "a tensor to average that is not floating");
  std::vector<ByteFilePtr> parts;
  for (const Tensor& slice : slices) parts.push_back(tensor_file(slice));
  joined.pieces = {dense_piece(
      joined.dtype, joined.shape,
      std::make_shared<AverageFile>(std::move(parts), joined.dtype, joined.elements(), joined.name),
      0)};
}

void same_shapes(const Tensor& joined, const std::vector<Tensor>& slices) {
  for (const Tensor& slice : slices) {
    if (slice.shape != joined.shape) fail_union(joined, "the shapes of the ranks differ");
  }
}

// Slices differ in one dimension only.
void check_others(const Tensor& joined, const std::vector<Tensor>& slices, std::size_t dim) {
  for (const Tensor& slice : slices) {
    if (slice.shape.size() != joined.shape.size() || dim >= slice.shape.size()) {
      fail_union(joined, "the ranks' slices cannot be joined on dimension " + std::to_string(dim));
    }
    for (std::size_t d = 0; d < joined.shape.size(); ++d) {
      if (d != dim && slice.shape[d] != joined.shape[d])
        fail_union(joined, "the shapes of the ranks differ");
    }
  }
}

// The width of every sub-parameter on every rank: [sub-parameter][rank].
std::vector<std::vector<std::uint64_t>> sub_widths(const Tensor& joined,
                                                   const std::vector<Tensor>& slices,
                                                   const UnionRule& rule) {
  const std::size_t ranks = slices.size();
  if (!rule.shards.empty() && rule.shards.front().size() == ranks) return rule.shards;
  std::vector<std::vector<std::uint64_t>> widths;
  if (rule.equal_parts > 0) {
    for (std::uint64_t part = 0; part < rule.equal_parts; ++part) {
      widths.emplace_back();
      for (const Tensor& slice : slices) {
        const std::uint64_t rows = slice.shape[rule.partition_dim];
        if (rows % rule.equal_parts != 0)
          fail_union(joined, "the slice is not divisible into its sub-parameters");
        widths.back().push_back(rows / rule.equal_parts);
      }
    }
    return widths;
  }
  for (const std::uint64_t width : rule.widths) {
    if (width % ranks != 0)
      fail_union(joined, "a sub-parameter of " + std::to_string(width) +
                             " rows is not divisible by the ranks");
    widths.emplace_back(ranks, width / ranks);
  }
  return widths;
}

std::vector<Placement> sub_param_placements(Tensor& joined, const std::vector<Tensor>& slices,
                                            const UnionRule& rule) {
  const std::size_t dim = rule.partition_dim;
  check_others(joined, slices, dim);
  const auto widths = sub_widths(joined, slices, rule);
  std::vector<Placement> placements;
  std::vector<std::uint64_t> from(slices.size(), 0);
  std::uint64_t to = 0;
  for (const auto& sub : widths) {
    if (sub.size() != slices.size())
      fail_union(joined, "sub_param_shard_widths do not name every rank");
    for (std::size_t r = 0; r < slices.size(); ++r) {
      placements.push_back({r, dim, from[r], to, sub[r]});
      from[r] += sub[r];
      to += sub[r];
    }
  }
  for (std::size_t r = 0; r < slices.size(); ++r) {
    if (from[r] != slices[r].shape[dim])
      fail_union(joined, "the sub-parameters do not fill the slice of rank " + std::to_string(r));
  }
  joined.shape[dim] = to;
  return placements;
}

std::vector<Placement> concatenation(Tensor& joined, const std::vector<Tensor>& slices,
                                     std::size_t dim, std::uint64_t parts) {
  if (joined.shape.empty() && slices.size() == 1) return {{0, 0, 0, 0, 0}};
  check_others(joined, slices, dim);
  std::vector<Placement> placements;
  std::uint64_t to = 0;
  for (std::uint64_t part = 0; part < parts; ++part) {
    for (std::size_t r = 0; r < slices.size(); ++r) {
      const std::uint64_t rows = slices[r].shape[dim];
      if (rows % parts != 0) fail_union(joined, "an odd number of rows cannot be two halves");
      placements.push_back({r, dim, part * (rows / parts), to, rows / parts});
      to += rows / parts;
    }
  }
  joined.shape[dim] = to;
  return placements;
}

// StripPadding: rows past the vocabulary belong to no token.
void strip_vocabulary(Tensor& tensor, std::uint64_t rows) {
  if (tensor.shape.empty() || tensor.shape[0] <= rows) return;
  tensor.shape[0] = rows;
  for (auto* list : {&tensor.pieces, &tensor.replicas}) {
    for (Piece& piece : *list) {
      piece.size[0] = piece.offset[0] >= rows ? 0 : std::min(piece.size[0], rows - piece.offset[0]);
      if (piece.size[0] == 0) piece.offset[0] = 0;
    }
    std::erase_if(*list, [](const Piece& piece) { return piece.size[0] == 0; });
  }
}

}  // namespace

Tensor join_slices(const std::vector<Tensor>& slices, const UnionRule& rule,
                   std::optional<std::uint64_t> original_vocab_size) {
  Tensor joined = slices.front();
  joined.pieces.clear();
  joined.replicas.clear();
  joined.attributes.clear();
  std::vector<Placement> placements;
  switch (rule.kind) {
    case Union::kReplicated:
      same_shapes(joined, slices);
      joined.pieces = slices.front().pieces;
      for (std::size_t r = 1; r < slices.size(); ++r) {
        joined.replicas.insert(joined.replicas.end(), slices[r].pieces.begin(),
                               slices[r].pieces.end());
      }
      break;
    case Union::kAverage:
      same_shapes(joined, slices);
      average(joined, slices);
      break;
    case Union::kTwoHalves:
      placements = concatenation(joined, slices, 0, 2);
      joined.attributes = {{"cat_dim", "0"}, {"param_n_sub_params", "2"}};
      break;
    case Union::kSubParams:
      placements = sub_param_placements(joined, slices, rule);
      joined.attributes = {{"sub_param_shape", rule.sub_param_shape}};
      break;
    case Union::kRows:
      placements = concatenation(joined, slices, 1, 1);
      joined.attributes = {{"cat_dim", "1"}};
      break;
    case Union::kColumns:
      placements = concatenation(joined, slices, 0, 1);
      joined.attributes = {{"cat_dim", "0"}};
      break;
  }
  for (const Placement& placement : placements) place(joined, slices[placement.rank], placement);
  if (rule.vocabulary) {
    joined.attributes.emplace_back("vocab_tensor", "true");
    if (original_vocab_size) strip_vocabulary(joined, *original_vocab_size);
  }
  return joined;
}

}  // namespace stateutils::ckpt
