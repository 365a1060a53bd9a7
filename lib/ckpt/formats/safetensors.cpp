#include "ckpt/formats/safetensors.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "ckpt/formats/shard_index.hpp"
#include "core/error.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::string_view kTied = "tied.";

// Shards repeat their metadata: the first value of a key stays.
void add_metadata(Catalogue& catalogue, const std::string& key, const std::string& value) {
  const bool known = std::ranges::any_of(catalogue.metadata,
                                         [&key](const auto& entry) { return entry.first == key; });
  if (!known) catalogue.metadata.emplace_back(key, value);
}

struct Shard {
  std::string name;
  std::vector<Tensor> tensors;
  Metadata metadata;
};

Shard read_shard(const ByteFilePtr& file, const ReadOptions& options) {
  SafetensorsHeader parsed = read_safetensors(*file, options.max_memory);
  Shard shard{.name = file->name(), .tensors = {}, .metadata = std::move(parsed.metadata)};
  shard.tensors.reserve(parsed.tensors.size());
  for (TensorInfo& entry : parsed.tensors) {
    shard.tensors.push_back(dense_tensor(std::move(entry.name), entry.dtype, std::move(entry.shape),
                                         file, parsed.data_offset + entry.begin));
  }
  return shard;
}

void add_shard(Catalogue& catalogue, Shard shard) {
  catalogue.files.push_back(std::move(shard.name));
  const std::size_t first = catalogue.tensors.size();
  catalogue.tensors.insert(catalogue.tensors.end(), std::make_move_iterator(shard.tensors.begin()),
                           std::make_move_iterator(shard.tensors.end()));
  for (const auto& [key, value] : restore_tied(catalogue, first, std::move(shard.metadata))) {
    add_metadata(catalogue, key, value);
  }
}

}  // namespace

SafetensorsHeader read_safetensors(const ByteFile& file, std::uint64_t max_memory) {
  const core::ReadAt read_at = [&file](std::uint64_t offset, void* data, std::size_t size) {
    file.read_at(offset, data, size);
  };
  return core::read_safetensors_header(read_at, file.size(), file.name(), max_memory);
}

Metadata restore_tied(Catalogue& catalogue, std::size_t first, Metadata metadata) {
  std::unordered_map<std::string_view, std::size_t> by_name;
  for (std::size_t i = first; i < catalogue.tensors.size(); ++i) {
    by_name.emplace(catalogue.tensors[i].name, i);
  }
  Metadata others;
  std::vector<Tensor> aliases;
  for (auto& [key, value] : metadata) {
    const auto kept = key.starts_with(kTied) ? by_name.find(value) : by_name.end();
    if (kept == by_name.end() || by_name.contains(std::string_view(key).substr(kTied.size()))) {
      others.emplace_back(std::move(key), std::move(value));
      continue;
    }
    Tensor alias = catalogue.tensors[kept->second];
    alias.name = key.substr(kTied.size());
    alias.alias_of = kept->second;
    aliases.push_back(std::move(alias));
  }
  for (Tensor& alias : aliases) catalogue.tensors.push_back(std::move(alias));
  return others;
}

Catalogue open_safetensors(const ByteFilePtr& file, const ReadOptions& options) {
  Catalogue catalogue{.format = "safetensors", .source = file->name()};
  add_shard(catalogue, read_shard(file, options));
  check_unique_names(catalogue);
  return catalogue;
}

Catalogue open_safetensors_index(const std::string& path, const ReadOptions& options) {
  const ShardIndex index = read_shard_index(path);
  Catalogue catalogue{.format = "safetensors", .source = path};
  catalogue.files.push_back(path);
  // Each header waits for the disk once: several are read at a time, and put together in order.
  std::vector<Shard> shards(index.shards.size());
  core::parallel_for(shards.size(), options.threads, [&](std::uint64_t i) {
    shards[i] = read_shard(plain_file(index.folder + index.shards[i]), options);
  });
  std::vector<std::size_t> ends;  // first tensor after each shard
  for (Shard& shard : shards) {
    add_shard(catalogue, std::move(shard));
    ends.push_back(catalogue.tensors.size());
  }
  check_unique_names(catalogue);
  check_against_index(catalogue, index, ends);
  return catalogue;
}

}  // namespace stateutils::ckpt
