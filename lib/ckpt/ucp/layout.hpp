// Layout files: which box of which logical tensor lies where in which file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ckpt/model/catalogue.hpp"
#include "ckpt/plan/tensor_file.hpp"

namespace stateutils::ckpt {

enum class LayoutKind { kSlice, kReplica, kAverage };

// Box `box` of the logical tensor lies at index `at` of tensor `name` in `file`.
struct LayoutPiece {
  std::string file, name;
  Box box{};
  Shape at{};
  LayoutKind kind = LayoutKind::kSlice;
};

struct LayoutTensor {
  std::string name;
  Shape shape{};
  std::vector<LayoutPiece> pieces{};
};
using Layout = std::vector<LayoutTensor>;

inline constexpr const char* kLayoutName = "layout.json";

// kInput for what is malformed: file names that leave the folder, ranks that differ, boxes outside
// the shape, and pieces (replicas aside) that overlap or leave holes.
[[nodiscard]] Layout read_layout(const std::string& path);
[[nodiscard]] std::string layout_text(const Layout& layout);

}  // namespace stateutils::ckpt
