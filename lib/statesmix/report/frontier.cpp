#include "statesmix/report/frontier.hpp"

#include <algorithm>
#include <utility>

#include "core/chart.hpp"
#include "core/units.hpp"

namespace stateutils::statesmix {
namespace {

constexpr double kLeastSeconds = 0.01;  // clocks tell no less apart

core::ChartPoint place(const CodedPoint& point) {
  return {std::max(point.cpu_s, kLeastSeconds), point.bytes,
          point.name + ": " + core::format_double(point.bytes) + " bytes, " +
              core::format_double(point.cpu_s) + " s"};
}

}  // namespace

std::string frontier_svg(std::span<const CodedPoint> points, const std::string& joined,
                         const std::string& title) {
  using Shape = core::ChartSeries::Shape;
  core::Chart chart{title,
                    "towards the lower left is better",
                    {"CPU seconds of one thread", core::ChartUnit::kSeconds, true},
                    {"packed", core::ChartUnit::kBytes}};
  core::ChartSeries line{joined, core::series_color(4), Shape::kLine};
  core::ChartSeries dots{"", core::series_color(4), Shape::kDots};
  std::size_t peers = 0;
  for (const CodedPoint& point : points) {
    if (point.name.starts_with(joined)) {
      line.points.push_back(place(point));
      dots.points.push_back(place(point));
      continue;
    }
    // Rings where the colours begin again; the fifth colour is the line's.
    const std::size_t color = peers % 7 + (peers % 7 >= 4 ? 1 : 0);
    chart.series.push_back({point.name,
                            core::series_color(color),
                            peers < 7 ? Shape::kDots : Shape::kRings,
                            {place(point)}});
    ++peers;
  }
  std::ranges::stable_sort(line.points, {}, &core::ChartPoint::x);
  chart.series.insert(chart.series.begin(), {std::move(line), std::move(dots)});
  return core::charts_svg("", {chart}, false);
}

}  // namespace stateutils::statesmix
