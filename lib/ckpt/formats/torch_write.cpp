#include <cstdio>
#include <numeric>
#include <unordered_map>

#include "ckpt/formats/shard_index.hpp"
#include "ckpt/formats/write_options.hpp"
#include "ckpt/pickle/document.hpp"
#include "ckpt/pickle/writer.hpp"
#include "ckpt/zip/writer.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kAlign = 64;

// Storage keys ("0", "1" ...) of the tensors of one file; aliases share one.
struct Keys {
  std::vector<std::string> text;                           // by storage
  std::unordered_map<std::size_t, std::size_t> of_tensor;  // tensor -> storage
  std::vector<std::size_t> holders;                        // storage -> tensor
};

Keys assign_keys(const Target& target, const std::vector<std::size_t>& members) {
  Keys keys;
  for (const std::size_t i : members) {
    const std::size_t holder = target.tensors[i].alias_of.value_or(i);
    const auto [known, fresh] = keys.of_tensor.emplace(holder, keys.holders.size());
    if (fresh) {
      keys.text.push_back(std::to_string(keys.holders.size()));
      keys.holders.push_back(holder);
    }
    keys.of_tensor.emplace(i, known->second);
  }
  return keys;
}

PickledTensor pickled(const Target& target, const Keys& keys, std::size_t i) {
  const TargetTensor& tensor = target.tensors[i];
  return {.key = keys.text[keys.of_tensor.at(i)], .dtype = tensor.dtype, .shape = tensor.shape};
}

std::string flat_pickle(const Target& target, const Keys& keys,
                        const std::vector<std::size_t>& members) {
  PickleWriter writer;
  writer.begin_dict();
  for (const std::size_t i : members) {
    writer.string(target.tensors[i].name).tensor(pickled(target, keys, i));
  }
  writer.end_dict();
  return writer.finish();
}

// The source's own tree with the new tensors in their places.
std::string tree_pickle(const Target& target, const Keys& keys) {
  const Heap& heap = target.document->heap();
  std::unordered_map<std::size_t, std::size_t> target_of;  // catalogue index -> target tensor
  for (std::size_t i = 0; i < target.tensors.size(); ++i) {
    if (target.tensors[i].source_index) target_of.emplace(*target.tensors[i].source_index, i);
  }
  std::unordered_map<Ref, PickledTensor> tensors;
  std::size_t index = 0;
  walk_leaves(heap, target.document->root(), [&](const std::string&, Ref leaf) {
    if (heap.at(leaf).kind != Kind::kTensor) return;
    const auto found = target_of.find(index++);
    if (found == target_of.end()) return;
    PickledTensor tensor = pickled(target, keys, found->second);
    tensor.requires_grad =
        heap.tensors[static_cast<std::size_t>(heap.at(leaf).integer)].requires_grad;
    tensors.emplace(leaf, std::move(tensor));
  });
  PickleWriter writer;
  writer.value(heap, target.document->root(), [&](Ref ref) -> const PickledTensor* {
    const auto found = tensors.find(ref);
    return found == tensors.end() ? nullptr : &found->second;
  });
  return writer.finish();
}

OutputPlan plan_file(const Target& target, const std::vector<std::size_t>& members, bool tree,
                     const std::string& root) {
  const Keys keys = assign_keys(target, members);
  std::vector<ZipContent> contents;
  const auto small = [&](const std::string& name, std::string text) {
    contents.push_back({root + '/' + name, memory_file(std::move(text), name)});
  };
  small("data.pkl", tree ? tree_pickle(target, keys) : flat_pickle(target, keys, members));
  small("byteorder", "little");
  for (std::size_t s = 0; s < keys.holders.size(); ++s) {
    contents.push_back({root + "/data/" + keys.text[s], target.tensors[keys.holders[s]].bytes});
  }
  small("version", "3\n");
  return plan_zip(std::move(contents), kAlign);
}

std::string torch_shard_name(std::size_t index, std::size_t count) {
  char text[64];
  std::snprintf(text, sizeof text, "pytorch_model-%05zu-of-%05zu.bin", index + 1, count);
  return text;
}

}  // namespace

std::vector<OutputPlan> plan_torch(const Target& target, const WriteOptions& options) {
  std::vector<std::size_t> holders;
  for (std::size_t i = 0; i < target.tensors.size(); ++i) {
    if (!target.tensors[i].alias_of) holders.push_back(i);
  }
  auto shards = cut_into_shards(target, holders, options.max_shard_size);
  std::unordered_map<std::size_t, std::size_t> shard_of;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    for (const std::size_t i : shards[s]) shard_of.emplace(i, s);
    shards[s].clear();
  }
  // Aliases join their holder's shard, everything stays in object order.
  for (std::size_t i = 0; i < target.tensors.size(); ++i) {
    shards[shard_of.at(target.tensors[i].alias_of.value_or(i))].push_back(i);
  }
  std::vector<OutputPlan> plans;
  if (shards.size() == 1) {
    const std::string root = options.folder ? "pytorch_model" : options.root;
    plans.push_back(plan_file(target, shards[0], target.document != nullptr, root));
    if (options.folder) plans[0].name = "pytorch_model.bin";
    return plans;
  }
  std::vector<std::pair<std::string, std::string>> weight_map;
  std::uint64_t total = 0;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    const std::string name = torch_shard_name(s, shards.size());
    plans.push_back(plan_file(target, shards[s], false, name.substr(0, name.size() - 4)));
    plans.back().name = name;
    for (const std::size_t i : shards[s]) {
      weight_map.emplace_back(target.tensors[i].name, name);
      if (!target.tensors[i].alias_of) total += target.tensors[i].bytes->size();
    }
  }
  OutputPlan index{.name = "pytorch_model.bin.index.json", .closing = true};
  index.literal(shard_index_text(weight_map, total));
  plans.push_back(std::move(index));
  return plans;
}

}  // namespace stateutils::ckpt
