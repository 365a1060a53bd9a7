#include "kv/sweep_chart.hpp"

#include <algorithm>
#include <cmath>

namespace stateutils::kv {

using core::series_color;
using Shape = core::ChartSeries::Shape;

bool spreads(double least, double most) {
  return least > 0 && most / least > 30;
}

bool less_is_better(const std::string& path) {
  for (const char* more :
       {"goodput_rps", "slo_attainment", "hit_ratio", "bound", "util", "max_rate"}) {
    if (path == more || path.starts_with(std::string(more) + ".")) return false;
  }
  return true;
}

core::ChartAxis field_axis(const std::string& path) {
  static const struct {
    const char *field, *words;
    core::ChartUnit unit;
  } known[] = {{"ttft", "time to first token", core::ChartUnit::kSeconds},
               {"tpot", "time per output token", core::ChartUnit::kSeconds},
               {"tbt", "time between tokens", core::ChartUnit::kSeconds},
               {"tbt_max", "longest gap between tokens", core::ChartUnit::kSeconds},
               {"e2e", "time to last token", core::ChartUnit::kSeconds},
               {"queue", "time in the queue", core::ChartUnit::kSeconds},
               {"jct", "job completion time", core::ChartUnit::kSeconds},
               {"stall_s", "stalled", core::ChartUnit::kSeconds},
               {"stall_swap", "stalled", core::ChartUnit::kSeconds},
               {"makespan_s", "makespan", core::ChartUnit::kSeconds},
               {"t", "arrival", core::ChartUnit::kSeconds},
               {"start", "start", core::ChartUnit::kSeconds},
               {"first_token", "first token", core::ChartUnit::kSeconds},
               {"finish", "finish", core::ChartUnit::kSeconds},
               {"hit_ratio", "hit ratio", core::ChartUnit::kShare},
               {"miss_ratio", "miss ratio", core::ChartUnit::kShare},
               {"bound", "bound of the hit ratio", core::ChartUnit::kShare},
               {"slo_attainment", "requests that meet the SLO", core::ChartUnit::kShare},
               {"goodput_rps", "requests that meet the SLO, per second", core::ChartUnit::kNumber},
               {"util", "utilisation", core::ChartUnit::kShare},
               {"cost", "cost", core::ChartUnit::kNumber},
               {"energy_j", "energy (J)", core::ChartUnit::kNumber},
               {"capacity_blocks", "size (blocks)", core::ChartUnit::kNumber}};
  const std::size_t dot = path.find('.');
  if (path == "memory.total_kv_bytes" || path == "memory.kv_bytes")
    return {"KV memory", core::ChartUnit::kBytes};
  if (path.ends_with("_bytes")) return {path, core::ChartUnit::kBytes};
  for (const auto& one : known) {
    if (path.substr(0, dot) != one.field) continue;
    std::string part = dot == std::string::npos ? "" : ", " + path.substr(dot + 1);
    if (part == ", p999") part = ", 99.9 %";
    if (part.size() == 5 && part.starts_with(", p")) part = ", " + part.substr(3) + " %";
    return {one.words + part, one.unit};
  }
  return {path};
}

core::Chart sweep_chart(const std::vector<SweepDot>& dots, const SweepAxes& axes) {
  bool any = false;
  for (const SweepDot& dot : dots) any |= dot.meets;
  core::Chart chart{axes.y.label + " by " + axes.x.label, "", axes.x, axes.y};
  chart.note = any ? "blue: points that meet the SLO; step line: no such point beats these in both"
                   : "no point meets the SLO; step line: no point beats these in both";
  if (!axes.front) chart.note = any ? "blue: points that meet the SLO" : "no point meets the SLO";
  core::ChartSeries meets{"meets the SLO", series_color(0), Shape::kDots};
  core::ChartSeries fails{"misses it", {176, 182, 190}, Shape::kDots};
  std::vector<const SweepDot*> front;
  const SweepDot* best = nullptr;
  double low_x = INFINITY, high_x = 0, low_y = INFINITY, high_y = 0;
  for (const SweepDot& dot : dots) {
    const std::string tip = dot.name + (dot.params.empty() ? "" : ": " + dot.params) + "; " +
                            axes.x.label + " " + core::format_value(dot.x, axes.x.unit) + ", " +
                            axes.y.label + " " + core::format_value(dot.y, axes.y.unit);
    (dot.meets ? meets : fails).points.push_back({dot.x, dot.y, tip});
    low_x = std::min(low_x, dot.x), high_x = std::max(high_x, dot.x);
    low_y = std::min(low_y, dot.y), high_y = std::max(high_y, dot.y);
    if (any && !dot.meets) continue;
    front.push_back(&dot);
    const bool better =
        best == nullptr || (any ? dot.objective < best->objective : dot.attained > best->attained);
    if (better) best = &dot;
  }
  chart.x.log = spreads(low_x, high_x);
  chart.y.log = spreads(low_y, high_y);
  // From the better end of x on, a point is on the front when its y beats all before.
  std::ranges::stable_sort(front, [&](const SweepDot* a, const SweepDot* b) {
    if (a->x != b->x) return (a->x < b->x) == axes.less_x;
    return (a->y < b->y) == axes.less_y && a->y != b->y;
  });
  core::ChartSeries line{"Pareto front", series_color(4), Shape::kSteps};
  for (const SweepDot* dot : front) {
    const bool beats = line.points.empty() || (axes.less_y ? dot->y < line.points.back().y
                                                           : dot->y > line.points.back().y);
    if (beats) line.points.push_back({dot->x, dot->y});
  }
  if (axes.front && line.points.size() > 1) chart.series.push_back(std::move(line));
  if (!fails.points.empty()) chart.series.push_back(std::move(fails));
  if (!meets.points.empty()) chart.series.push_back(std::move(meets));
  if (best != nullptr && axes.front) {
    chart.series.push_back({(any ? "best: " : "nearest: ") + best->name,
                            core::kInk,
                            Shape::kRings,
                            {{best->x, best->y, best->name}}});
  }
  return chart;
}

}  // namespace stateutils::kv
