#include "kv/sweep_chart.hpp"

#include <algorithm>
#include <cmath>

namespace stateutils::kv {

using core::series_color;
using Shape = Series::Shape;

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

Axis field_axis(const std::string& path) {
  static const struct {
    const char *field, *words;
    Unit unit;
  } known[] = {{"ttft", "time to first token", Unit::kSeconds},
               {"tpot", "time per output token", Unit::kSeconds},
               {"tbt", "time between tokens", Unit::kSeconds},
               {"tbt_max", "longest gap between tokens", Unit::kSeconds},
               {"e2e", "time to last token", Unit::kSeconds},
               {"queue", "time in the queue", Unit::kSeconds},
               {"jct", "job completion time", Unit::kSeconds},
               {"stall_s", "stalled", Unit::kSeconds},
               {"stall_swap", "stalled", Unit::kSeconds},
               {"makespan_s", "makespan", Unit::kSeconds},
               {"t", "arrival", Unit::kSeconds},
               {"start", "start", Unit::kSeconds},
               {"first_token", "first token", Unit::kSeconds},
               {"finish", "finish", Unit::kSeconds},
               {"hit_ratio", "hit ratio", Unit::kShare},
               {"miss_ratio", "miss ratio", Unit::kShare},
               {"bound", "bound of the hit ratio", Unit::kShare},
               {"slo_attainment", "requests that meet the SLO", Unit::kShare},
               {"goodput_rps", "requests that meet the SLO, per second", Unit::kNumber},
               {"util", "utilisation", Unit::kShare},
               {"cost", "cost", Unit::kNumber},
               {"energy_j", "energy (J)", Unit::kNumber},
               {"capacity_blocks", "size (blocks)", Unit::kNumber}};
  const std::size_t dot = path.find('.');
  if (path == "memory.total_kv_bytes" || path == "memory.kv_bytes")
    return {"KV memory", Unit::kBytes};
  if (path.ends_with("_bytes")) return {path, Unit::kBytes};
  for (const auto& one : known) {
    if (path.substr(0, dot) != one.field) continue;
    std::string part = dot == std::string::npos ? "" : ", " + path.substr(dot + 1);
    if (part == ", p999") part = ", 99.9 %";
    if (part.size() == 5 && part.starts_with(", p")) part = ", " + part.substr(3) + " %";
    return {one.words + part, one.unit};
  }
  return {path};
}

Chart sweep_chart(const std::vector<SweepDot>& dots, const SweepAxes& axes) {
  bool any = false;
  for (const SweepDot& dot : dots) any |= dot.meets;
  Chart chart{axes.y.label + " by " + axes.x.label, "", axes.x, axes.y};
  chart.note = any ? "blue: points that meet the SLO; step line: no such point beats these in both"
                   : "no point meets the SLO; step line: no point beats these in both";
  if (!axes.front) chart.note = any ? "blue: points that meet the SLO" : "no point meets the SLO";
  Series meets{"meets the SLO", series_color(0), Shape::kDots};
  Series fails{"misses it", {176, 182, 190}, Shape::kDots};
  std::vector<const SweepDot*> front;
  const SweepDot* best = nullptr;
  double low_x = INFINITY, high_x = 0, low_y = INFINITY, high_y = 0;
  for (const SweepDot& dot : dots) {
    const std::string tip = dot.name + (dot.params.empty() ? "" : ": " + dot.params) + "; " +
                            axes.x.label + " " + format_value(dot.x, axes.x.unit) + ", " +
                            axes.y.label + " " + format_value(dot.y, axes.y.unit);
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
  Series line{"Pareto front", series_color(4), Shape::kSteps};
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
