// Maps of single coordinates. Internal.
#pragma once

#include <functional>
#include <optional>

#include "qmc/transform_call.hpp"

namespace stateutils::qmc {

// Coordinate by coordinate, on chosen columns.
struct Scalar {
  std::function<double(double)> map;
  std::function<double(double)> weight;  // of periodizations
  bool open = false;                     // infinite at 0 or 1
  bool any = false;                      // takes every number
  bool ends = false;                     // reaches 0 or 1
  bool normal = false;                   // mean + sd Phi^-1(u): made in bulk
  double mean = 0, sd = 1;
};

// Empty for a name that is none of them.
[[nodiscard]] std::optional<Scalar> scalar_of(const Call& call);

}  // namespace stateutils::qmc
