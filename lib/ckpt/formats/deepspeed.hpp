// DeepSpeed training folders (ZeRO 1, 2, 3 with tensor and pipeline parallelism) and universal
// checkpoint folders.
#pragma once

#include <string>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// A tag folder, or one whose file `latest` names it.
[[nodiscard]] bool is_deepspeed_folder(const std::string& folder);
[[nodiscard]] Catalogue open_deepspeed(const std::string& folder, const ReadOptions& options);

// The folder that holds `zero/`.
[[nodiscard]] bool is_universal_folder(const std::string& folder);
[[nodiscard]] Catalogue open_universal(const std::string& folder, const ReadOptions& options);

}  // namespace stateutils::ckpt
