// Configurations as dots between two aims, and the front that nothing beats.
#pragma once

#include <string>
#include <vector>

#include "core/chart.hpp"

namespace stateutils::kv {

// A point of a sweep, or a summary of `run`, as far as charts need it.
struct SweepDot {
  std::string name;  // "point 3"
  double x = 0, y = 0, objective = 0;
  double attained = 0;
  bool meets = false;
  std::string params;  // "batch.max_seqs 64, ..."
};
struct SweepAxes {
  core::ChartAxis x, y;
  bool less_x = true, less_y = true;  // better
  bool front = true;                  // to be drawn
};
// All points, those that meet the SLO in colour, the Pareto front through them (through all when
// none does) and a ring around the best one (or the nearest miss).
[[nodiscard]] core::Chart sweep_chart(const std::vector<SweepDot>& dots, const SweepAxes& axes);
// The axis of a field of a summary: its words, unit and which end is better.
[[nodiscard]] core::ChartAxis field_axis(const std::string& path);
[[nodiscard]] bool less_is_better(const std::string& path);
// Whether values that spread this far are read better on a log axis.
[[nodiscard]] bool spreads(double least, double most);

}  // namespace stateutils::kv
