// Flat ranges of a C-order tensor as boxes: ZeRO cuts flattened tensors at any element.
#pragma once

#include <vector>

#include "ckpt/plan/tensor_file.hpp"

namespace stateutils::ckpt {

struct FlatBox {
  Box box;
  std::uint64_t first = 0;  // flat index of its first element
};

// Boxes that together are elements [first, first + count) of `shape`, each contiguous in C order;
// at most two per dimension.
[[nodiscard]] std::vector<FlatBox> flat_boxes(const Shape& shape, std::uint64_t first,
                                              std::uint64_t count);

}  // namespace stateutils::ckpt
