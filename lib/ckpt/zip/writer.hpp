// Plans stored zip archives with aligned entries and fixed times: the same content always gives
// the same bytes.
#pragma once

#include <string>
#include <vector>

#include "ckpt/engine/output_plan.hpp"

namespace stateutils::ckpt {

struct ZipContent {
  std::string name;
  ByteFilePtr bytes;
};

// Data of every entry begins at a multiple of `align`, by an extra field as PyTorch pads. zip64
// where sizes, offsets or the number of entries need it.

[[nodiscard]] OutputPlan plan_zip(std::vector<ZipContent> contents, std::uint64_t align);

}  // namespace stateutils::ckpt
