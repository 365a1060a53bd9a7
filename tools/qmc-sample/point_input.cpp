#include "point_input.hpp"

#include "core/error.hpp"
#include "core/npy.hpp"

namespace stateutils::tools {

PointArray read_points(const core::Io& io, const std::string& path) {
  const auto source = io.open_input(path);
  core::NpyArray array = core::read_npy(*source);
  const auto& shape = array.header.shape;
  if (shape.empty() || shape.size() > 2) {
    throw core::input_error({source->name()}, "an array of " + std::to_string(shape.size()) +
                                                  " axes; rows of points have two");
  }
  PointArray points;
  points.name = source->name();
  points.rows = shape[0];
  points.columns = shape.size() == 2 ? shape[1] : 1;
  points.values = std::move(array.values);
  return points;
}

void require_unit_cube(const PointArray& points, bool closed) {
  for (std::size_t i = 0; i < points.values.size(); ++i) {
    const double x = points.values[i];
    if (x >= 0 && (x < 1 || (closed && x == 1))) continue;
    throw core::input_error({points.name}, "row " + std::to_string(i / points.columns) +
                                               ", column " + std::to_string(i % points.columns) +
                                               ": outside [0,1" + (closed ? "]" : ")"));
  }
}

}  // namespace stateutils::tools
