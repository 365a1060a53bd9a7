// Charts of points and lines on two axes, as SVG.
#pragma once

#include <string>
#include <vector>

#include "core/svg.hpp"

namespace stateutils::core {

enum class ChartUnit { kNumber, kSeconds, kBytes, kShare };

struct ChartAxis {
  std::string label;
  ChartUnit unit = ChartUnit::kNumber;
  bool log = false;  // only where every value is positive
};

struct ChartPoint {
  double x = 0, y = 0;
  std::string tip{};
};

struct ChartSeries {
  enum class Shape { kLine, kDashed, kSteps, kDots, kRings };
  std::string name;  // in the legend; empty: not there
  Color color{};
  Shape shape = Shape::kLine;
  std::vector<ChartPoint> points{};
};

struct Chart {
  std::string title, note;
  ChartAxis x, y;
  std::vector<ChartSeries> series{};
  double width = 560, height = 320;  // of the part that holds the points
};

struct ChartExtent {
  double width = 0, height = 0;
};

[[nodiscard]] ChartExtent chart_extent(const Chart& chart);
// With its top left corner at x, y. Values that are not finite are left out.
void draw_chart(SvgCanvas& canvas, const Chart& chart, double x, double y);
// A picture of its own: charts side by side below a heading. `inside` an HTML page or a file.
[[nodiscard]] std::string charts_svg(const std::string& heading, const std::vector<Chart>& charts,
                                     bool inside);

// "250 ms", "40 GiB", "37.5%", "1.2M": a value in the unit of an axis, at most 4 digits.
[[nodiscard]] std::string format_value(double value, ChartUnit unit);

}  // namespace stateutils::core
