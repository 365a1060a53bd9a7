// Megatron-LM folders: the weights of every tensor- and pipeline-parallel rank.
#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <map>

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

constexpr std::string_view kEmbedding = "word_embeddings.weight";
constexpr const char* kHead = "word_embeddings_for_head.weight";

// Dicts below `model`, as nested as the source has them.
struct Node {
  std::vector<std::pair<std::string, Node>> children{};
  const Tensor* tensor = nullptr;

  Node& child(const std::string& key) {
    const auto found = std::ranges::find(children, key, &std::pair<std::string, Node>::first);
    if (found != children.end()) return found->second;
    return children.emplace_back(key, Node{}).second;
  }
};

class MegatronWriter {
 public:
  MegatronWriter(const Catalogue& catalogue, const ReshardTarget& target)
      : catalogue_(catalogue),
        target_(target),
        training_(catalogue.training.get()),
        patterns_(megatron_patterns(catalogue, target)) {}

  std::vector<OutputPlan> run() {
    collect();
    char folder[32];
    std::snprintf(folder, sizeof folder, "iter_%07llu",
                  static_cast<unsigned long long>(iteration()));
    std::vector<OutputPlan> plans;
    for (std::uint64_t stage = 0; stage < target_.pp; ++stage) {
      for (std::uint64_t tp = 0; tp < target_.tp; ++tp)
        plans.push_back(rank_file(folder, stage, tp));
    }
    OutputPlan latest{.name = "latest_checkpointed_iteration.txt", .closing = true};
    latest.literal(std::to_string(iteration()));
    plans.push_back(std::move(latest));
    return plans;
  }

 private:
  static std::shared_ptr<UcpPatterns> megatron_patterns(const Catalogue& catalogue,
                                                        const ReshardTarget& target) {
    const bool own = catalogue.training && catalogue.training->patterns &&
                     !catalogue.training->patterns->empty();
    if (!target.patterns.empty() || own) return patterns_for(catalogue, target);
    return std::make_shared<UcpPatterns>(UcpPatterns::load("builtin:megatron"));
  }
  [[nodiscard]] std::uint64_t iteration() const { return catalogue_.degrees.step.value_or(0); }

  // One tensor per parameter: the low-precision copy, or fp32 cast to what the source trains in.
  void collect() {
    std::map<std::string, std::size_t> index;
    std::vector<Finding> findings;
    for (const Tensor& tensor : catalogue_.tensors) {
      const std::string& name = tensor.parameter.empty() ? tensor.name : tensor.parameter;
      const bool low = tensor.role == Role::kParam || tensor.role == Role::kBuffer;
      if (!low && tensor.role != Role::kFp32) continue;
      const auto [known, fresh] = index.emplace(name, params_.size());
      if (fresh) {
        params_.push_back(low ? tensor : low_precision(tensor));
      } else if (low) {
        params_[known->second] = tensor;
      }
      params_[known->second].name = name;
    }
    std::vector<StageItem> items;
    for (Tensor& param : params_) {
      UnionRule rule =
          rule_of(*patterns_, training_ != nullptr && training_->swiglu, param.name, findings);
      if (param.role == Role::kBuffer) rule.kind = Union::kReplicated;
      if (rule.vocabulary && !param.shape.empty())
        param = pad_vocabulary(param, target_.vocab_pad * target_.tp);
      items.push_back({.name = param.name,
                       .vocabulary = rule.vocabulary,
                       .pipeline_replicated = rule.pipeline_replicated,
                       .early = is_early(catalogue_, param.name)});
      rules_.push_back(std::move(rule));
    }
    stages_ = assign_stages(items, target_.pp, target_.pp_split);
  }
  [[nodiscard]] Tensor low_precision(const Tensor& fp32) const {
    const bool bf16 = training_ != nullptr && training_->bf16;
    const DType to = bf16 ? DType::kBF16 : DType::kF16;
    Tensor low = dense_tensor(fp32.name, to, fp32.shape,
                              cast_file(tensor_file(fp32), fp32.dtype, to, Overflow::kSaturate), 0);
    low.group = fp32.group;
    return low;
  }

  OutputPlan rank_file(const std::string& folder, std::uint64_t stage, std::uint64_t tp) {
    TorchBuilder file("model_optim_rng");
    PickleWriter& pickle = file.pickle();
    pickle.begin_dict();
    write_frame(file);
    std::vector<Tensor> slices;
    slices.reserve(stages_.members[stage].size());
    Node root;
    const std::uint64_t first_layer = first_layer_of(stage);
    for (const std::size_t i : stages_.members[stage]) {
      const Tensor& param = params_[i];
      const bool cut = is_cut(rules_[i], target_.tp) && !param.shape.empty();
      slices.push_back(cut ? slice_for(param, rules_[i], tp, target_.tp) : param);
      const bool head = stage > 0 && param.name.ends_with(kEmbedding);
      place(root, head ? kHead : local_name(param.name, first_layer), slices.back());
    }
    pickle.string("model");
    write_node(file, root);
    pickle.end_dict();
    char name[64];
    std::snprintf(name, sizeof name, target_.pp > 1 ? "/mp_rank_%02llu_%03llu" : "/mp_rank_%02llu",
                  static_cast<unsigned long long>(tp), static_cast<unsigned long long>(stage));
    return file.finish(folder + name + "/model_optim_rng.pt");
  }

  static std::optional<std::uint64_t> layer_of(const std::string& name) {
    static const re2::RE2 layer("^.*layers\\.(\\d+)\\..*$");
    std::uint64_t number = 0;
    if (!re2::RE2::FullMatch(name, layer, &number)) return std::nullopt;
    return number;
  }
  [[nodiscard]] std::uint64_t first_layer_of(std::uint64_t stage) const {
    std::optional<std::uint64_t> first;
    for (const std::size_t i : stages_.members[stage]) {
      const auto layer = layer_of(params_[i].name);
      if (layer) first = std::min(*layer, first.value_or(*layer));
    }
    return first.value_or(0);
  }
  // Layers count from 0 in every stage's files.
  static std::string local_name(const std::string& name, std::uint64_t first_layer) {
    static const re2::RE2 parts("^(.*layers\\.)(\\d+)(\\..*)$");
    std::string head, tail;
    std::uint64_t layer = 0;
    if (!re2::RE2::FullMatch(name, parts, &head, &layer, &tail)) return name;
    return head + std::to_string(layer - first_layer) + tail;
  }

  // Goes down the dicts that the source has; the rest of the name is one key.
  void place(Node& root, const std::string& name, const Tensor& tensor) const {
    Node* at = &root;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos;
         dot = name.find('.', dot + 1)) {
      if (training_ == nullptr) break;
      const auto& known = training_->containers;
      if (std::ranges::find(known, name.substr(0, dot)) == known.end()) continue;
      at = &at->child(name.substr(begin, dot - begin));
      begin = dot + 1;
    }
    at->child(name.substr(begin)).tensor = &tensor;
  }
  static void write_node(TorchBuilder& file, const Node& node) {
    file.pickle().begin_dict();
    for (const auto& [key, child] : node.children) {
      file.pickle().string(key);
      if (child.tensor != nullptr) {
        file.tensor(child.tensor->dtype, child.tensor->shape, tensor_file(*child.tensor));
      } else {
        write_node(file, child);
      }
    }
    file.pickle().end_dict();
  }

  // Everything of the source's files but the model, with the degrees of this layout.
  void write_frame(TorchBuilder& file) const {
    PickleWriter& pickle = file.pickle();
    const TorchFile* source = training_ == nullptr ? nullptr : training_->megatron.get();
    const Object* arguments = nullptr;
    bool versioned = false;
    for (std::size_t i = 0; source != nullptr && i + 1 < source->root().items.size(); i += 2) {
      const Heap& heap = source->heap();
      const std::string key = key_text(heap, source->root().items[i]);
      versioned = versioned || key == "checkpoint_version";
      if (key == "args") arguments = &heap.item(source->root(), i + 1);
      const bool own = key == "args" || key == "model" || key == "iteration" ||
                       key == "optimizer" || key == "opt_param_scheduler";
      if (own) continue;
      pickle.string(key);
      file.value(*source, source->root().items[i + 1]);
    }
    if (!versioned) pickle.string("checkpoint_version").real(3.0);
    pickle.string("iteration").integer(static_cast<std::int64_t>(iteration()));
    pickle.string("args").global("argparse", "Namespace").raw(")\x81").begin_dict();
    pickle.string("tensor_model_parallel_size").integer(static_cast<std::int64_t>(target_.tp));
    pickle.string("pipeline_model_parallel_size").integer(static_cast<std::int64_t>(target_.pp));
    if (arguments != nullptr) copy_arguments(file, *source, *arguments);
    pickle.end_dict().raw("b");
  }
  static void copy_arguments(TorchBuilder& file, const TorchFile& source, const Object& arguments) {
    const Heap& heap = source.heap();
    const Object& fields = heap.at(arguments.state);
    if (fields.kind != Kind::kDict) return;
    for (std::size_t i = 0; i + 1 < fields.items.size(); i += 2) {
      const std::string key = key_text(heap, fields.items[i]);
      if (key == "tensor_model_parallel_size" || key == "pipeline_model_parallel_size") continue;
      file.pickle().string(key);
      file.value(source, fields.items[i + 1]);
    }
  }

  const Catalogue& catalogue_;
  const ReshardTarget& target_;
  const Training* training_;
  std::shared_ptr<UcpPatterns> patterns_;
  std::vector<Tensor> params_;
  std::vector<UnionRule> rules_;
  Stages stages_;
};

}  // namespace

std::vector<OutputPlan> plan_megatron(const Catalogue& catalogue, const ReshardTarget& target) {
  return MegatronWriter(catalogue, target).run();
}

}  // namespace stateutils::ckpt
