// .npy arrays and .npz archives of them (stored entries).
#pragma once

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

[[nodiscard]] bool is_npy(const ByteFile& file);
[[nodiscard]] Catalogue open_npy(const ByteFilePtr& file, const ReadOptions& options);
// A zip archive all of whose entries are .npy files.
[[nodiscard]] bool is_npz(const ByteFile& file);
[[nodiscard]] Catalogue open_npz(const ByteFilePtr& file, const ReadOptions& options);

// Bytes of a version 1.0 header; kUsage for a type that NumPy does not have.
[[nodiscard]] std::string npy_header(DType dtype, const Shape& shape, const std::string& name);

}  // namespace stateutils::ckpt
