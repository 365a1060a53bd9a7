#include "ckpt/formats/safetensors.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "ckpt/formats/shard_index.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::string_view kTied = "tied.";

// Shards repeat their metadata: the first value of a key stays.
void add_metadata(Catalogue& catalogue, const std::string& key, const std::string& value) {
  const bool known = std::ranges::any_of(catalogue.metadata,
                                         [&key](const auto& entry) { return entry.first == key; });
  if (!known) catalogue.metadata.emplace_back(key, value);
}

void add_file(Catalogue& catalogue, const ByteFilePtr& file, const ReadOptions& options) {
  SafetensorsHeader parsed = read_safetensors(*file, options.max_memory);
  catalogue.files.push_back(file->name());
  const std::size_t first = catalogue.tensors.size();
  for (TensorInfo& entry : parsed.tensors) {
    catalogue.tensors.push_back(dense_tensor(std::move(entry.name), entry.dtype,
                                             std::move(entry.shape), file,
                                             parsed.data_offset + entry.begin));
  }
  for (const auto& [key, value] : restore_tied(catalogue, first, std::move(parsed.metadata))) {
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
  add_file(catalogue, file, options);
  check_unique_names(catalogue);
  return catalogue;
}

Catalogue open_safetensors_index(const std::string& path, const ReadOptions& options) {
  const ShardIndex index = read_shard_index(path);
  Catalogue catalogue{.format = "safetensors", .source = path};
  catalogue.files.push_back(path);
  std::vector<std::pair<std::size_t, std::string>> ends;  // first tensor after each shard
  for (const std::string& shard : index.shards) {
    add_file(catalogue, plain_file(index.folder + shard), options);
    ends.emplace_back(catalogue.tensors.size(), shard);
  }
  check_unique_names(catalogue);
  check_against_index(catalogue, index, ends);
  return catalogue;
}

}  // namespace stateutils::ckpt
