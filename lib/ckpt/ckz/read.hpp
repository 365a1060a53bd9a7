// Reading compressed checkpoints: tensors whose bytes are decoded as they are asked for.
#pragma once

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

[[nodiscard]] bool is_ckz(const ByteFile& file);
// Hashes of the tensors become sums of the catalogue. A tensor that was compressed against a base
// needs ReadOptions::base when its bytes are read; another base than that one is kInput.
[[nodiscard]] Catalogue open_ckz(const ByteFilePtr& file, const ReadOptions& options);

}  // namespace stateutils::ckpt
