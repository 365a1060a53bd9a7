// What differs between two checkpoints, and by how much, as a picture.
#pragma once

#include <span>
#include <string>

#include "ckpt/ops/diff.hpp"

namespace stateutils::ckpt {

// One dot per tensor whose values differ, in the order of their names (numbers in them by value):
// the largest and the root mean square difference on a log axis. SVG.
[[nodiscard]] std::string diff_svg(std::span<const TensorDiff> diffs);

}  // namespace stateutils::ckpt
