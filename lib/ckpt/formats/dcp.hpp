// PyTorch Distributed Checkpoint folders: `.metadata` and `*.distcp`.
#pragma once

#include <string>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

[[nodiscard]] bool is_dcp_folder(const std::string& folder);
// Chunks that overlap, leave holes or lie outside the folder are kInput.
[[nodiscard]] Catalogue open_dcp(const std::string& folder, const ReadOptions& options);

}  // namespace stateutils::ckpt
