#include "kv/plot.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "core/jsonl.hpp"
#include "kv/sweep_chart.hpp"

namespace stateutils::kv {
namespace {

using core::quoted;
using core::series_color;
using Shape = core::ChartSeries::Shape;

enum class Kind { kRequests, kCache, kCurve, kSummary };

std::optional<Kind> kind_of(const core::Record& record) {
  if (const auto ttft = record.find("ttft")) {
    if (ttft->is_object()) return Kind::kSummary;
    if (record.has("e2e")) return Kind::kRequests;
  }
  if (!record.has("capacity_blocks")) return {};
  if (record.has("miss_ratio")) return Kind::kCurve;
  if (record.has("policy")) return Kind::kCache;
  return {};
}

std::optional<double> number_at(const core::Record& record, std::string_view path) {
  // Names with dots of their own ("batch.max_seqs" under params) are tried whole first.
  if (path.starts_with("params.")) {
    const auto params = record.find("params");
    simdjson::dom::object object;
    double number = 0;
    if (!params || params->get(object) != simdjson::SUCCESS ||
        object.at_key(path.substr(7)).get(number) != simdjson::SUCCESS) {
      return {};
    }
    return number;
  }
  std::size_t dot = path.find('.');
  auto at = record.find(path.substr(0, dot));
  while (at && dot != std::string_view::npos) {
    path.remove_prefix(dot + 1);
    dot = path.find('.');
    simdjson::dom::element inner;
    if (!at->is_object() || at->at_key(path.substr(0, dot)).get(inner) != simdjson::SUCCESS) {
      return {};
    }
    at = inner;
  }
  double value = 0;
  if (!at || at->get_double().get(value) != simdjson::SUCCESS) return {};
  return value;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string params_text(const core::Record& record) {
  std::string text;
  const auto params = record.find("params");
  simdjson::dom::object object;
  if (!params || params->get(object) != simdjson::SUCCESS) return text;
  for (const auto field : object) {
    std::string_view string;
    text += (text.empty() ? "" : ", ") + std::string(field.key) + " ";
    text += field.value.get(string) == simdjson::SUCCESS
                ? std::string(string)
                : std::string(simdjson::minify(field.value));
  }
  return text;
}

// One curve of hits over sizes.
struct PlottedCurve {
  std::string name, file;
  bool bound = false;
  std::vector<core::ChartPoint> points{};
};

class Plot {
 public:
  Plot(const PlotOptions& options, std::size_t files) : options_(options), many_(files > 1) {}

  void read(core::ByteSource& source) {
    core::JsonlReader reader(source, {1ull << 30, "", 1, false});
    file_ = base_name(source.name());
    std::size_t records = 0;
    while (const core::Record* record = reader.next()) {
      const auto kind = kind_of(*record);
      if (!kind) {
        throw record->error("not of kv-requests, kv-cache, mrc or a summary: nothing to plot");
      }
      const auto family = [](Kind k) { return k == Kind::kCurve ? Kind::kCache : k; };
      if (known_ && family(kind_) != family(*kind)) {
        throw record->error("a record of another kind than those before");
      }
      kind_ = *kind;
      known_ = true;
      take(*record, *kind, records++);
    }
    if (records == 0) throw core::input_error({source.name()}, "no records in it");
  }

  [[nodiscard]] std::string svg() {
    switch (kind_) {
      case Kind::kRequests:
        return requests_svg();
      case Kind::kSummary:
        return core::charts_svg("", {sweep()}, false);
      default:
        return core::charts_svg("", {curves()}, false);
    }
  }

  [[nodiscard]] core::Chart sweep() {
    const std::string x = options_.x.value_or(costs_ ? "cost" : "memory.total_kv_bytes");
    const std::string y = options_.y.value_or("ttft.p99");
    for (std::size_t i = 0; i < dots_.size(); ++i) {
      if (!options_.x) dots_[i].x = costs_ ? costly_[i] : bytes_[i];
      if (!std::isfinite(dots_[i].objective)) dots_[i].objective = dots_[i].x;
    }
    std::erase_if(
        dots_, [](const SweepDot& dot) { return !std::isfinite(dot.x) || !std::isfinite(dot.y); });
    if (dots_.empty()) missing(x + " and " + y);
    return sweep_chart(dots_, {field_axis(x), field_axis(y), less_is_better(x), less_is_better(y)});
  }

 private:
  void take(const core::Record& record, Kind kind, std::size_t index) {
    if (kind == Kind::kRequests) {
      take_request(record);
    } else if (kind == Kind::kSummary) {
      take_summary(record, index);
    } else if (kind == Kind::kCurve) {
      take_curve(record);
    } else {
      take_cache(record);
    }
  }

  // --- requests -------------------------------------------------------------------------------

  [[nodiscard]] std::vector<std::string> request_fields() const {
    if (options_.x) return {*options_.x};
    return {"ttft", "tpot", "e2e"};
  }
  void take_request(const core::Record& record) {
    if (options_.x && options_.y) {
      const auto x = number_at(record, *options_.x), y = number_at(record, *options_.y);
      if (x && y) scatter_[file_].push_back({*x, *y, std::string(record.string("id"))});
      return;
    }
    for (const std::string& field : request_fields()) {
      if (const auto value = number_at(record, field)) values_[field][file_].push_back(*value);
    }
  }
  [[nodiscard]] core::Chart distribution(const std::string& field) {
    core::Chart chart{"", "share of requests at or below; dots: 99 %", field_axis(field), {}};
    chart.title = chart.x.label;
    chart.y = {"share of requests", core::ChartUnit::kShare};
    chart.width = options_.x ? 560 : 330;
    chart.height = 300;
    double least = INFINITY, most = 0;
    std::size_t index = 0;
    std::vector<core::ChartSeries> tails;
    for (auto& entry : values_[field]) {
      const std::string& file = entry.first;
      std::vector<double>& values = entry.second;
      const core::Color color = series_color(index++);
      std::ranges::sort(values);
      least = std::min(least, values.front());
      most = std::max(most, values.back());
      core::ChartSeries line{many_ ? file : "", color};
      const std::size_t n = values.size(), points = std::min<std::size_t>(n, 500);
      const auto point = [&](std::size_t at) {
        return core::ChartPoint{values[at], static_cast<double>(at + 1) / static_cast<double>(n)};
      };
      line.points.push_back({values.front(), 0});
      for (std::size_t k = 1; k <= points; ++k) line.points.push_back(point(k * n / points - 1));
      core::ChartPoint tail = point(static_cast<std::size_t>(0.99 * static_cast<double>(n - 1)));
      tail.tip = file + ": 99 % at or below " + core::format_value(tail.x, chart.x.unit);
      tails.push_back({"", color, Shape::kDots, {tail}});
      chart.series.push_back(std::move(line));
    }
    chart.x.log = spreads(least, most);
    for (core::ChartSeries& tail : tails) chart.series.push_back(std::move(tail));
    return chart;
  }
  [[nodiscard]] std::string requests_svg() {
    if (options_.y && !options_.x) throw core::usage_error("--y of requests needs --x");
    if (options_.y) {
      if (scatter_.empty()) missing(*options_.x + " and " + *options_.y);
      core::Chart chart{*options_.y + " by " + *options_.x, "one dot per request",
                        field_axis(*options_.x), field_axis(*options_.y)};
      std::size_t index = 0;
      for (auto& [file, points] : scatter_) {
        // More dots than a picture can tell apart only make it heavy.
        constexpr std::size_t kMost = 4000;
        std::vector<core::ChartPoint> some;
        const std::size_t every = (points.size() + kMost - 1) / kMost;
        for (std::size_t i = 0; i < points.size(); i += every) some.push_back(points[i]);
        if (every > 1) chart.note = "one dot per " + std::to_string(every) + " requests";
        chart.series.push_back(
            {many_ ? file : "", series_color(index++), Shape::kDots, std::move(some)});
      }
      return core::charts_svg("", {chart}, false);
    }
    std::vector<core::Chart> charts;
    for (const std::string& field : request_fields()) {
      if (values_.contains(field)) charts.push_back(distribution(field));
    }
    if (charts.empty()) missing(options_.x.value_or("ttft"));
    return core::charts_svg("", charts, false);
  }

  // --- cache and mrc --------------------------------------------------------------------------

  PlottedCurve& curve(const std::string& name, bool bound = false) {
    for (PlottedCurve& one : curves_) {
      if (one.name == name && one.file == file_) return one;
    }
    curves_.push_back({name, file_, bound});
    return curves_.back();
  }
  void take_curve(const core::Record& record) {
    if (options_.x || options_.y) return take_fields(record, "lru, every size");
    curve("lru, every size")
        .points.push_back({record.number("capacity_blocks"), 1 - record.number("miss_ratio")});
  }
  void take_cache(const core::Record& record) {
    const auto mode = record.opt_string("mode");
    const std::string flat = mode == "flat" ? ", flat" : "";
    const std::string name = std::string(record.string("policy")) + flat;
    if (options_.x || options_.y) return take_fields(record, name);
    const double size = record.number("capacity_blocks");
    curve(name).points.push_back({size, record.number("hit_ratio")});
    const auto all = record.opt_number(flat.empty() ? "blocks" : "accesses");
    if (!all || *all <= 0) return;
    for (const char* bound : {"belady", "unbounded"}) {
      const auto hits = number_at(record, std::string("bound.") + bound);
      if (hits)
        curve(std::string("bound: ") + bound + flat, true).points.push_back({size, *hits / *all});
    }
  }
  void take_fields(const core::Record& record, const std::string& name) {
    const auto x = number_at(record, options_.x.value_or("capacity_blocks"));
    const auto y = number_at(record, options_.y.value_or("hit_ratio"));
    if (x && y) curve(name).points.push_back({*x, *y});
  }
  [[nodiscard]] core::Chart curves() {
    if (curves_.empty()) missing(options_.y.value_or("") + options_.x.value_or(""));
    core::Chart chart{"Hits by cache size",
                      "share of block references that hit; dashed: no policy can do better",
                      {},
                      {}};
    chart.x = {"size (blocks)", core::ChartUnit::kNumber, true};
    chart.y = {"hit ratio", core::ChartUnit::kShare};
    if (options_.x) chart.x = field_axis(*options_.x);
    if (options_.y) chart.y = field_axis(*options_.y);
    if (options_.x || options_.y) chart.title = chart.y.label + " by " + chart.x.label;
    std::ranges::stable_sort(curves_, {}, &PlottedCurve::bound);
    std::size_t index = 0;
    double least = INFINITY, most = 0;
    for (PlottedCurve& one : curves_) {
      const auto same = std::ranges::count(curves_, one.name, &PlottedCurve::name);
      const std::string name = one.name + (same > 1 ? " (" + one.file + ")" : "");
      std::ranges::stable_sort(one.points, {}, &core::ChartPoint::x);
      for (core::ChartPoint& point : one.points) {
        least = std::min(least, point.x);
        most = std::max(most, point.x);
        point.tip = name + ": " + core::format_value(point.y, chart.y.unit) + " at " +
                    core::format_value(point.x, chart.x.unit);
      }
      const core::Color color = one.bound ? core::kMuted : series_color(index++);
      chart.series.push_back({name, color, one.bound ? Shape::kDashed : Shape::kLine, one.points});
      if (!one.bound && one.points.size() <= 24) {
        chart.series.push_back({"", color, Shape::kDots, one.points});
      }
    }
    chart.x.log = spreads(least, most);
    return chart;
  }

  // --- sweeps ---------------------------------------------------------------------------------

  void take_summary(const core::Record& record, std::size_t index) {
    SweepDot dot;
    const auto point = record.opt_u64("point");
    dot.name = point ? "point " + std::to_string(*point)
                     : file_ + (index > 0 ? " " + std::to_string(index) : "");
    if (point && many_) dot.name += " (" + file_ + ")";
    dot.params = params_text(record);
    dot.attained = record.opt_number("slo_attainment").value_or(0);
    dot.meets = dot.attained >= options_.attain;
    const auto cost = record.opt_number("cost");
    costs_ &= cost && *cost > 0;
    costly_.push_back(cost.value_or(NAN));
    const auto gpu = number_at(record, "memory.kv_bytes");
    bytes_.push_back(number_at(record, "memory.total_kv_bytes").value_or(gpu.value_or(NAN)));
    dot.x = options_.x ? number_at(record, *options_.x).value_or(NAN) : 0;
    dot.y = number_at(record, options_.y.value_or("ttft.p99")).value_or(NAN);
    dot.objective = record.opt_number("objective").value_or(NAN);
    dots_.push_back(std::move(dot));
  }
  [[noreturn]] static void missing(const std::string& field) {
    throw core::usage_error("no record has a number at " + quoted(field));
  }

  const PlotOptions& options_;
  bool many_, known_ = false, costs_ = true;
  std::string file_;
  Kind kind_ = Kind::kSummary;
  std::map<std::string, std::map<std::string, std::vector<double>>> values_;  // field, file
  std::map<std::string, std::vector<core::ChartPoint>> scatter_;              // by file
  std::vector<PlottedCurve> curves_;
  std::vector<SweepDot> dots_;
  std::vector<double> costly_, bytes_;
};

}  // namespace

std::string plot_svg(const std::vector<std::unique_ptr<core::ByteSource>>& sources,
                     const PlotOptions& options) {
  Plot plot(options, sources.size());
  for (const auto& source : sources) plot.read(*source);
  return plot.svg();
}

core::Chart sweep_chart(core::ByteSource& source, const PlotOptions& options) {
  Plot plot(options, 1);
  plot.read(source);
  return plot.sweep();
}

}  // namespace stateutils::kv
