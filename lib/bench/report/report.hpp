// Score lines as tables, charts and one self-contained page.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/report/canvas.hpp"
#include "bench/score/score.hpp"

namespace stateutils::bench {

// Score lines of several agents side by side. Agents and groups keep the order of the input, "all"
// first.
class Report {
 public:
  explicit Report(std::vector<ScoreLine> lines);

  [[nodiscard]] const std::vector<std::string>& agents() const { return agents_; }
  [[nodiscard]] const std::vector<std::string>& groups() const { return groups_; }
  [[nodiscard]] const std::vector<ScoreLine>& lines() const { return lines_; }
  // nullptr where an agent has no trial of the group.
  [[nodiscard]] const ScoreLine* find(const std::string& agent, const std::string& group) const;
  [[nodiscard]] std::vector<std::string> failure_modes() const;

 private:
  std::vector<ScoreLine> lines_;
  std::vector<std::string> agents_, groups_;
  std::map<std::pair<std::string, std::string>, std::size_t> places_;
};

// Figures that others published, to stand beside ours; those of models are context, no targets.
struct PublishedFigure {
  const char *what, *value;
};
[[nodiscard]] const std::vector<PublishedFigure>& published_figures();

struct Extent {
  double width = 0, height = 0;
};

// Strict against partial success, one dot per agent.
[[nodiscard]] Extent scatter_extent(const Report& report);
void draw_scatter(Canvas& canvas, const Report& report, double x, double y);
// Share of trials at progress >= 0.8 that still miss something, one bar per agent.
[[nodiscard]] Extent near_miss_extent(const Report& report);
void draw_near_misses(Canvas& canvas, const Report& report, double x, double y);
// Strict success with its interval, by ability and agent.
[[nodiscard]] Extent ability_extent(const Report& report);
void draw_abilities(Canvas& canvas, const Report& report, double x, double y);

// The three charts on one surface.
[[nodiscard]] std::string report_svg(const Report& report);
[[nodiscard]] std::string report_png(const Report& report);
// One page without any reference to elsewhere.
[[nodiscard]] std::string report_html(const Report& report);

// "12.3", in percent.
[[nodiscard]] std::string percent(double share);

}  // namespace stateutils::bench
