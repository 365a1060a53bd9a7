#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "ckpt/formats/torch_pieces.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/ops/reshard.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "ckpt/ucp/slice.hpp"
#include "ckpt/ucp/stages.hpp"
#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

struct Param {
  std::string name;
  UnionRule rule;
  int group = 0;
  std::map<std::string, Tensor> states{};  // padded to the target's vocabulary
  bool low_is_cast = false;                // the low-precision copy follows from fp32
};

// One flat group on one model-parallel rank: the slices of its parameters, per state.
struct FlatGroup {
  std::vector<std::string> names;
  std::vector<std::uint64_t> numels;
  std::map<std::string, std::vector<ByteFilePtr>> bytes;  // state -> slices
  std::vector<ByteFilePtr> low{};  // low-precision slices that fp32 does not give, of one type
  DType low_dtype = DType::kF16;
  ByteFilePtr step;
  DType step_dtype = DType::kF32;
  std::uint64_t total = 0, padded = 0;
};

core::Error deepspeed_refused(const std::string& message) {
  return {core::Category::kInput, message};
}

// JSON as a pickle; the value of "shape" becomes tuples, as DeepSpeed expects it.
void write_json(PickleWriter& pickle, const nlohmann::json& value, bool tuples) {
  if (value.is_object()) {
    pickle.begin_dict();
    for (const auto& [key, item] : value.items()) {
      if (key == "class") continue;
      pickle.string(key);
      write_json(pickle, item, tuples || key == "shape");
    }
    pickle.end_dict();
  } else if (value.is_array()) {
    tuples ? pickle.begin_tuple() : pickle.begin_list();
    for (const nlohmann::json& item : value) write_json(pickle, item, tuples);
    tuples ? pickle.end_tuple() : pickle.end_list();
  } else if (value.is_string()) {
    pickle.string(value.get<std::string>());
  } else if (value.is_boolean()) {
    pickle.boolean(value.get<bool>());
  } else if (value.is_number_float()) {
    pickle.real(value.get<double>());
  } else if (value.is_number()) {
    pickle.integer(value.get<std::int64_t>());
  } else {
    pickle.none();
  }
}

class DeepspeedWriter {
 public:
  DeepspeedWriter(const Catalogue& catalogue, const ReshardTarget& target)
      : catalogue_(catalogue), target_(target), training_(catalogue.training.get()) {
    patterns_ = patterns_for(catalogue, target);
    if (target.zero == 3 && target.pp > 1) throw core::usage_error("ZeRO 3 has no pipeline stages");
  }

  std::vector<OutputPlan> run() {
    collect();
    assign();
    std::vector<OutputPlan> plans;
    for (std::uint64_t stage = 0; stage < target_.pp; ++stage) {
      for (std::uint64_t tp = 0; tp < target_.tp; ++tp) rank_files(stage, tp, plans);
    }
    return plans;
  }

 private:
  void collect() {
    std::vector<Finding> findings;
    std::unordered_map<std::string, std::size_t> index;
    for (const Tensor& tensor : catalogue_.tensors) {
      const std::string& name = tensor.parameter.empty() ? tensor.name : tensor.parameter;
      const auto [known, fresh] = index.emplace(name, params_.size());
      if (fresh)
        params_.push_back({.name = name, .rule = rule_of(*patterns_, swiglu(), name, findings)});
      Param& param = params_[known->second];
      const bool low = tensor.role == Role::kParam || tensor.role == Role::kBuffer;
      const std::string state =
          low ? std::string(role_name(tensor.role))
              : tensor.name.substr(std::min(tensor.name.size(), name.size() + 1));
      if (fresh) param.group = tensor.shape.size() >= 2 ? 0 : 1;
      if (tensor.group >= 0) param.group = tensor.group;
      const bool cut = param.rule.vocabulary && !tensor.shape.empty();
      param.states[state] = cut ? pad_vocabulary(tensor, target_.vocab_pad * target_.tp) : tensor;
    }
    if (!findings.empty())
      throw deepspeed_refused("tensor " + core::quoted(findings[0].tensor) + ": " +
                              findings[0].detail);
    for (Param& param : params_) complete(param);
    for (const Param& param : params_) groups_ = std::max(groups_, param.group + 1);
  }

  [[nodiscard]] bool swiglu() const { return training_ != nullptr && training_->swiglu; }

  // A parameter without fp32 state takes it from its values, and the other way round.
  void complete(Param& param) const {
    if (param.states.contains("buffer")) return;
    const auto cast = [&](const Tensor& from, DType to) {
      return dense_tensor(param.name, to, from.shape,
                          cast_file(tensor_file(from), from.dtype, to, Overflow::kSaturate), 0);
    };
    const auto low = param.states.find("param");
    const auto high = param.states.find("fp32");
    if (high == param.states.end() && low != param.states.end() && is_floating(low->second.dtype)) {
      param.states["fp32"] = cast(low->second, DType::kF32);
    } else if (low == param.states.end() && high != param.states.end()) {
      const bool bf16 = training_ != nullptr && training_->bf16;
      param.states["param"] = cast(high->second, bf16 ? DType::kBF16 : DType::kF16);
      param.low_is_cast = true;
    }
  }

  void assign() {
    std::vector<StageItem> items;
    for (const Param& param : params_) {
      items.push_back({.name = param.name,
                       .group = param.group,
                       .vocabulary = param.rule.vocabulary,
                       .pipeline_replicated = param.rule.pipeline_replicated,
                       .early = is_early(catalogue_, param.name)});
    }
    stages_ = assign_stages(items, target_.pp, target_.pp_split);
  }

  void rank_files(std::uint64_t stage, std::uint64_t tp, std::vector<OutputPlan>& plans) {
    const std::uint64_t mp = stage * target_.tp + tp;
    const std::vector<std::size_t>& members = stages_.members[stage];
    std::vector<FlatGroup> groups;
    for (int g = 0; g < groups_; ++g) groups.push_back(flat_group(members, tp, g));
    if (target_.zero == 3) {
      for (std::uint64_t d = 0; d < target_.dp; ++d)
        plans.push_back(model_file(members, groups, tp, mp, d));
    } else {
      plans.push_back(model_file(members, groups, tp, mp, std::nullopt));
    }
    for (std::uint64_t d = 0; d < target_.dp; ++d) plans.push_back(optimizer_file(groups, mp, d));
  }

  [[nodiscard]] Tensor slice(const Param& param, const std::string& state, std::uint64_t tp) const {
    const Tensor& tensor = param.states.at(state);
    return state == "step" || state == "buffer" ? tensor
                                                : slice_for(tensor, param.rule, tp, target_.tp);
  }

  // ZeRO 3 pads every parameter to a multiple of dp, so that its parts follow each other rank by
  // rank; ZeRO 1 and 2 pad the whole group to a multiple of 2 dp.
  FlatGroup flat_group(const std::vector<std::size_t>& members, std::uint64_t tp, int g) const {
    FlatGroup group;
    std::unordered_set<std::string> kinds;
    for (const std::size_t i : members) {
      const Param& param = params_[i];
      if (param.group != g || !param.states.contains("fp32")) continue;
      const Tensor fp32 = slice(param, "fp32", tp);
      group.names.push_back(param.name);
      group.numels.push_back(fp32.elements());
      group.total += fp32.elements();
      add_low_precision(group, param, tp);
      for (const auto& [state, tensor] : param.states) {
        if (state == "param" || state == "buffer") continue;
        if (state == "step") {
          if (!group.step) {
            group.step = tensor_file(tensor);
            group.step_dtype = tensor.dtype;
          }
          continue;
        }
        group.bytes[state].push_back(tensor_file(slice(param, state, tp)));
      }
    }
    for (const auto& [state, slices] : group.bytes) {
      if (slices.size() != group.names.size()) {
        throw deepspeed_refused("state " + core::quoted(state) +
                                " is not there for every parameter of group " + std::to_string(g));
      }
    }
    const std::uint64_t unit = 2 * target_.dp;
    group.padded = (group.total + unit - 1) / unit * unit;
    return group;
  }

  void add_low_precision(FlatGroup& group, const Param& param, std::uint64_t tp) const {
    if (target_.zero != 3 || param.low_is_cast || !param.states.contains("param")) return;
    const Tensor low = slice(param, "param", tp);
    if (group.low.empty()) group.low_dtype = low.dtype;
    if (low.dtype == group.low_dtype) group.low.push_back(tensor_file(low));
  }

  struct Fragment {
    std::size_t param;
    std::uint64_t start, numel, done;  // in the partition; from element `done` of the slice on
  };
  [[nodiscard]] std::vector<Fragment> fragments(const FlatGroup& group, std::uint64_t d,
                                                std::uint64_t& size) const {
    std::vector<Fragment> list;
    std::uint64_t at = 0;
    if (target_.zero == 3) {
      for (std::size_t i = 0; i < group.numels.size(); ++i) {
        const std::uint64_t part = (group.numels[i] + target_.dp - 1) / target_.dp;
        const std::uint64_t first = std::min(group.numels[i], d * part);
        list.push_back({i, at, std::min(part, group.numels[i] - first), first});
        at += part;
      }
      size = at;
      return list;
    }
    size = group.padded / target_.dp;
    const std::uint64_t first = d * size, last = first + size;
    for (std::size_t i = 0; i < group.numels.size(); ++i) {
      const std::uint64_t low = std::max(at, first), high = std::min(at + group.numels[i], last);
      if (low < high) list.push_back({i, low - first, high - low, low - at});
      at += group.numels[i];
    }
    return list;
  }

  // The partition of one state, zeros where no parameter lies.
  static ByteFilePtr partition(const std::vector<ByteFilePtr>& slices,
                               const std::vector<Fragment>& list, std::uint64_t size,
                               std::uint64_t item) {
    std::vector<FilePart> parts;
    std::uint64_t at = 0;
    const auto zeros = [&](std::uint64_t to) {
      if (to > at) parts.push_back({zero_file((to - at) * item), 0, (to - at) * item});
      at = to;
    };
    for (const Fragment& fragment : list) {
      zeros(fragment.start);
      parts.push_back({slices[fragment.param], fragment.done * item, fragment.numel * item});
      at += fragment.numel;
    }
    zeros(size);
    return concat_files(std::move(parts), "(partition)");
  }

  OutputPlan optimizer_file(const std::vector<FlatGroup>& groups, std::uint64_t mp,
                            std::uint64_t d) {
    char name[96];
    std::snprintf(name, sizeof name, "%szero_pp_rank_%llu_mp_rank_%02llu_optim_states",
                  training_ != nullptr && training_->bf16 ? "bf16_" : "",
                  static_cast<unsigned long long>(d), static_cast<unsigned long long>(mp));
    TorchBuilder file(name);
    PickleWriter& pickle = file.pickle();
    pickle.begin_dict().string("optimizer_state_dict").begin_dict();
    copy_optimizer_values(file);
    constexpr const char* kStages[] = {"disabled", "optimizer_states", "gradients", "weights"};
    pickle.string("zero_stage").global("__builtin__", "getattr").begin_tuple();
    pickle.global("deepspeed.runtime.zero.config", "ZeroStageEnum")
        .string(kStages[target_.zero])
        .end_tuple()
        .raw("R");
    pickle.string(target_.zero == 3 ? "optimizer_state_dict" : "base_optimizer_state").begin_dict();
    write_states(file, groups, d);
    pickle.end_dict();
    write_flat(file, groups, d);
    pickle.end_dict();
    copy_root(
        file,
        training_ == nullptr || training_->optimizer_is_bare ? nullptr : training_->optimizer.get(),
        {"optimizer_state_dict"});
    pickle.end_dict();
    return file.finish(std::string(name) + ".pt");
  }

  // Everything of the source's optimizer that is not sharded.
  void copy_optimizer_values(TorchBuilder& file) const {
    if (training_ == nullptr || !training_->optimizer) return;
    const Heap& heap = training_->optimizer->heap();
    const Object* root = &training_->optimizer->root();
    if (!training_->optimizer_is_bare) root = heap.find(*root, "optimizer_state_dict");
    if (root == nullptr || root->kind != Kind::kDict) return;
    const std::unordered_set<std::string_view> own{
        "base_optimizer_state", "single_partition_of_fp32_groups",
        "group_paddings",       "partition_count",
        "param_slice_mappings", "fp32_flat_groups",
        "optimizer_state_dict", "ds_zero_partition_groups",
        "zero_stage",           "param_groups"};
    for (std::size_t i = 0; i + 1 < root->items.size(); i += 2) {
      const std::string key = key_text(heap, root->items[i]);
      if (own.contains(key)) continue;
      file.pickle().string(key);
      file.value(*training_->optimizer, root->items[i + 1]);
    }
  }
  static void copy_root(TorchBuilder& file, const TorchFile* source,
                        const std::unordered_set<std::string>& own) {
    if (source == nullptr || source->root().kind != Kind::kDict) return;
    const Object& root = source->root();
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const std::string key = key_text(source->heap(), root.items[i]);
      if (own.contains(key)) continue;
      file.pickle().string(key);
      file.value(*source, root.items[i + 1]);
    }
  }

  void write_states(TorchBuilder& file, const std::vector<FlatGroup>& groups,
                    std::uint64_t d) const {
    PickleWriter& pickle = file.pickle();
    pickle.string("state").begin_dict();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const FlatGroup& group = groups[g];
      if (group.names.empty()) continue;
      std::uint64_t size = 0;
      const auto list = fragments(group, d, size);
      pickle.integer(static_cast<std::int64_t>(g)).begin_dict();
      if (group.step) {
        pickle.string("step");
        file.tensor(group.step_dtype, {}, group.step);
      }
      for (const auto& [state, slices] : group.bytes) {
        if (state == "fp32") continue;
        pickle.string(state);
        file.tensor(DType::kF32, {size}, partition(slices, list, size, 4));
      }
      pickle.end_dict();
    }
    pickle.end_dict().string("param_groups").begin_list();
    write_param_groups(file, groups.size());
    pickle.end_list();
  }
  void write_param_groups(TorchBuilder& file, std::size_t count) const {
    const Object* groups = nullptr;
    const TorchFile* source = training_ == nullptr ? nullptr : training_->optimizer.get();
    if (source != nullptr) {
      const Heap& heap = source->heap();
      const Object* root = &source->root();
      if (!training_->optimizer_is_bare) root = heap.find(*root, "optimizer_state_dict");
      for (const char* holder : {"base_optimizer_state", "optimizer_state_dict"}) {
        const Object* inner = root == nullptr ? nullptr : heap.find(*root, holder);
        if (inner != nullptr && groups == nullptr) groups = heap.find(*inner, "param_groups");
      }
      if (groups == nullptr && root != nullptr) groups = heap.find(*root, "param_groups");
    }
    if (groups != nullptr) {
      for (const Ref group : groups->items) file.value(*source, group);
      return;
    }
    for (std::size_t g = 0; g < count; ++g) {
      file.pickle().begin_dict().string("params").begin_list().integer(
          static_cast<std::int64_t>(g));
      file.pickle().end_list().end_dict();
    }
  }

  void write_flat(TorchBuilder& file, const std::vector<FlatGroup>& groups, std::uint64_t d) const {
    PickleWriter& pickle = file.pickle();
    const bool last = d + 1 == target_.dp;
    std::vector<std::uint64_t> paddings;
    pickle.string(target_.zero == 3 ? "fp32_flat_groups" : "single_partition_of_fp32_groups")
        .begin_list();
    for (const FlatGroup& group : groups) {
      std::uint64_t size = 0;
      const auto list = fragments(group, d, size);
      paddings.push_back(last ? group.padded - group.total : 0);
      const std::uint64_t kept = target_.zero == 3 ? size : size - std::min(size, paddings.back());
      const auto fp32 = group.bytes.find("fp32");
      const ByteFilePtr bytes =
          fp32 == group.bytes.end() ? zero_file(0) : partition(fp32->second, list, size, 4);
      file.tensor(DType::kF32, {kept}, sub_file(bytes, 0, kept * 4));
    }
    pickle.end_list();
    if (target_.zero == 3) {
      pickle.string("partition_count").integer(static_cast<std::int64_t>(target_.dp));
      return;
    }
    pickle.string("group_paddings").begin_list();
    for (const std::uint64_t padding : paddings) pickle.integer(static_cast<std::int64_t>(padding));
    pickle.end_list().string("partition_count").begin_list();
    for (std::size_t g = 0; g < groups.size(); ++g)
      pickle.integer(static_cast<std::int64_t>(target_.dp));
    pickle.end_list().string("param_slice_mappings").begin_list();
    for (const FlatGroup& group : groups) write_mapping(pickle, group, d);
    pickle.end_list();
  }
  void write_mapping(PickleWriter& pickle, const FlatGroup& group, std::uint64_t d) const {
    std::uint64_t size = 0;
    pickle.global("collections", "OrderedDict").raw(")R(");
    for (const Fragment& fragment : fragments(group, d, size)) {
      pickle.string(group.names[fragment.param]);
      pickle.global("deepspeed.utils.tensor_fragment", "fragment_address")
          .raw(")\x81")
          .begin_dict();
      pickle.string("numel").integer(static_cast<std::int64_t>(fragment.numel));
      pickle.string("start").integer(static_cast<std::int64_t>(fragment.start)).end_dict().raw("b");
    }
    pickle.raw("u");
  }

  OutputPlan model_file(const std::vector<std::size_t>& members,
                        const std::vector<FlatGroup>& groups, std::uint64_t tp, std::uint64_t mp,
                        std::optional<std::uint64_t> zero3_rank) {
    char name[96];
    if (zero3_rank) {
      std::snprintf(name, sizeof name, "zero_pp_rank_%llu_mp_rank_%02llu_model_states",
                    static_cast<unsigned long long>(*zero3_rank),
                    static_cast<unsigned long long>(mp));
    } else {
      std::snprintf(name, sizeof name, "mp_rank_%02llu_model_states",
                    static_cast<unsigned long long>(mp));
    }
    TorchBuilder file(name);
    PickleWriter& pickle = file.pickle();
    pickle.begin_dict().string("module").global("collections", "OrderedDict").raw(")R(");
    for (const std::size_t i : members)
      write_module_entry(file, params_[i], tp, zero3_rank.has_value());
    pickle.raw("u").string("param_shapes").begin_list();
    for (int g = 0; g < groups_; ++g) write_shapes(pickle, members, tp, g);
    pickle.end_list();
    copy_root(file, training_ == nullptr ? nullptr : training_->model.get(),
              {"module", "param_shapes", "checkpoint_parallel_dimensions",
               "universal_checkpoint_info", "dp_world_size", "mp_world_size", kLowPrecision});
    if (zero3_rank) write_low_precision(file, groups, *zero3_rank);
    pickle.string("dp_world_size").integer(static_cast<std::int64_t>(target_.dp));
    pickle.string("mp_world_size").integer(static_cast<std::int64_t>(target_.tp * target_.pp));
    pickle.string("checkpoint_parallel_dimensions").begin_dict();
    pickle.string("pp_degree").integer(static_cast<std::int64_t>(target_.pp));
    pickle.string("tp_degree").integer(static_cast<std::int64_t>(target_.tp)).end_dict();
    write_patterns(pickle);
    pickle.end_dict();
    return file.finish(std::string(name) + ".pt");
  }
  // ZeRO 3 leaves placeholders in `module`: a copy that does not follow from fp32 travels beside
  // it, cut like the flat groups.
  void write_low_precision(TorchBuilder& file, const std::vector<FlatGroup>& groups,
                           std::uint64_t d) const {
    const bool wanted = std::ranges::all_of(
        groups, [](const FlatGroup& group) { return group.names.size() == group.low.size(); });
    if (!wanted) return;
    file.pickle().string(kLowPrecision).begin_list();
    for (const FlatGroup& group : groups) {
      std::uint64_t size = 0;
      const auto list = fragments(group, d, size);
      const std::uint64_t item = item_bytes(group.low_dtype);
      file.tensor(group.low_dtype, {size}, partition(group.low, list, size, item));
    }
    file.pickle().end_list();
  }
  void write_module_entry(TorchBuilder& file, const Param& param, std::uint64_t tp,
                          bool zero3) const {
    const bool buffer = param.states.contains("buffer");
    if (!buffer && !param.states.contains("param")) return;
    file.pickle().string(param.name);
    const Tensor tensor = slice(param, buffer ? "buffer" : "param", tp);
    if (zero3 && !buffer) {
      file.tensor(tensor.dtype, {0}, zero_file(0));
    } else {
      file.tensor(tensor.dtype, tensor.shape, tensor_file(tensor));
    }
  }
  void write_shapes(PickleWriter& pickle, const std::vector<std::size_t>& members, std::uint64_t tp,
                    int g) const {
    pickle.global("collections", "OrderedDict").raw(")R(");
    for (const std::size_t i : members) {
      const Param& param = params_[i];
      if (param.group != g || !param.states.contains("fp32")) continue;
      pickle.string(param.name)
          .global("torch", "Size")
          .sizes(slice(param, "fp32", tp).shape)
          .raw("\x85R");
    }
    pickle.raw("u");
  }
  // The source's patterns with the cuts of this layout.
  void write_patterns(PickleWriter& pickle) const {
    if (patterns_->text().empty() || target_.patterns == "builtin:megatron") return;
    nlohmann::json info = nlohmann::json::parse(patterns_->text());
    info.erase("sub_param_shard_widths");
    if (!info.contains("universal_checkpoint_version")) info["universal_checkpoint_version"] = 0.4;
    nlohmann::json widths = nlohmann::json::object();
    for (const nlohmann::json& entry :
         info.value("parameter_with_sub_params", nlohmann::json::array())) {
      const nlohmann::json& width =
          entry.at("shape").at(entry.value("partition_dim", std::size_t{0}));
      if (!width.is_array()) continue;
      const UnionRule rule{.kind = Union::kSubParams,
                           .widths = width.get<std::vector<std::uint64_t>>()};
      for (const nlohmann::json& pattern : entry.at("patterns")) {
        widths[pattern.get<std::string>()] = shard_widths(rule, target_.tp);
      }
    }
    if (!widths.empty()) info["sub_param_shard_widths"] = widths;
    for (const std::string& name : stages_.newly_replicated) {
      info["pipeline_replicated_parameter_patterns"].push_back(re2::RE2::QuoteMeta(name));
    }
    pickle.string("universal_checkpoint_info");
    write_json(pickle, info, false);
  }

  const Catalogue& catalogue_;
  const ReshardTarget& target_;
  const Training* training_;
  std::shared_ptr<UcpPatterns> patterns_;
  std::vector<Param> params_;
  Stages stages_;
  int groups_ = 0;
};

}  // namespace

std::shared_ptr<UcpPatterns> patterns_for(const Catalogue& catalogue, const ReshardTarget& target) {
  auto patterns = std::make_shared<UcpPatterns>();
  if (!target.patterns.empty()) {
    *patterns = UcpPatterns::load(target.patterns);
  } else if (catalogue.training && catalogue.training->patterns) {
    patterns = catalogue.training->patterns;
  }
  if (patterns->empty() && target.tp > 1) {
    throw deepspeed_refused(
        "tensor parallelism without universal_checkpoint_info needs --patterns");
  }
  return patterns;
}

// Megatron's files list the layers before the embeddings.
bool is_early(const Catalogue& catalogue, const std::string& parameter) {
  return catalogue.format == "megatron" && parameter.find("embedding") != std::string::npos;
}

std::vector<OutputPlan> plan_deepspeed(const Catalogue& catalogue, const ReshardTarget& target) {
  return DeepspeedWriter(catalogue, target).run();
}

}  // namespace stateutils::ckpt
