// Size against time of compressors, as a picture.
#pragma once

#include <span>
#include <string>

namespace stateutils::statesmix {

struct CodedPoint {
  std::string name;  // "statesmix -6", "xz -9e"
  double cpu_s = 0, bytes = 0;
};

// Packed bytes against CPU seconds (log); the points whose names begin with `joined` are one line.
// SVG.
[[nodiscard]] std::string frontier_svg(std::span<const CodedPoint> points,
                                       const std::string& joined, const std::string& title);

}  // namespace stateutils::statesmix
