#include "ckpt/formats/deepspeed.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "ckpt/formats/deepspeed_experts.hpp"
#include "ckpt/formats/deepspeed_files.hpp"
#include "ckpt/formats/torch_file.hpp"
#include "ckpt/plan/flat.hpp"
#include "ckpt/ucp/patterns.hpp"
#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;

// One state of one parameter on one rank, with its fragments in slice coordinates.
using Slices = std::map<std::pair<std::uint64_t, std::uint64_t>, Tensor>;  // (pp, tp) -> slice

struct Parameter {
  std::map<std::string, Slices> states;  // "param", "fp32", "exp_avg" ...
  int group = -1;
};

class DeepspeedReader {
 public:
  DeepspeedReader(const std::string& folder, const ReadOptions& options)
      : options_(options), layout_(list_deepspeed_files(resolve_deepspeed_tag(folder))) {
    catalogue_.format = "deepspeed";
    catalogue_.source = folder;
  }

  Catalogue run() {
    if (layout_.models.empty()) fail("no model_states files in this folder");
    read_first();
    check_grid();
    for (const auto& [key, name] : layout_.models) {
      if (key.dp == 0) read_model(key, name);
      if (layout_.zero3) read_low_precision(key, name);
    }
    for (const auto& [name, loose] : layout_.loose) read_loose(name, loose);
    for (const auto& [key, name] : layout_.optimizers) read_optimizer(key, name);
    for (const auto& [rank, name] : layout_.expert_optimizers) {
      experts_.add_optimizer(*open(name), rank);
    }
    join();
    keep_training();
    return std::move(catalogue_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({layout_.folder}, message);
  }
  [[nodiscard]] std::unique_ptr<TorchFile> open(const std::string& name) {
    const std::string path = layout_.folder + '/' + name;
    auto file = std::make_unique<TorchFile>(plain_file(path), options_);
    catalogue_.files.push_back(path);
    catalogue_.sums.insert(catalogue_.sums.end(), file->sums().begin(), file->sums().end());
    catalogue_.findings.insert(catalogue_.findings.end(), file->findings().begin(),
                               file->findings().end());
    return file;
  }

  // What another training checkpoint needs beside the tensors.
  void keep_training() {
    auto kept = std::make_shared<Training>();
    kept->model = std::make_shared<TorchFile>(
        plain_file(layout_.folder + '/' + layout_.models.begin()->second), options_);
    if (!layout_.optimizers.empty()) {
      const std::string& name = layout_.optimizers.begin()->second;
      kept->optimizer =
          std::make_shared<TorchFile>(plain_file(layout_.folder + '/' + name), options_);
      kept->bf16 = name.starts_with("bf16_");
    }
    for (const auto& [key, name] : layout_.models) {
      kept->model_files.emplace_back(name, layout_.folder + '/' + name);
    }
    kept->patterns = std::make_shared<UcpPatterns>(std::move(patterns_));
    kept->zero3 = layout_.zero3;
    catalogue_.training = std::move(kept);
  }

  // Degrees and patterns stand in every model file; the first one speaks for all.
  void read_first() {
    const TorchFile file(plain_file(layout_.folder + '/' + layout_.models.begin()->second),
                         options_);
    std::uint64_t ranks = 0;
    for (const auto& [key, name] : layout_.models) ranks = std::max(ranks, key.mp + 1);
    tp_ = ranks;
    const auto of_layer = [](const auto& entry) { return !entry.second.prefix.empty(); };
    if (std::ranges::any_of(layout_.loose, of_layer)) {
      tp_ = 1;
      for (const auto& [name, loose] : layout_.loose) {
        if (!loose.prefix.empty()) tp_ = std::max(tp_, loose.tp + 1);
      }
      pp_ = std::max<std::uint64_t>(1, ranks / tp_);
    }
    if (const Object* dims = file.heap().find(file.root(), "checkpoint_parallel_dimensions")) {
      if (const Object* tp = file.heap().find(*dims, "tp_degree")) tp_ = as_size(*tp).value_or(tp_);
      if (const Object* pp = file.heap().find(*dims, "pp_degree")) pp_ = as_size(*pp).value_or(1);
    }
    if (tp_ == 0 || pp_ == 0 || tp_ > 65536 || pp_ > 65536)
      fail("the parallel degrees are out of range");
    for (const auto& [key, name] : layout_.optimizers) dp_ = std::max(dp_, key.dp + 1);
    experts_.describe(file);
    const Object* step = file.heap().find(file.root(), "iteration");
    if (step == nullptr) step = file.heap().find(file.root(), "global_steps");
    if (step != nullptr) catalogue_.degrees.step = as_size(*step);
    catalogue_.degrees.tp = tp_;
    catalogue_.degrees.pp = pp_;
    catalogue_.degrees.dp = dp_;
    const Object* info = file.heap().find(file.root(), "universal_checkpoint_info");
    if (!options_.patterns.empty()) {
      patterns_ = UcpPatterns::load(options_.patterns);
    } else if (info != nullptr && info->kind == Kind::kDict) {
      const Ref ref = ref_of(file, "universal_checkpoint_info");
      patterns_ = UcpPatterns::parse(value_json(file.heap(), ref), file.name());
    } else if (tp_ > 1) {
      fail("tensor parallelism without universal_checkpoint_info needs --patterns");
    }
  }
  static Ref ref_of(const TorchFile& file, std::string_view key) {
    const Object& root = file.root();
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      if (file.heap().item(root, i).text == key) return root.items[i + 1];
    }
    return 0;
  }

  void check_grid() {
    for (std::uint64_t mp = 0; mp < tp_ * pp_; ++mp) {
      if (!layout_.models.contains({mp, 0})) missing("model", mp, 0);
      for (std::uint64_t d = 0; d < dp_; ++d) {
        if (!layout_.optimizers.empty() && !layout_.optimizers.contains({mp, d}))
          missing("optimizer", mp, d);
      }
    }
  }
  void missing(const std::string& what, std::uint64_t mp, std::uint64_t dp) {
    catalogue_.findings.push_back({"grid", "",
                                   "the " + what + " file of model-parallel rank " +
                                       std::to_string(mp) + ", data-parallel rank " +
                                       std::to_string(dp) + " is missing"});
  }

  Parameter& parameter(const std::string& name) {
    const auto [found, fresh] = parameters_.try_emplace(name);
    if (fresh) order_.push_back(name);
    return found->second;
  }

  void read_model(const FileKey& key, const std::string& name) {
    const auto file = open(name);
    const Heap& heap = file->heap();
    auto& groups = shapes_[key.mp];
    if (const Object* shapes = heap.find(file->root(), "param_shapes")) {
      for (const Ref ref : shapes->items) groups.push_back(shape_group(*file, heap.at(ref)));
    }
    std::set<std::string_view> buffers;
    if (const Object* names = heap.find(file->root(), "buffer_names")) {
      for (const Ref ref : names->items) buffers.insert(heap.at(ref).text);
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const auto& [parameter_name, shape] : groups[g]) {
        parameter(parameter_name).group = static_cast<int>(g);
      }
    }
    const Object* module = heap.find(file->root(), "module");
    if (module == nullptr || module->kind != Kind::kDict) return;
    for (std::size_t i = 0; i + 1 < module->items.size(); i += 2) {
      const Object& value = heap.item(*module, i + 1);
      if (value.kind != Kind::kTensor) continue;
      const std::string tensor_name = key_text(heap, module->items[i]);
      Tensor tensor = file->tensor(value, tensor_name);
      // ZeRO 3 leaves empty placeholders for partitioned parameters.
      if (layout_.zero3 && tensor.elements() == 0 && !buffers.contains(tensor_name)) continue;
      const char* state = buffers.contains(tensor_name) ? "buffer" : "param";
      parameter(tensor_name).states[state][{key.mp / tp_, key.mp % tp_}] = std::move(tensor);
    }
  }

  void read_loose(const std::string& name, const LooseFile& loose) {
    const auto file = open(name);
    const Object& root = file->root();
    if (root.kind != Kind::kDict) fail(name + ": no dict of tensors");
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const Object& value = file->heap().item(root, i + 1);
      if (value.kind != Kind::kTensor) continue;
      const std::string tensor_name = loose.prefix + key_text(file->heap(), root.items[i]);
      if (loose.expert &&
          experts_.add_weight(tensor_name, *loose.expert, file->tensor(value, tensor_name)))
        continue;
      parameter(tensor_name).states["param"][{0, loose.tp}] = file->tensor(value, tensor_name);
    }
  }

  // What plan_deepspeed() keeps beside the placeholders of a ZeRO 3 target.
  void read_low_precision(const FileKey& key, const std::string& name) {
    const TorchFile file(plain_file(layout_.folder + '/' + name), options_);
    const Object* groups = file.heap().find(file.root(), "low_precision_flat_groups");
    const auto shapes = shapes_.find(key.mp);
    if (groups == nullptr || shapes == shapes_.end()) return;
    if (key.dp > 0) {
      catalogue_.files.push_back(file.name());
      catalogue_.sums.insert(catalogue_.sums.end(), file.sums().begin(), file.sums().end());
    }
    for (std::size_t g = 0; g < groups->items.size() && g < shapes->second.size(); ++g) {
      const Object& flat = file.heap().item(*groups, g);
      if (flat.kind != Kind::kTensor) fail(name + ": a low-precision group is no tensor");
      add_group(file, key, zero3_fragments(shapes->second[g], key.dp),
                {{"param", file.tensor(flat, "param")}});
    }
  }

  using ShapeGroup = std::vector<std::pair<std::string, Shape>>;
  ShapeGroup shape_group(const TorchFile& file, const Object& map) const {
    ShapeGroup group;
    if (map.kind != Kind::kDict) fail("param_shapes is no list of maps");
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
      auto shape = as_shape(file.heap(), file.heap().item(map, i + 1));
      const std::string name = key_text(file.heap(), map.items[i]);
      const Experts::Share* share = experts_.share_of(name);
      if (shape && share != nullptr && !shape->empty() && shape->front() == share->local)
        shape->front() = share->experts;
      if (!shape || !element_count(*shape)) fail("a shape in param_shapes is malformed");
      group.emplace_back(name, std::move(*shape));
    }
    return group;
  }
  [[nodiscard]] const Shape* shape_of(std::uint64_t mp, const std::string& name) const {
    const auto ranks = shapes_.find(mp);
    if (ranks == shapes_.end()) return nullptr;
    for (const ShapeGroup& group : ranks->second) {
      for (const auto& [known, shape] : group) {
        if (known == name) return &shape;
      }
    }
    return nullptr;
  }

  void read_optimizer(const FileKey& key, const std::string& name) {
    const auto file = open(name);
    const Heap& heap = file->heap();
    const Object* state = heap.find(file->root(), "optimizer_state_dict");
    if (state == nullptr) fail(name + ": no optimizer_state_dict");
    if (layout_.zero3) {
      read_zero3(*file, *state, key);
    } else {
      read_zero12(*file, *state, key);
    }
  }

  // The fragment [start, start + numel) of flat data holds elements [done, done + numel) of `name`.
  struct Fragment {
    std::string name;
    std::uint64_t start, numel, done;
  };
  // A flat group: its state tensors by name and the fragments in it.
  void add_group(const TorchFile& file, const FileKey& key, const std::vector<Fragment>& fragments,
                 const std::map<std::string, Tensor>& states) {
    for (const Fragment& fragment : fragments) {
      const Shape* shape = shape_of(key.mp, fragment.name);
      if (shape == nullptr)
        fail(file.name() + ": parameter " + core::quoted(fragment.name) +
             " has no shape in param_shapes");
      if (fragment.done + fragment.numel > *element_count(*shape)) {
        fail(file.name() + ": the fragments of " + core::quoted(fragment.name) +
             " are larger than its shape");
      }
      for (const auto& [state, flat] : states) {
        Tensor& slice = parameter(fragment.name).states[state][{key.mp / tp_, key.mp % tp_}];
        if (flat.shape.empty()) {  // one value for the whole group: the step
          slice = flat;
          continue;
        }
        if (slice.shape.empty() && slice.pieces.empty()) {
          slice.dtype = flat.dtype;
          slice.shape = *shape;
        }
        add_fragment(slice, flat, fragment);
      }
    }
  }
  void add_fragment(Tensor& slice, const Tensor& flat, const Fragment& fragment) const {
    if (flat.shape.size() != 1 || fragment.start + fragment.numel > flat.shape[0]) {
      fail("a fragment of " + core::quoted(fragment.name) + " passes the end of its partition");
    }
    const Piece& base = flat.pieces.front();
    const std::uint64_t step = base.strides[0];
    for (const FlatBox& box : flat_boxes(slice.shape, fragment.done, fragment.numel)) {
      Piece piece{.offset = box.box.offset, .size = box.box.size, .file = base.file};
      piece.at = base.at + (fragment.start + (box.first - fragment.done)) * step;
      piece.strides = dense_strides(box.box.size, step);
      slice.pieces.push_back(std::move(piece));
    }
  }

  // State tensors of group g below `holder`: a dict {g: {exp_avg: ...}}.
  std::map<std::string, Tensor> group_states(const TorchFile& file, const Object& optimizer,
                                             std::size_t g) const {
    const Heap& heap = file.heap();
    std::map<std::string, Tensor> states;
    const Object* all = heap.find(optimizer, "state");
    if (all != nullptr && all->kind == Kind::kDict) {
      for (std::size_t i = 0; i + 1 < all->items.size(); i += 2) {
        if (as_size(heap.item(*all, i)) != g) continue;
        const Object& group = heap.item(*all, i + 1);
        for (std::size_t k = 0; k + 1 < group.items.size() && group.kind == Kind::kDict; k += 2) {
          const std::string name = key_text(heap, group.items[k]);
          const Object& value = heap.item(group, k + 1);
          if (value.kind == Kind::kTensor) {
            states.emplace(name, file.tensor(value, name));
          } else if (name == "step") {
            add_step(states, value);
          }
        }
      }
    }
    const Object* groups = heap.find(optimizer, "param_groups");
    if (!states.contains("step") && groups != nullptr && g < groups->items.size()) {
      if (const Object* step = heap.find(heap.item(*groups, g), "step")) add_step(states, *step);
    }
    return states;
  }
  static void add_step(std::map<std::string, Tensor>& states, const Object& value) {
    const auto number = as_integer(value);
    if (!number) return;
    const std::int64_t step = *number;
    std::string bytes(reinterpret_cast<const char*>(&step), sizeof step);
    states.emplace(
        "step", dense_tensor("step", DType::kI64, {}, memory_file(std::move(bytes), "(step)"), 0));
  }

  void read_zero12(const TorchFile& file, const Object& state, const FileKey& key) {
    const Heap& heap = file.heap();
    const Object* flat = heap.find(state, "single_partition_of_fp32_groups");
    const Object* base = heap.find(state, "base_optimizer_state");
    const Object* mappings = heap.find(state, "param_slice_mappings");
    if (flat == nullptr || mappings == nullptr)
      fail(file.name() + ": no fp32 partitions or slice mappings");
    if (const Object* stage = heap.find(state, "zero_stage");
        stage != nullptr && !catalogue_.degrees.zero_stage) {
      catalogue_.degrees.zero_stage = zero_stage(heap, *stage);
    }
    for (std::size_t g = 0; g < mappings->items.size() && g < flat->items.size(); ++g) {
      std::map<std::string, Tensor> states;
      if (base != nullptr) states = group_states(file, *base, g);
      states.emplace("fp32", file.tensor(heap.item(*flat, g), "fp32"));
      add_group(file, key, fragments_of(file, heap.item(*mappings, g), key), states);
    }
  }
  static std::uint64_t zero_stage(const Heap& heap, const Object& value) {
    if (const auto number = as_size(value)) return *number;
    if (value.kind == Kind::kRecord && !value.items.empty()) {
      const Object& member = heap.item(value, 0);
      if (const auto number = as_size(member)) return *number;
      if (member.text == "optimizer_states") return 1;
      if (member.text == "gradients") return 2;
      if (member.text == "weights") return 3;
    }
    return 0;
  }

  // Fragments in increasing data-parallel rank concatenate to the flat slice.
  std::vector<Fragment> fragments_of(const TorchFile& file, const Object& mapping,
                                     const FileKey& key) {
    const Heap& heap = file.heap();
    std::vector<Fragment> fragments;
    for (std::size_t i = 0; i + 1 < mapping.items.size() && mapping.kind == Kind::kDict; i += 2) {
      const Object& address = heap.item(mapping, i + 1);
      const auto field = [&](std::string_view name,
                             std::size_t position) -> std::optional<std::uint64_t> {
        if (const Object* value = heap.find(address, name)) return as_size(*value);
        if (position < address.items.size()) return as_size(heap.item(address, position));
        return std::nullopt;
      };
      const auto numel = field("numel", 0), start = field("start", 1);
      if (!numel || !start) fail(file.name() + ": a fragment address is malformed");
      const std::string name = key_text(heap, mapping.items[i]);
      const auto [rank, first] = expert_share(key, name);
      std::uint64_t& done = progress_[{key.mp, rank, name}];
      fragments.push_back({name, *start, *numel, first + done});
      done += *numel;
    }
    return fragments;
  }

  // The expert-parallel rank whose experts a data-parallel rank holds, and their first element.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> expert_share(
      const FileKey& key, const std::string& name) const {
    const Experts::Share* share = experts_.share_of(name);
    const Shape* shape = share == nullptr ? nullptr : shape_of(key.mp, name);
    if (shape == nullptr) return {0, 0};
    const std::uint64_t rank = key.dp % share->ranks;
    return {rank, rank * (*element_count(*shape) / share->ranks)};
  }

  // Every parameter is cut alone: ceil(numel / dp) elements per rank at a running offset.
  [[nodiscard]] std::vector<Fragment> zero3_fragments(const ShapeGroup& group,
                                                      std::uint64_t rank) const {
    std::vector<Fragment> fragments;
    std::uint64_t start = 0;
    for (const auto& [name, shape] : group) {
      const std::uint64_t numel = *element_count(shape), part = (numel + dp_ - 1) / dp_;
      const std::uint64_t first = std::min(numel, rank * part);
      const std::uint64_t count = std::min(part, numel - first);
      if (count > 0) fragments.push_back({name, start, count, first});
      start += part;
    }
    return fragments;
  }
  void read_zero3(const TorchFile& file, const Object& state, const FileKey& key) {
    const Heap& heap = file.heap();
    const Object* flat = heap.find(state, "fp32_flat_groups");
    const Object* base = heap.find(state, "optimizer_state_dict");
    if (flat == nullptr) fail(file.name() + ": no fp32_flat_groups");
    catalogue_.degrees.zero_stage = 3;
    const auto groups = shapes_.find(key.mp);
    if (groups == shapes_.end()) return;
    for (std::size_t g = 0; g < flat->items.size() && g < groups->second.size(); ++g) {
      std::map<std::string, Tensor> states;
      if (base != nullptr) states = group_states(file, *base, g);
      states.emplace("fp32", file.tensor(heap.item(*flat, g), "fp32"));
      add_group(file, key, zero3_fragments(groups->second[g], key.dp), states);
    }
  }

  // Slices of all ranks -> catalogue entries.
  void join() {
    for (const std::string& name : order_) {
      Parameter& found = parameters_.at(name);
      UnionRule rule = patterns_.rule_for(name, catalogue_.findings);
      if (layout_.zero3 && tp_ == 1) rule.vocabulary = false;  // DeepSpeed keeps the padding here
      for (auto& [state, slices] : found.states) join_state(name, state, slices, rule, found.group);
    }
    for (Tensor& tensor : catalogue_.tensors) experts_.mark(tensor);
    for (Tensor& tensor : experts_.stacked(catalogue_.findings)) {
      catalogue_.tensors.push_back(std::move(tensor));
    }
    if (options_.strict) {
      for (Finding& finding : patterns_.unused()) catalogue_.findings.push_back(std::move(finding));
    }
    check_unique_names(catalogue_);
  }
  void join_state(const std::string& name, const std::string& state, Slices& slices,
                  const UnionRule& rule, int group) {
    const std::uint64_t stage = slices.begin()->first.first;
    const bool scalar_state = state == "step";
    std::vector<Tensor> ranks;
    for (std::uint64_t tp = 0; tp < tp_; ++tp) {
      auto slice = slices.find({stage, tp});
      if (slice == slices.end()) {
        // A rank whose share has no rows writes no fragment.
        const Shape* shape = shape_of(stage * tp_ + tp, name);
        if (shape != nullptr && element_count(*shape) == 0) {
          ranks.push_back({.name = name, .dtype = slices.begin()->second.dtype, .shape = *shape});
          continue;
        }
        catalogue_.findings.push_back(
            {"grid", name,
             "the slice of tensor-parallel rank " + std::to_string(tp) + " is missing"});
        return;
      }
      slice->second.name = name;
      ranks.push_back(slice->second);
      if (scalar_state) break;
    }
    const UnionRule whole{.kind = Union::kReplicated};
    Tensor joined = join_slices(ranks, scalar_state || state == "buffer" ? whole : rule,
                                patterns_.original_vocab_size());
    for (const auto& [rank, slice] : slices) {
      if (rank.first != stage && !scalar_state) add_stage_replica(joined, slices, rank, rule);
    }
    const auto role = role_from_name(state);
    joined.role = role.value_or(Role::kOther);
    joined.parameter = name;
    joined.group = group;
    joined.name = state == "param" || state == "buffer" ? name : name + '.' + state;
    catalogue_.tensors.push_back(std::move(joined));
  }
  // The copy that a later pipeline stage holds must equal the first one.
  void add_stage_replica(Tensor& joined, const Slices& slices,
                         const std::pair<std::uint64_t, std::uint64_t>& rank,
                         const UnionRule& rule) const {
    if (rank.second != 0) return;
    std::vector<Tensor> ranks;
    for (std::uint64_t tp = 0; tp < tp_; ++tp) {
      const auto slice = slices.find({rank.first, tp});
      if (slice == slices.end()) return;
      ranks.push_back(slice->second);
    }
    const Tensor copy = join_slices(ranks, rule, patterns_.original_vocab_size());
    if (copy.shape != joined.shape)
      fail("tensor " + core::quoted(joined.name) + ": the pipeline stages differ in shape");
    joined.replicas.insert(joined.replicas.end(), copy.pieces.begin(), copy.pieces.end());
  }

  ReadOptions options_;
  DeepspeedFiles layout_;
  Catalogue catalogue_;
  UcpPatterns patterns_;
  std::uint64_t tp_ = 1, pp_ = 1, dp_ = 1;
  std::map<std::uint64_t, std::vector<ShapeGroup>> shapes_;  // model-parallel rank -> groups
  std::unordered_map<std::string, Parameter> parameters_;
  std::vector<std::string> order_;
  // Elements read so far by model-parallel rank, expert-parallel rank and parameter.
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::string>, std::uint64_t> progress_;
  Experts experts_;
};

}  // namespace

bool is_deepspeed_folder(const std::string& folder) {
  std::error_code failed;
  if (fs::is_regular_file(folder + "/latest", failed))
    return !list_deepspeed_files(resolve_deepspeed_tag(folder)).models.empty();
  const DeepspeedFiles layout = list_deepspeed_files(folder);
  return !layout.models.empty() && !fs::is_directory(folder + "/zero", failed);
}

Catalogue open_deepspeed(const std::string& folder, const ReadOptions& options) {
  return DeepspeedReader(folder, options).run();
}

}  // namespace stateutils::ckpt
