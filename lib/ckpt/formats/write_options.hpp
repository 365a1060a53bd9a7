// What every writer is told, and what it is given.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/engine/output_plan.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// A tensor as it is to be written: its C-order bytes behind one view.
struct TargetTensor {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape{};
  ByteFilePtr bytes{};                        // of length tensor_bytes(dtype, shape)
  std::optional<std::size_t> alias_of{};      // same bytes as that tensor
  std::optional<std::size_t> source_index{};  // place in the catalogue, for object trees
  std::shared_ptr<const Tensor> numbers{};    // of quantised blocks: what a cast starts from
};

struct Target {
  std::vector<TargetTensor> tensors;
  std::vector<std::pair<std::string, std::string>> metadata{};
  std::shared_ptr<const Document> document{};  // an object tree that fits the tensors, if any
  std::shared_ptr<const std::string> gguf_values{};
};

struct WriteOptions {
  std::uint64_t max_shard_size = 0;  // 0: never shard
  bool folder = false;               // DST is a folder even for one shard
  std::uint64_t align = 8;
  bool preserve_order = false;
  std::string root = "archive";  // folder name inside a PyTorch zip
  std::uint64_t ranks = 1;       // writers of a DCP folder
};

// Plans are named below DST when there is more than one or `folder` is set, else unnamed.
[[nodiscard]] std::vector<OutputPlan> plan_safetensors(const Target& target,
                                                       const WriteOptions& options);
[[nodiscard]] std::vector<OutputPlan> plan_ckz(const Target& target, const WriteOptions& options);
[[nodiscard]] std::vector<OutputPlan> plan_torch(const Target& target, const WriteOptions& options);

[[nodiscard]] std::vector<OutputPlan> plan_npy(const Target& target, const WriteOptions& options);
[[nodiscard]] std::vector<OutputPlan> plan_npz(const Target& target, const WriteOptions& options);
[[nodiscard]] std::vector<OutputPlan> plan_gguf(const Target& target, const WriteOptions& options);
[[nodiscard]] std::vector<OutputPlan> plan_dcp(const Target& target, const WriteOptions& options);

// The order of data in safetensors, aliases left out: larger items first, so that every tensor is
// aligned to its own item without padding, then by name.
[[nodiscard]] std::vector<std::size_t> safetensors_order(const Target& target,
                                                         const WriteOptions& options);
// Adds `tied.NAME = KEPT` for the aliases of `members`, so that a reader can bring them back.
void add_tied_names(const Target& target, const std::vector<std::size_t>& members,
                    std::vector<std::pair<std::string, std::string>>& metadata);

// Groups of tensor indices, greedy in the order given; aliases stay with what they alias.
[[nodiscard]] std::vector<std::vector<std::size_t>> cut_into_shards(
    const Target& target, const std::vector<std::size_t>& order, std::uint64_t max_size);

}  // namespace stateutils::ckpt
