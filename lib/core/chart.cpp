#include "core/chart.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "core/html.hpp"
#include "core/units.hpp"
#include "core/utf8.hpp"

namespace stateutils::core {
namespace {

constexpr double kLeft = 66, kTop = 44, kBottom = 46, kRight = 22, kLegendRow = 18, kAxisName = 14;

TextStyle style(double size, Color color, Anchor anchor = Anchor::kStart, bool bold = false) {
  return {size, color, anchor, bold};
}

// Digits enough to tell 4 places, and none that say nothing.
std::string short_number(double value) {
  const double size = std::fabs(value);
  int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  if (size > 0 && size < 0.01) return format_double(std::stod(format_fixed(value, 6)));
  std::string text = format_fixed(value, digits);
  if (digits > 0) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

struct Step {
  double size;
  const char* name;
};

std::string scaled(double value, std::initializer_list<Step> steps) {
  // The largest step that leaves a number of at least 1; the smallest for what is below all.
  const Step* best = steps.end() - 1;
  for (const Step& step : steps) {
    if (std::fabs(value) >= step.size * (1 - 1e-9)) {
      best = &step;
      break;
    }
  }
  return short_number(value / best->size) + best->name;
}

// Ends of what an axis shows, and where its lines are.
class Scale {
 public:
  Scale(const Chart& chart, bool across) : axis_(across ? chart.x : chart.y) {
    low_ = std::numeric_limits<double>::infinity();
    high_ = -low_;
    for (const ChartSeries& series : chart.series) {
      for (const ChartPoint& point : series.points) {
        const double v = across ? point.x : point.y;
        if (!std::isfinite(v) || (axis_.log && v <= 0)) continue;
        low_ = std::min(low_, v);
        high_ = std::max(high_, v);
      }
    }
    if (!(low_ <= high_)) low_ = axis_.log ? 1 : 0, high_ = axis_.log ? 10 : 1;
    axis_.log ? widen_log() : widen_linear();
  }
  // 0 at the low end, 1 at the high one.
  [[nodiscard]] double at(double v) const {
    if (!axis_.log) return (v - low_) / (high_ - low_);
    return v <= low_ ? 0 : std::log(v / low_) / std::log(high_ / low_);
  }
  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_; }
  [[nodiscard]] std::string label(double tick) const { return format_value(tick, axis_.unit); }

 private:
  void widen_linear() {
    if (low_ > 0 && low_ < 0.5 * high_) low_ = 0;
    if (low_ == high_) {
      const double room = low_ == 0 ? 1 : std::fabs(low_) * 0.1;
      high_ += room;
      if (low_ != 0) low_ -= room;
    }
    const double unit = axis_.unit == ChartUnit::kBytes ? byte_unit(high_) : 1;
    const double step = nice_step((high_ - low_) / 5 / unit) * unit;
    const double first = std::floor(low_ / step + 1e-9), last = std::ceil(high_ / step - 1e-9);
    for (long k = 0, count = std::lround(last - first); k <= count; ++k) {
      ticks_.push_back((first + static_cast<double>(k)) * step);
    }
    low_ = ticks_.front();
    high_ = ticks_.back();
  }
  void widen_log() {
    low_ /= 1.15;
    high_ *= 1.15;
    const double decades = std::log10(high_ / low_);
    const int every = std::max(1, static_cast<int>(std::ceil(decades / 8)));
    const int from = static_cast<int>(std::floor(std::log10(low_)));
    for (int k = from; std::pow(10.0, k) <= high_; ++k) {
      for (const double m : {1.0, 2.0, 5.0}) {
        if (m > 1 && decades > 2.2) continue;
        if ((k - from) % every != 0) continue;
        const double tick = m * std::pow(10.0, k);
        if (tick >= low_ && tick <= high_) ticks_.push_back(tick);
      }
    }
  }
  static double byte_unit(double most) {
    double unit = 1;
    while (unit * 1024 <= most && unit < 1e15) unit *= 1024;
    return unit;
  }
  static double nice_step(double rough) {
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double m : {1.0, 2.0, 2.5, 5.0}) {
      if (m * power >= rough * (1 - 1e-9)) return m * power;
    }
    return 10 * power;
  }

  const ChartAxis& axis_;
  double low_ = 0, high_ = 1;
  std::vector<double> ticks_;
};

// Widths of texts are not known here; a sans-serif letter takes about half its size.
double text_width(const std::string& text, double size) {
  return 0.55 * size * static_cast<double>(count_code_points(text));
}

struct LegendEntry {
  const ChartSeries* series;
  double x, row;
};

std::vector<LegendEntry> legend_of(const Chart& chart) {
  std::vector<LegendEntry> entries;
  double x = 0, row = 0;
  for (const ChartSeries& series : chart.series) {
    if (series.name.empty()) continue;
    const double wide = 30 + text_width(shortened(series.name, 44), 12);
    if (x > 0 && x + wide > chart.width) x = 0, ++row;
    entries.push_back({&series, x, row});
    x += wide + 14;
  }
  return entries;
}

double legend_height(const Chart& chart) {
  const auto entries = legend_of(chart);
  return entries.empty() ? 0 : (entries.back().row + 1) * kLegendRow + 6;
}

void draw_mark(SvgCanvas& canvas, const ChartSeries& series, double x, double y) {
  using Shape = ChartSeries::Shape;
  if (series.shape == Shape::kDots) {
    canvas.dot(x + 9, y - 4, 5, series.color, series.name);
  } else if (series.shape == Shape::kRings) {
    canvas.ring(x + 9, y - 4, 5, series.color, 2, series.name);
  } else {
    const std::pair<double, double> ends[] = {{x, y - 4}, {x + 18, y - 4}};
    canvas.path(ends, series.color, 2.2, series.shape == Shape::kDashed ? 5 : 0);
  }
}

class Drawing {
 public:
  Drawing(SvgCanvas& canvas, const Chart& chart, double x, double y)
      : canvas_(canvas),
        chart_(chart),
        across_(chart, true),
        up_(chart, false),
        left_(x + kLeft),
        top_(y + kTop + legend_height(chart) + kAxisName) {}

  void frame(double x, double y) {
    std::string title = chart_.title;
    if (!title.empty()) {
      title[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(title[0])));
    }
    canvas_.text(x, y + 15, title, style(15, kInk, Anchor::kStart, true));
    canvas_.text(x, y + 32, chart_.note, style(11, kMuted));
    for (const LegendEntry& entry : legend_of(chart_)) {
      const double at = y + kTop + 8 + entry.row * kLegendRow;
      draw_mark(canvas_, *entry.series, left_ + entry.x, at);
      canvas_.text(left_ + entry.x + 24, at, shortened(entry.series->name, 44), style(12, kInk));
    }
    for (const double tick : up_.ticks()) {
      const double at = place_y(tick);
      canvas_.line(left_, at, left_ + chart_.width, at, kGrid, 1);
      canvas_.text(left_ - 8, at + 4, up_.label(tick), style(11, kMuted, Anchor::kEnd));
    }
    double label_end = left_ - kLeft;  // labels that would touch are left out
    for (const double tick : across_.ticks()) {
      const double at = place_x(tick);
      const std::string label = across_.label(tick);
      canvas_.line(at, top_, at, top_ + chart_.height, kGrid, 1);
      const double half = text_width(label, 11) / 2;
      if (at - half < label_end + 6) continue;
      label_end = at + half;
      canvas_.text(at, top_ + chart_.height + 16, label, style(11, kMuted, Anchor::kMiddle));
    }
    canvas_.line(left_, top_ + chart_.height, left_ + chart_.width, top_ + chart_.height, kMuted,
                 1);
    canvas_.text(left_ + chart_.width / 2, top_ + chart_.height + 36, chart_.x.label,
                 style(12, kInk, Anchor::kMiddle));
    canvas_.text(x, top_ - 10, chart_.y.label, style(12, kInk));
  }

  void series(const ChartSeries& series) {
    using Shape = ChartSeries::Shape;
    std::vector<std::pair<double, double>> line;
    for (const ChartPoint& point : series.points) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y)) continue;
      const double x = place_x(point.x), y = place_y(point.y);
      switch (series.shape) {
        case Shape::kDots:
          canvas_.dot(x, y, 5, series.color, point.tip);
          break;
        case Shape::kRings:
          canvas_.ring(x, y, 9, series.color, 2.5, point.tip);
          break;
        case Shape::kSteps:
          if (!line.empty()) line.emplace_back(x, line.back().second);
          [[fallthrough]];
        default:
          line.emplace_back(x, y);
      }
    }
    canvas_.path(line, series.color, 2.2, series.shape == Shape::kDashed ? 5 : 0);
  }

 private:
  [[nodiscard]] double place_x(double v) const { return left_ + chart_.width * across_.at(v); }
  [[nodiscard]] double place_y(double v) const { return top_ + chart_.height * (1 - up_.at(v)); }

  SvgCanvas& canvas_;
  const Chart& chart_;
  Scale across_, up_;
  double left_, top_;
};

}  // namespace

std::string format_value(double value, ChartUnit unit) {
  if (value == 0) return unit == ChartUnit::kShare ? "0%" : "0";
  switch (unit) {
    case ChartUnit::kSeconds:
      return scaled(value, {{1, " s"}, {1e-3, " ms"}, {1e-6, " us"}, {1e-9, " ns"}});
    case ChartUnit::kBytes:
      return scaled(value, {{1099511627776.0, " TiB"},
                            {1073741824.0, " GiB"},
                            {1048576.0, " MiB"},
                            {1024.0, " KiB"},
                            {1, " B"}});
    case ChartUnit::kShare:
      return short_number(100 * value) + "%";
    default:
      if (std::fabs(value) >= 1e15) return format_double(value);
      if (std::fabs(value) < 1e4) return short_number(value);
      return scaled(value, {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}});
  }
}

ChartExtent chart_extent(const Chart& chart) {
  const double title = std::max(text_width(chart.title, 15), text_width(chart.note, 11));
  return {std::max(kLeft + chart.width + kRight, title),
          kTop + legend_height(chart) + kAxisName + chart.height + kBottom};
}

void draw_chart(SvgCanvas& canvas, const Chart& chart, double x, double y) {
  Drawing drawing(canvas, chart, x, y);
  drawing.frame(x, y);
  for (const ChartSeries& series : chart.series) drawing.series(series);
}

std::string charts_svg(const std::string& heading, const std::vector<Chart>& charts, bool inside) {
  constexpr double kMargin = 20, kGap = 24;
  ChartExtent all{2 * kMargin - kGap, 0};
  for (const Chart& chart : charts) {
    const ChartExtent extent = chart_extent(chart);
    all.width += extent.width + kGap;
    all.height = std::max(all.height, extent.height);
  }
  const double top = heading.empty() ? kMargin : kMargin + 30;
  SvgCanvas canvas(all.width, all.height + top + kMargin / 2,
                   heading.empty() && !charts.empty() ? charts.front().title : heading, inside);
  canvas.rect(0, 0, all.width, all.height + top + kMargin / 2, {255, 255, 255});
  if (!heading.empty()) {
    canvas.text(kMargin, kMargin + 14, heading, style(17, kInk, Anchor::kStart, true));
  }
  double x = kMargin;
  for (const Chart& chart : charts) {
    draw_chart(canvas, chart, x, top);
    x += chart_extent(chart).width + kGap;
  }
  return canvas.svg();
}

}  // namespace stateutils::core
