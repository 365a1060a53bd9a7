// Arrays from files and stdin, as the subcommands that read points want them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/io.hpp"

namespace stateutils::tools {

struct PointArray {
  std::string name;
  std::uint64_t rows = 0, columns = 0;
  std::vector<double> values;
};

// A two-dimensional array (a vector counts as one column).
[[nodiscard]] PointArray read_points(const core::Io& io, const std::string& path);
// kInput naming row and column of a coordinate outside [0, 1], or NaN; `closed`: 1 is allowed.
void require_unit_cube(const PointArray& points, bool closed);

}  // namespace stateutils::tools
