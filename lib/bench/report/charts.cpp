#include <algorithm>

#include "bench/report/report.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

using core::kGrid;
using core::kInk;
using core::kMuted;
using core::shortened;

constexpr Color kTrack{243, 244, 246}, kWhisker{75, 85, 99};

constexpr double kPlot = 300, kLeft = 54, kTop = 58, kRow = 18, kBar = 11, kBarWidth = 420,
                 kLabels = 210, kLegend = 190;

TextStyle style(double size, Color color, Anchor anchor = Anchor::kStart, bool bold = false) {
  return {size, color, anchor, bold};
}

void draw_title(Canvas& canvas, double x, double y, const char* title, const char* note) {
  canvas.text(x, y + 14, title, style(15, kInk, Anchor::kStart, true));
  canvas.text(x, y + 30, note, style(11, kMuted));
}

void draw_scale(Canvas& canvas, double x, double y, double width, double height) {
  for (int tick = 0; tick <= 100; tick += 25) {
    const double at = x + width * tick / 100;
    canvas.line(at, y, at, y + height, kGrid, 1);
    canvas.text(at, y + height + 15, std::to_string(tick) + "%",
                style(11, kMuted, Anchor::kMiddle));
  }
}

void draw_bar(Canvas& canvas, double x, double y, double share, Color color) {
  canvas.rect(x, y, kBarWidth, kBar, kTrack);
  canvas.rect(x, y, kBarWidth * std::clamp(share, 0.0, 1.0), kBar, color);
}

// Which colour is which agent's.
void draw_legend(Canvas& canvas, const Report& report, double x, double y) {
  for (std::size_t a = 0; a < report.agents().size(); ++a) {
    const std::string& agent = report.agents()[a];
    const double row = y + kRow * static_cast<double>(a);
    canvas.dot(x + 10, row - 4, 5, core::series_color(a), agent);
    canvas.text(x + 22, row, shortened(agent, 24), style(12, kInk));
  }
}

void draw_interval(Canvas& canvas, double x, double y, double lo, double hi) {
  const double from = x + kBarWidth * lo, to = x + kBarWidth * hi, middle = y + kBar / 2;
  canvas.line(from, middle, to, middle, kWhisker, 1);
  for (const double end : {from, to}) canvas.line(end, middle - 3, end, middle + 3, kWhisker, 1);
}

std::string group_title(const std::string& group) {
  std::string out = group == "all" ? "all tasks" : group;
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

}  // namespace

std::string percent(double share) {
  return core::format_fixed(100 * share, 1);
}

Extent scatter_extent(const Report& report) {
  return {kLeft + kPlot + 24 + kLegend,
          std::max(kTop + kPlot + 50, kTop + kRow * static_cast<double>(report.agents().size()))};
}

void draw_scatter(Canvas& canvas, const Report& report, double x, double y) {
  draw_title(canvas, x, y, "Strict against partial success",
             "below the diagonal: partial credit for work that is not done");
  const double left = x + kLeft, top = y + kTop;
  for (int tick = 0; tick <= 100; tick += 25) {
    const double across = left + kPlot * tick / 100, down = top + kPlot - kPlot * tick / 100;
    canvas.line(across, top, across, top + kPlot, kGrid, 1);
    canvas.line(left, down, left + kPlot, down, kGrid, 1);
    canvas.text(across, top + kPlot + 16, std::to_string(tick) + "%",
                style(11, kMuted, Anchor::kMiddle));
    canvas.text(left - 8, down + 4, std::to_string(tick) + "%", style(11, kMuted, Anchor::kEnd));
  }
  canvas.line(left, top + kPlot, left + kPlot, top, kMuted, 1);
  canvas.text(left + kPlot / 2, top + kPlot + 36, "partial", style(12, kInk, Anchor::kMiddle));
  canvas.text(x, top - 12, "strict", style(12, kInk));
  draw_legend(canvas, report, left + kPlot + 24, top + 12);
  for (std::size_t a = 0; a < report.agents().size(); ++a) {
    const std::string& agent = report.agents()[a];
    const ScoreLine* line = report.find(agent, "all");
    if (line == nullptr) continue;
    canvas.dot(left + kPlot * line->partial, top + kPlot - kPlot * line->strict, 6,
               core::series_color(a),
               agent + ": strict " + percent(line->strict) + " %, partial " +
                   percent(line->partial) + " %");
  }
}

Extent near_miss_extent(const Report& report) {
  return {kLabels + kBarWidth + 60, kTop + kRow * static_cast<double>(report.agents().size()) + 30};
}

void draw_near_misses(Canvas& canvas, const Report& report, double x, double y) {
  draw_title(canvas, x, y, "Near misses",
             "of the trials with progress of 80 % or more, the share that fails all the same");
  const double left = x + kLabels, top = y + kTop;
  draw_scale(canvas, left, top - 4, kBarWidth, kRow * static_cast<double>(report.agents().size()));
  for (std::size_t a = 0; a < report.agents().size(); ++a) {
    const double row = top + kRow * static_cast<double>(a);
    const ScoreLine* line = report.find(report.agents()[a], "all");
    canvas.text(left - 10, row + 10, shortened(report.agents()[a], 28),
                style(12, kInk, Anchor::kEnd));
    if (line == nullptr || !line->has_closure) {
      canvas.text(left + 4, row + 10, "no trial came that far", style(11, kMuted));
      continue;
    }
    draw_bar(canvas, left, row, 1 - line->closure, core::series_color(a));
    canvas.text(left + kBarWidth + 8, row + 10, percent(1 - line->closure), style(11, kInk));
  }
}

Extent ability_extent(const Report& report) {
  const double rows = static_cast<double>(report.agents().size());
  return {kLabels + kBarWidth + 60 + kLegend,
          kTop + static_cast<double>(report.groups().size()) * (kRow * rows + 10) + 30};
}

void draw_abilities(Canvas& canvas, const Report& report, double x, double y) {
  draw_title(canvas, x, y, "Strict success by ability", "bars: share of trials; whiskers: 95 %");
  const double left = x + kLabels, top = y + kTop;
  draw_scale(canvas, left, top - 4, kBarWidth, ability_extent(report).height - kTop - 30);
  draw_legend(canvas, report, left + kBarWidth + 60, top + 10);
  double row = top;
  for (const std::string& group : report.groups()) {
    const double height = kRow * static_cast<double>(report.agents().size());
    canvas.text(left - 10, row + height / 2 + 2, shortened(group_title(group), 30),
                style(12, kInk, Anchor::kEnd, group == "all"));
    for (std::size_t a = 0; a < report.agents().size(); ++a, row += kRow) {
      const ScoreLine* line = report.find(report.agents()[a], group);
      if (line == nullptr) continue;
      draw_bar(canvas, left, row, line->strict, core::series_color(a));
      draw_interval(canvas, left, row, line->lo, line->hi);
      canvas.text(left + kBarWidth + 8, row + 10, percent(line->strict), style(11, kInk));
    }
    row += 10;
  }
}

namespace {

constexpr double kMargin = 24;

Extent whole_extent(const Report& report) {
  const Extent parts[] = {scatter_extent(report), ability_extent(report), near_miss_extent(report)};
  Extent out{0, kMargin};
  for (const Extent& part : parts) {
    out.width = std::max(out.width, part.width + 2 * kMargin);
    out.height += part.height + kMargin;
  }
  return out;
}

void draw_whole(Canvas& canvas, const Report& report) {
  const Extent all = whole_extent(report);
  canvas.rect(0, 0, all.width, all.height, {255, 255, 255});
  double y = kMargin;
  draw_scatter(canvas, report, kMargin, y);
  y += scatter_extent(report).height + kMargin;
  draw_abilities(canvas, report, kMargin, y);
  y += ability_extent(report).height + kMargin;
  draw_near_misses(canvas, report, kMargin, y);
}

}  // namespace

std::string report_svg(const Report& report) {
  const Extent all = whole_extent(report);
  SvgCanvas canvas(all.width, all.height, "gen-bench report");
  draw_whole(canvas, report);
  return canvas.svg();
}

std::string report_png(const Report& report) {
  const Extent all = whole_extent(report);
  RasterCanvas canvas(all.width, all.height);
  draw_whole(canvas, report);
  return canvas.png();
}

}  // namespace stateutils::bench
