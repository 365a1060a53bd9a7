#include "ckpt/formats/megatron.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "ckpt/formats/megatron_optimizer.hpp"
#include "ckpt/formats/torch_file.hpp"
#include "ckpt/model/folder.hpp"
#include "ckpt/ucp/patterns.hpp"
#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;

std::string resolve_iteration(const std::string& folder) {
  std::error_code failed;
  const std::string latest = folder + "/latest_checkpointed_iteration.txt";
  if (!fs::is_regular_file(latest, failed)) return folder;
  std::string text = core::read_file(latest, 4096);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const bool digits =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits && text != "release") throw core::input_error({latest}, "names no iteration");
  if (!digits) return folder + "/release";
  return folder + "/iter_" + std::string(text.size() < 7 ? 7 - text.size() : 0, '0') + text;
}

using Rank = std::pair<std::uint64_t, std::uint64_t>;  // (pp, tp)

std::map<Rank, std::string> list_ranks(const std::string& folder) {
  static const re2::RE2 with_pipeline("mp_rank_(\\d+)_(\\d+)"), without("mp_rank_(\\d+)");
  std::map<Rank, std::string> ranks;
  std::error_code failed;
  for (const auto& entry : list_folder(folder)) {
    const std::string name = entry.path().filename().string();
    std::uint64_t tp = 0, pp = 0;
    if (!re2::RE2::FullMatch(name, with_pipeline, &tp, &pp) &&
        !re2::RE2::FullMatch(name, without, &tp))
      continue;
    const std::string file = entry.path().string() + "/model_optim_rng.pt";
    if (fs::is_regular_file(file, failed)) ranks.emplace(Rank{pp, tp}, file);
  }
  return ranks;
}

class MegatronReader {
 public:
  MegatronReader(const std::string& folder, const ReadOptions& options)
      : options_(options), folder_(resolve_iteration(folder)), ranks_(list_ranks(folder_)) {
    catalogue_.format = "megatron";
    catalogue_.source = folder;
    patterns_ = UcpPatterns::load(options.patterns.empty() ? "builtin:megatron" : options.patterns);
  }

  Catalogue run() {
    if (ranks_.empty()) throw core::input_error({folder_}, "no mp_rank folders");
    for (const auto& [rank, path] : ranks_) {
      pp_ = std::max(pp_, rank.first + 1);
      tp_ = std::max(tp_, rank.second + 1);
    }
    catalogue_.degrees.tp = tp_;
    catalogue_.degrees.pp = pp_;
    std::uint64_t layers = 0;
    for (std::uint64_t stage = 0; stage < pp_; ++stage) layers = read_stage(stage, layers);
    join();
    keep_training();
    return std::move(catalogue_);
  }

 private:
  // Reads the files of one stage; returns the number of the next stage's first layer.
  std::uint64_t read_stage(std::uint64_t stage, std::uint64_t first_layer) {
    static const re2::RE2 layer("^(.*layers\\.)(\\d+)(\\..*)$");
    std::uint64_t next = first_layer;
    for (std::uint64_t tp = 0; tp < tp_; ++tp) {
      const auto path = ranks_.find({stage, tp});
      if (path == ranks_.end()) {
        catalogue_.findings.push_back({"grid", "",
                                       "the file of tensor-parallel rank " + std::to_string(tp) +
                                           ", stage " + std::to_string(stage) + " is missing"});
        continue;
      }
      const TorchFile file(plain_file(path->second), options_);
      catalogue_.files.push_back(path->second);
      catalogue_.sums.insert(catalogue_.sums.end(), file.sums().begin(), file.sums().end());
      catalogue_.findings.insert(catalogue_.findings.end(), file.findings().begin(),
                                 file.findings().end());
      read_arguments(file);
      add_containers(file.heap(), model_of(file), "", 0);
      NamedTensors weights;
      walk_leaves(file.heap(), model_of(file), [&](const std::string& name, Ref leaf) {
        const Object& object = file.heap().at(leaf);
        if (object.kind != Kind::kTensor) return;
        std::string head, tail, global = name;
        std::uint64_t local = 0;
        if (re2::RE2::FullMatch(name, layer, &head, &local, &tail)) {
          next = std::max(next, first_layer + local + 1);
          global = head + std::to_string(first_layer + local) + tail;
        }
        weights.emplace_back(global, file.tensor(object, global));
        add_slice(global, {stage, tp}, weights.back().second);
      });
      read_optimizer(path->second, {stage, tp}, weights);
    }
    return next;
  }
  // The distributed optimizer's states, where its file lies beside the model's.
  void read_optimizer(const std::string& model, Rank rank, const NamedTensors& weights) {
    const std::string path = fs::path(model).parent_path().string() + "/distrib_optim.pt";
    std::error_code failed;
    if (!fs::is_regular_file(path, failed)) return;
    const TorchFile file(plain_file(path), options_);
    catalogue_.files.push_back(path);
    catalogue_.sums.insert(catalogue_.sums.end(), file.sums().begin(), file.sums().end());
    catalogue_.findings.insert(catalogue_.findings.end(), file.findings().begin(),
                               file.findings().end());
    for (auto& [state, slices] : read_distributed_optimizer(file, weights)) {
      for (auto& [name, slice] : slices) states_[{name, state}][rank] = std::move(slice);
    }
  }
  // What another Megatron folder needs beside the tensors.
  void keep_training() {
    auto kept = std::make_shared<Training>();
    kept->megatron = std::make_shared<TorchFile>(plain_file(ranks_.begin()->second), options_);
    kept->containers = std::move(containers_);
    kept->patterns = std::make_shared<UcpPatterns>(std::move(patterns_));
    kept->swiglu = swiglu_;
    catalogue_.training = std::move(kept);
  }
  // Paths of the dicts that hold other dicts or tensors, so that names can be nested again.
  void add_containers(const Heap& heap, Ref ref, const std::string& path, int depth) {
    constexpr int kDeepest = 32;
    const Object& holder = heap.at(ref);
    if (holder.kind != Kind::kDict || depth > kDeepest) return;
    if (!path.empty() && std::ranges::find(containers_, path) == containers_.end())
      containers_.push_back(path);
    for (std::size_t i = 0; i + 1 < holder.items.size(); i += 2) {
      const std::string key = key_text(heap, holder.items[i]);
      add_containers(heap, holder.items[i + 1], path.empty() ? key : path + '.' + key, depth + 1);
    }
  }
  static Ref model_of(const TorchFile& file) {
    const Object& root = file.root();
    for (std::size_t i = 0; root.kind == Kind::kDict && i + 1 < root.items.size(); i += 2) {
      if (file.heap().item(root, i).text == "model") return root.items[i + 1];
    }
    throw core::input_error({file.name()}, "no dict `model`");
  }
  void read_arguments(const TorchFile& file) {
    if (const Object* arguments = file.heap().find(file.root(), "args")) {
      const Object* flag = file.heap().find(*arguments, "swiglu");
      swiglu_ = swiglu_ || (flag != nullptr && flag->integer != 0);
    }
    if (const Object* step = file.heap().find(file.root(), "iteration")) {
      catalogue_.degrees.step = as_size(*step);
    }
  }

  // The head of the last stage holds a copy of the embedding under its own name.
  void add_slice(const std::string& name, Rank rank, Tensor tensor) {
    constexpr std::string_view kHead = "word_embeddings_for_head.weight";
    if (name.ends_with(kHead)) {
      heads_[rank.second] = std::move(tensor);
      return;
    }
    const auto [found, fresh] = slices_.try_emplace(name);
    if (fresh) order_.push_back(name);
    found->second[rank] = std::move(tensor);
  }

  void join() {
    for (const std::string& name : order_) {
      const std::vector<Tensor> parts = parts_of(slices_.at(name));
      if (parts.size() != tp_) {
        catalogue_.findings.push_back(
            {"grid", name, "the slice of a tensor-parallel rank is missing"});
        continue;
      }
      const UnionRule rule = rule_of(patterns_, swiglu_, name, catalogue_.findings);
      Tensor joined = join_slices(parts, rule, patterns_.original_vocab_size());
      joined.parameter = name;
      if (name.ends_with("word_embeddings.weight") && heads_.size() == tp_) add_head(joined, rule);
      catalogue_.tensors.push_back(std::move(joined));
      for (const char* state : {"fp32", "exp_avg", "exp_avg_sq"}) join_state(name, state, rule);
    }
    check_unique_names(catalogue_);
  }
  // The slices of the first stage that has any, one for each tensor-parallel rank.
  [[nodiscard]] std::vector<Tensor> parts_of(const std::map<Rank, Tensor>& ranks) const {
    std::vector<Tensor> parts;
    for (std::uint64_t tp = 0; tp < tp_; ++tp) {
      const auto part = ranks.find({ranks.begin()->first.first, tp});
      if (part != ranks.end()) parts.push_back(part->second);
    }
    return parts;
  }
  void join_state(const std::string& name, const std::string& state, const UnionRule& rule) {
    const auto ranks = states_.find({name, state});
    if (ranks == states_.end()) return;
    const std::vector<Tensor> parts = parts_of(ranks->second);
    if (parts.size() != tp_) {
      catalogue_.findings.push_back({"grid", name, "an optimizer state of a rank is missing"});
      return;
    }
    Tensor joined = join_slices(parts, rule, patterns_.original_vocab_size());
    joined.role = role_from_name(state).value_or(Role::kOther);
    joined.parameter = name;
    joined.name = name + '.' + state;
    catalogue_.tensors.push_back(std::move(joined));
  }
  void add_head(Tensor& embedding, const UnionRule& rule) {
    std::vector<Tensor> parts;
    for (auto& [tp, tensor] : heads_) parts.push_back(tensor);
    const Tensor head = join_slices(parts, rule, patterns_.original_vocab_size());
    if (head.shape == embedding.shape) {
      embedding.replicas.insert(embedding.replicas.end(), head.pieces.begin(), head.pieces.end());
    } else {
      catalogue_.findings.push_back({"shape", embedding.name, "the head's copy has another shape"});
    }
  }

  ReadOptions options_;
  std::string folder_;
  std::map<Rank, std::string> ranks_;
  Catalogue catalogue_;
  UcpPatterns patterns_;
  std::uint64_t tp_ = 1, pp_ = 1;
  bool swiglu_ = false;
  std::unordered_map<std::string, std::map<Rank, Tensor>> slices_;
  std::map<std::pair<std::string, std::string>, std::map<Rank, Tensor>> states_;
  std::map<std::uint64_t, Tensor> heads_;
  std::vector<std::string> order_, containers_;
};

}  // namespace

bool is_megatron_folder(const std::string& folder) {
  std::error_code failed;
  if (fs::is_regular_file(folder + "/latest_checkpointed_iteration.txt", failed)) return true;
  return !list_ranks(folder).empty();
}

Catalogue open_megatron(const std::string& folder, const ReadOptions& options) {
  return MegatronReader(folder, options).run();
}

}  // namespace stateutils::ckpt
