// Index files of sharded checkpoints: model.safetensors.index.json, pytorch_model.bin.index.json.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

struct ShardIndex {
  std::string path{}, folder{};       // folder with its final slash, empty for the working folder
  std::vector<std::string> shards{};  // each once, sorted by name
  std::unordered_map<std::string, std::size_t> weight{};  // tensor -> its place in `shards`
};

// Shard names must be plain file names: kInput otherwise. A shard that is absent is kInput too.
[[nodiscard]] ShardIndex read_shard_index(const std::string& path);

// Adds findings for tensors in another shard than indexed, or in none, or not indexed at all.
// `ends[i]` is the number of tensors after shard i was read; their names differ.
void check_against_index(Catalogue& catalogue, const ShardIndex& index,
                         const std::vector<std::size_t>& ends);

// The bytes of an index: metadata.total_size and weight_map sorted by name.
[[nodiscard]] std::string shard_index_text(
    const std::vector<std::pair<std::string, std::string>>& weight_map, std::uint64_t total_size);

}  // namespace stateutils::ckpt
