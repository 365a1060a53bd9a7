// Flat files per rank of a parallel layout, and the layout file that makes them one checkpoint.
#include <algorithm>
#include <cstdio>
#include <set>
#include <unordered_map>

#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/reshard.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/ucp/layout.hpp"
#include "ckpt/ucp/slice.hpp"
#include "ckpt/ucp/stages.hpp"
#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

// The tensors of one file, in its own coordinates.
struct RankFile {
  std::string name;
  std::vector<Tensor> tensors{};
};

std::vector<OutputPlan> plan_files(const std::vector<RankFile>& files, const Layout& layout,
                                   const std::string& format, const WriteOptions& options,
                                   const Catalogue& catalogue) {
  std::vector<OutputPlan> plans;
  for (const RankFile& file : files) {
    Target target{.tensors = {}, .metadata = catalogue.metadata};
    for (const Tensor& tensor : file.tensors) {
      check_cover(tensor);
      target.tensors.push_back({.name = tensor.name,
                                .dtype = tensor.dtype,
                                .shape = tensor.shape,
                                .bytes = tensor_file(tensor)});
    }
    WriteOptions one = options;
    one.max_shard_size = 0;
    one.folder = false;
    one.root = file_stem(file.name);
    plans.push_back(std::move(plan_format(format, target, one).front()));
    plans.back().name = file.name;
  }
  OutputPlan index{.name = kLayoutName, .closing = true};
  index.literal(layout_text(layout));
  plans.push_back(std::move(index));
  return plans;
}

class RankPlanner {
 public:
  RankPlanner(const Catalogue& catalogue, const ReshardTarget& target, const std::string& format)
      : catalogue_(catalogue), target_(target), patterns_(patterns_for(catalogue, target)) {
    const bool swiglu = catalogue.training && catalogue.training->swiglu;
    std::vector<Finding> findings;
    std::vector<StageItem> items;
    for (const Tensor& tensor : catalogue.tensors) {
      const std::string& name = tensor.parameter.empty() ? tensor.name : tensor.parameter;
      UnionRule rule = rule_of(*patterns_, swiglu, name, findings);
      if (tensor.role == Role::kStep || tensor.role == Role::kBuffer)
        rule.kind = Union::kReplicated;
      const int by_rank = tensor.shape.size() >= 2 ? 0 : 1;
      items.push_back({.name = name,
                       .group = tensor.group >= 0 ? tensor.group : by_rank,
                       .vocabulary = rule.vocabulary,
                       .pipeline_replicated = rule.pipeline_replicated,
                       .early = is_early(catalogue, name)});
      rules_.push_back(std::move(rule));
      layout_.push_back({.name = tensor.name, .shape = tensor.shape});
    }
    if (!findings.empty()) {
      throw core::Error(core::Category::kInput,
                        "tensor " + core::quoted(findings[0].tensor) + ": " + findings[0].detail);
    }
    stages_ = assign_stages(items, target.pp, target.pp_split);
    suffix_ = format == "pt" ? ".pt" : ".safetensors";
  }

  std::vector<RankFile> files() {
    std::vector<RankFile> files;
    for (std::uint64_t stage = 0; stage < target_.pp; ++stage) {
      for (std::uint64_t tp = 0; tp < target_.tp; ++tp) {
        char name[64];
        std::snprintf(name, sizeof name, "mp_rank_%02llu",
                      static_cast<unsigned long long>(stage * target_.tp + tp));
        RankFile file{.name = name + suffix_};
        for (const std::size_t i : stages_.members[stage]) add(file, i, tp);
        files.push_back(std::move(file));
      }
    }
    return files;
  }
  [[nodiscard]] const Layout& layout() const { return layout_; }

 private:
  void add(RankFile& file, std::size_t i, std::uint64_t tp) {
    const Tensor& whole = catalogue_.tensors[i];
    const UnionRule& rule = rules_[i];
    const bool cut = is_cut(rule, target_.tp) && !whole.shape.empty();
    const bool padded = rule.vocabulary && cut;
    const Tensor tensor = padded ? pad_vocabulary(whole, target_.vocab_pad * target_.tp) : whole;
    Tensor local = cut ? slice_for(tensor, rule, tp, target_.tp) : tensor;
    local.name = whole.name;
    std::vector<LayoutPiece>& pieces = layout_[i].pieces;
    LayoutPiece piece{.file = file.name, .name = whole.name};
    piece.at = Shape(whole.shape.size(), 0);
    piece.box = {piece.at, whole.shape};
    // The first file that holds the bytes has them, the others repeat them.
    const bool fresh = placed_.emplace(i, cut ? tp : 0).second;
    piece.kind = fresh ? LayoutKind::kSlice : LayoutKind::kReplica;
    if (!cut) {
      pieces.push_back(std::move(piece));
    } else {
      const std::size_t dim = cut_dim(rule);
      for (const SliceRange& range : slice_ranges(tensor, rule, tp, target_.tp)) {
        const std::uint64_t rows = whole.shape[dim];
        const std::uint64_t first = std::min(range.first, rows);
        piece.box.offset[dim] = first;
        piece.box.size[dim] = std::min(range.first + range.size, rows) - first;
        if (piece.box.size[dim] > 0 || (rows == 0 && pieces.empty())) pieces.push_back(piece);
        piece.at[dim] += range.size;
      }
    }
    file.tensors.push_back(std::move(local));
  }

  const Catalogue& catalogue_;
  const ReshardTarget& target_;
  std::shared_ptr<UcpPatterns> patterns_;
  std::vector<UnionRule> rules_;
  Stages stages_;
  Layout layout_;
  std::string suffix_;
  std::set<std::pair<std::size_t, std::uint64_t>> placed_;  // tensor, rank of its slice
};

// A file's tensor whose size follows from the pieces that a layout puts into it.
Tensor& local_tensor(std::vector<RankFile>& files, const LayoutPiece& piece, const Tensor& source) {
  auto file = std::ranges::find(files, piece.file, &RankFile::name);
  if (file == files.end()) file = files.insert(files.end(), {.name = piece.file});
  auto local = std::ranges::find(file->tensors, piece.name, &Tensor::name);
  if (local == file->tensors.end()) {
    local = file->tensors.insert(
        file->tensors.end(),
        {.name = piece.name, .dtype = source.dtype, .shape = Shape(source.shape.size(), 0)});
  }
  const bool fits = local->dtype == source.dtype && local->shape.size() == source.shape.size();
  if (!fits) {
    throw core::Error(core::Category::kInput, "tensor " + core::quoted(piece.name) + " of " +
                                                  piece.file + " has pieces of different types");
  }
  return *local;
}

void place(Tensor& local, const Tensor& source, const LayoutPiece& piece) {
  for (std::size_t d = 0; d < piece.at.size(); ++d) {
    local.shape[d] = std::max(local.shape[d], piece.at[d] + piece.box.size[d]);
  }
  for (const Piece& part : source.pieces) {
    const Box common = intersect({part.offset, part.size}, piece.box);
    if (common.empty()) continue;
    Piece moved = part;
    moved.size = common.size;
    for (std::size_t d = 0; d < common.offset.size(); ++d) {
      moved.at += (common.offset[d] - part.offset[d]) * part.strides[d];
      moved.offset[d] = common.offset[d] - piece.box.offset[d] + piece.at[d];
    }
    local.pieces.push_back(std::move(moved));
  }
}

}  // namespace

std::vector<OutputPlan> plan_ranks(const Catalogue& catalogue, const ReshardTarget& target,
                                   const std::string& format, const WriteOptions& options) {
  RankPlanner planner(catalogue, target, format);
  const std::vector<RankFile> files = planner.files();
  return plan_files(files, planner.layout(), format, options, catalogue);
}

std::vector<OutputPlan> plan_layout(const Catalogue& catalogue, const std::string& path,
                                    const std::string& format, const WriteOptions& options) {
  const Layout layout = read_layout(path);
  std::unordered_map<std::string, const Tensor*> by_name;
  for (const Tensor& tensor : catalogue.tensors) by_name.emplace(tensor.name, &tensor);
  std::vector<RankFile> files;
  for (const LayoutTensor& wanted : layout) {
    const auto found = by_name.find(wanted.name);
    if (found == by_name.end())
      throw core::input_error({path},
                              "tensor " + core::quoted(wanted.name) + " is not in the source");
    const Tensor& source = *found->second;
    if (source.shape != wanted.shape)
      throw core::input_error(
          {path}, "tensor " + core::quoted(wanted.name) + " has another shape in the source");
    for (const LayoutPiece& piece : wanted.pieces) {
      place(local_tensor(files, piece, source), source, piece);
    }
    by_name.erase(found);
  }
  if (!by_name.empty()) {
    throw core::input_error({path}, "tensor " + core::quoted(by_name.begin()->first) +
                                        " of the source has no place (--exclude leaves it out)");
  }
  return plan_files(files, layout, format, options, catalogue);
}

}  // namespace stateutils::ckpt
