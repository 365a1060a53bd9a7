#include "ckpt/ops/diff_chart.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "core/svg.hpp"
#include "core/units.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::size_t kMostRows = 48;
constexpr double kNames = 300, kPlot = 420, kTop = 96, kRow = 17, kMargin = 24;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// layers.9 before layers.10.
bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto number = [](std::string_view text, std::size_t& at) {
        const std::size_t from = std::min(text.find_first_not_of('0', at), text.size());
        at = from;
        while (at < text.size() && is_digit(text[at])) ++at;
        return text.substr(from, at - from);
      };
      const std::string_view x = number(a, i), y = number(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

// The most different ones, by name.
std::vector<const TensorDiff*> rows_of(const std::vector<const TensorDiff*>& changed) {
  std::vector<const TensorDiff*> rows = changed;
  std::ranges::stable_sort(rows, std::greater<>{}, &TensorDiff::rms);
  rows.resize(std::min(rows.size(), kMostRows));
  std::ranges::stable_sort(rows, [](const TensorDiff* a, const TensorDiff* b) {
    return natural_less(a->name, b->name);
  });
  return rows;
}

// Powers of ten across the picture.
struct LogScale {
  int low = 0, high = 1;
  explicit LogScale(const std::vector<const TensorDiff*>& rows) {
    if (rows.empty()) return;
    const auto least = std::ranges::min(rows, {}, &TensorDiff::rms)->rms;
    const auto most = std::ranges::max(rows, {}, &TensorDiff::max_abs)->max_abs;
    low = static_cast<int>(std::floor(std::log10(least)));
    high = std::max(low + 1, static_cast<int>(std::ceil(std::log10(most))));
  }
  [[nodiscard]] double at(double value) const {
    return kNames + kPlot * (std::log10(value) - low) / (high - low);
  }
};

void draw_axis(core::SvgCanvas& canvas, const LogScale& scale, double bottom) {
  const int step = (scale.high - scale.low + 7) / 8;
  for (int decade = scale.low; decade <= scale.high; decade += step) {
    const double x = kNames + kPlot * (decade - scale.low) / (scale.high - scale.low);
    canvas.line(x, kTop - 8, x, bottom, core::kGrid, 1);
    canvas.text(x, bottom + 18, "1e" + std::to_string(decade),
                {11, core::kMuted, core::Anchor::kMiddle});
  }
  canvas.text(kNames + kPlot / 2, bottom + 38, "|a - b|", {12, core::kInk, core::Anchor::kMiddle});
}

void draw_legend(core::SvgCanvas& canvas, core::Color rms, core::Color largest) {
  canvas.dot(kNames, kTop - 24, 5, rms, "");
  canvas.text(kNames + 12, kTop - 20, "root mean square", {12, core::kInk});
  canvas.dot(kNames + 150, kTop - 24, 5, largest, "");
  canvas.text(kNames + 162, kTop - 20, "largest", {12, core::kInk});
}

}  // namespace

std::string diff_svg(std::span<const TensorDiff> diffs) {
  std::vector<const TensorDiff*> changed;
  for (const TensorDiff& diff : diffs) {
    if (diff.rms > 0) changed.push_back(&diff);
  }
  const auto rows = rows_of(changed);
  const LogScale scale(rows);
  const double bottom = kTop + kRow * static_cast<double>(rows.size());
  const core::Color rms = core::series_color(0), largest = core::series_color(1);
  core::SvgCanvas canvas(kNames + kPlot + 2 * kMargin, bottom + 56, "Difference by tensor");
  canvas.rect(0, 0, kNames + kPlot + 2 * kMargin, bottom + 56, {255, 255, 255});
  canvas.text(kMargin, 32, "Difference by tensor", {15, core::kInk, core::Anchor::kStart, true});
  std::string note = std::to_string(changed.size()) + " of " + std::to_string(diffs.size()) +
                     " tensors have other values";
  if (rows.size() < changed.size()) {
    note += "; the " + std::to_string(rows.size()) + " that differ most";
  }
  canvas.text(kMargin, 50, note, {11, core::kMuted});
  draw_legend(canvas, rms, largest);
  draw_axis(canvas, scale, bottom);
  double y = kTop + kRow / 2;
  for (const TensorDiff* diff : rows) {
    const double from = scale.at(diff->rms), to = scale.at(diff->max_abs);
    canvas.text(kNames - 12, y + 4, core::shortened(diff->name, 42),
                {11, core::kInk, core::Anchor::kEnd});
    canvas.line(from, y, to, y, core::kMuted, 1);
    canvas.dot(to, y, 5, largest, diff->name + ": largest " + core::format_double(diff->max_abs));
    canvas.dot(from, y, 5, rms,
               diff->name + ": root mean square " + core::format_double(diff->rms));
    y += kRow;
  }
  return canvas.svg();
}

}  // namespace stateutils::ckpt
