#include <algorithm>
#include <cstdio>
#include <numeric>

#include "ckpt/formats/safetensors.hpp"
#include "ckpt/formats/shard_index.hpp"
#include "ckpt/formats/write_options.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

OutputPlan plan_file(const Target& target, const std::vector<std::size_t>& members,
                     std::vector<std::pair<std::string, std::string>> metadata,
                     const WriteOptions& options) {
  std::vector<TensorInfo> entries;
  for (const std::size_t i : members) {
    const TargetTensor& tensor = target.tensors[i];
    if (!in_safetensors(tensor.dtype)) {
      throw core::usage_error("safetensors has no dtype for tensor " + core::quoted(tensor.name) +
                              " (" + std::string(dtype_name(tensor.dtype)) + ")");
    }
    if (tensor.name == "__metadata__") {
      throw core::Error(core::Category::kInput,
                        "a tensor cannot be named __metadata__ in safetensors");
    }
    entries.push_back({.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape});
  }
  add_tied_names(target, members, metadata);
  OutputPlan plan{.name = ""};
  plan.literal(core::safetensors_header_bytes(entries, metadata, options.align));
  for (const std::size_t i : members) {
    const ByteFilePtr& bytes = target.tensors[i].bytes;
    if (bytes->size() > 0) plan.regions.push_back({.content = bytes, .size = bytes->size()});
  }
  return plan;
}

std::string shard_name(std::size_t index, std::size_t count) {
  char text[64];
  std::snprintf(text, sizeof text, "model-%05zu-of-%05zu.safetensors", index + 1, count);
  return text;
}

}  // namespace

std::vector<std::size_t> safetensors_order(const Target& target, const WriteOptions& options) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < target.tensors.size(); ++i) {
    if (!target.tensors[i].alias_of) order.push_back(i);
  }
  if (options.preserve_order) return order;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const TargetTensor &x = target.tensors[a], &y = target.tensors[b];
    const unsigned bits_x = dtype_bits(x.dtype), bits_y = dtype_bits(y.dtype);
    return bits_x != bits_y ? bits_x > bits_y : x.name < y.name;
  });
  return order;
}

void add_tied_names(const Target& target, const std::vector<std::size_t>& members,
                    std::vector<std::pair<std::string, std::string>>& metadata) {
  for (const TargetTensor& tensor : target.tensors) {
    if (tensor.alias_of && std::ranges::find(members, *tensor.alias_of) != members.end()) {
      metadata.emplace_back("tied." + tensor.name, target.tensors[*tensor.alias_of].name);
    }
  }
}

std::vector<std::vector<std::size_t>> cut_into_shards(const Target& target,
                                                      const std::vector<std::size_t>& order,
                                                      std::uint64_t max_size) {
  std::vector<std::vector<std::size_t>> shards(1);
  std::uint64_t size = 0;
  for (const std::size_t i : order) {
    const std::uint64_t bytes = target.tensors[i].bytes->size();
    if (max_size > 0 && !shards.back().empty() && size + bytes > max_size) {
      shards.emplace_back();
      size = 0;
    }
    shards.back().push_back(i);
    size += bytes;
  }
  return shards;
}

std::vector<OutputPlan> plan_safetensors(const Target& target, const WriteOptions& options) {
  const auto shards =
      cut_into_shards(target, safetensors_order(target, options), options.max_shard_size);
  std::vector<OutputPlan> plans;
  if (shards.size() == 1) {
    plans.push_back(plan_file(target, shards[0], target.metadata, options));
    if (options.folder) plans[0].name = "model.safetensors";
    return plans;
  }
  std::vector<std::pair<std::string, std::string>> weight_map;
  std::uint64_t total = 0;
  for (std::size_t s = 0; s < shards.size(); ++s) {
    plans.push_back(plan_file(target, shards[s], target.metadata, options));
    plans.back().name = shard_name(s, shards.size());
    for (const std::size_t i : shards[s]) {
      weight_map.emplace_back(target.tensors[i].name, plans.back().name);
      total += target.tensors[i].bytes->size();
    }
  }
  OutputPlan index{.name = "model.safetensors.index.json", .closing = true};
  index.literal(shard_index_text(weight_map, total));
  plans.push_back(std::move(index));
  return plans;
}

}  // namespace stateutils::ckpt
