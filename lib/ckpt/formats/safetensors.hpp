// The safetensors format, strict, with the sub-byte and complex types that checkpoints have.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // bytes in the data section
};

struct SafetensorsFile {
  std::vector<SafetensorsEntry> entries;  // in the order of the data
  std::vector<std::pair<std::string, std::string>> metadata;
  std::uint64_t data_offset = 0;
};

// Refuses what section 2.1 refuses; errors are kInput naming file and byte. `max_memory` bounds
// what a header may make us hold.
[[nodiscard]] SafetensorsFile read_safetensors(const ByteFile& file, std::uint64_t max_memory);
[[nodiscard]] Catalogue open_safetensors(const ByteFilePtr& file, const ReadOptions& options);
// An index and its shards; `path` is the index file.
[[nodiscard]] Catalogue open_safetensors_index(const std::string& path, const ReadOptions& options);

using Metadata = std::vector<std::pair<std::string, std::string>>;
// Adds an alias for each `tied.NAME = KEPT` of a file's metadata, where KEPT is among the tensors
// from `first` on and NAME is not; returns the other metadata.
[[nodiscard]] Metadata restore_tied(Catalogue& catalogue, std::size_t first, Metadata metadata);

// Header bytes (length included) of entries laid out one after another; fills begin and end. Data
// begins at a multiple of `align` (at least 8).
[[nodiscard]] std::string safetensors_header(
    std::vector<SafetensorsEntry>& entries,
    const std::vector<std::pair<std::string, std::string>>& metadata, std::uint64_t align = 8);

}  // namespace stateutils::ckpt
