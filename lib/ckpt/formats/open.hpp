// Opens a checkpoint of any format: detection by content, never by suffix.
#pragma once

#include <string>
#include <vector>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// `path` is a file, a folder, an index file, or "-". A path that cannot be opened is
// kEnvironment; content of no known format is kInput.
[[nodiscard]] Catalogue open_checkpoint(const std::string& path, const ReadOptions& options);

// Format ids that --from takes.
[[nodiscard]] std::vector<std::string> readable_formats();

}  // namespace stateutils::ckpt
