// GGUF files, versions 2 and 3, little-endian.
#pragma once

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

[[nodiscard]] bool is_gguf(const ByteFile& file);
// Tensors of quantised types are U8 with a row of blocks as last dimension, their type as
// `gguf.NAME` in the metadata, and `numbers` where they can be dequantised.
[[nodiscard]] Catalogue open_gguf(const ByteFilePtr& file, const ReadOptions& options);

}  // namespace stateutils::ckpt
