// safetensors files and their shards as catalogues.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "core/safetensors.hpp"

namespace stateutils::ckpt {

using core::SafetensorsHeader;
using core::TensorInfo;

// The header of a file; errors are kInput naming file and byte. `max_memory` bounds what it may
// make us hold.
[[nodiscard]] SafetensorsHeader read_safetensors(const ByteFile& file, std::uint64_t max_memory);
[[nodiscard]] Catalogue open_safetensors(const ByteFilePtr& file, const ReadOptions& options);
// An index and its shards; `path` is the index file.
[[nodiscard]] Catalogue open_safetensors_index(const std::string& path, const ReadOptions& options);

using Metadata = std::vector<std::pair<std::string, std::string>>;
// Adds an alias for each `tied.NAME = KEPT` of a file's metadata, where KEPT is among the tensors
// from `first` on and NAME is not; returns the other metadata.
[[nodiscard]] Metadata restore_tied(Catalogue& catalogue, std::size_t first, Metadata metadata);

}  // namespace stateutils::ckpt
