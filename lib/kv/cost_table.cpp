#include "kv/cost_table.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"

namespace stateutils::kv {
namespace {

struct Point {
  double x = 0, seconds = 0;
};
using Curve = std::vector<Point>;

// The segment of a curve for x: its line, where it ends and whether x lies outside the points.
struct Segment {
  double at_zero = 0, slope = 0, end = 1e18;
  bool outside = false;
  [[nodiscard]] double at(double x) const { return at_zero + slope * x; }
};

Segment segment_of(const Curve& curve, double x) {
  Segment s;
  if (curve.size() == 1) {
    s.at_zero = curve[0].seconds;
    s.outside = x != curve[0].x;
    return s;
  }
  std::size_t i = 0;
  while (i + 2 < curve.size() && x >= curve[i + 1].x) ++i;
  const Point &a = curve[i], &b = curve[i + 1];
  s.slope = std::max(0.0, (b.seconds - a.seconds) / (b.x - a.x));
  s.at_zero = a.seconds - s.slope * a.x;
  s.outside = x < a.x || x > b.x;
  if (x < a.x) {
    s.end = a.x;
    // Going on to the left must not end below zero.
    if (s.at_zero < 0) s = {0, a.seconds / a.x, a.x, true};
  } else if (i + 2 < curve.size() || x <= b.x) {
    s.end = b.x;
  }
  return s;
}

class TableCost : public CostModel {
 public:
  TableCost(Curve prefill, std::map<double, Curve> decode)
      : prefill_(std::move(prefill)), decode_(std::move(decode)) {}

  CostLine line(const BatchShape& batch, std::uint64_t ctx) const override {
    CostLine line;
    double seconds = 0;
    if (batch.prefill_tokens > 0) {
      const auto tokens = static_cast<double>(batch.prefill_tokens);
      const Segment s = segment_of(prefill_, tokens);
      line.extrapolated = s.outside;
      seconds = std::max(0.0, s.at(tokens));
    }
    if (batch.decodes > 0) add_decodes(batch.decodes, ctx, seconds, line);
    line.fixed = fixed_of_seconds(seconds);
    return line;
  }

 private:
  void add_decodes(std::uint32_t decodes, std::uint64_t ctx, double& seconds, CostLine& line) const {
    const double n = decodes, mean = static_cast<double>(ctx) / n;
    auto high = decode_.lower_bound(n);
    const bool below = high == decode_.begin() && n < high->first;
    const bool above = high == decode_.end();
    if (above) --high;
    auto low = high;
    if (high->first > n && !below) --low;
    if ((below || above) && decode_.size() > 1) above ? --low : ++high;
    const Segment a = segment_of(low->second, mean), b = segment_of(high->second, mean);
    const double share =
        low == high ? 0 : (n - low->first) / (high->first - low->first);
    seconds += a.at_zero * (1 - share) + b.at_zero * share;
    const double slope = std::max(0.0, a.slope * (1 - share) + b.slope * share);
    line.per_ctx = fixed_of_seconds(slope / n);
    line.extrapolated |= below || above || a.outside || b.outside;
    const double end = std::min(a.end, b.end) * n;
    if (end < 1e18) line.last = std::max(ctx, static_cast<std::uint64_t>(end));
  }

  Curve prefill_;
  std::map<double, Curve> decode_;
};

Curve finished(std::vector<Point> points, const std::string& file) {
  std::ranges::sort(points, {}, &Point::x);
  Curve curve;
  for (const Point& point : points) {
    if (!curve.empty() && curve.back().x == point.x) {
      throw core::input_error({file}, "the profile has a point twice");
    }
    curve.push_back(point);
  }
  return curve;
}

}  // namespace

std::unique_ptr<CostModel> make_table_cost(const std::string& path) {
  const nlohmann::json profile = core::load_json(path);
  const auto fail = [&path](const std::string& what) { return core::input_error({path}, what); };
  const auto number = [&fail](const nlohmann::json& point, const char* key) {
    const bool good = point.is_object() && point.contains(key) && point[key].is_number() &&
                      point[key].get<double>() >= 0 && point[key].get<double>() < 1e12;
    if (!good) throw fail(std::string("a point has no \"") + key + "\"");
    return point[key].get<double>();
  };
  const auto list = [&](const char* key) -> const nlohmann::json& {
    if (!profile.is_object() || !profile.contains(key) || !profile[key].is_array() ||
        profile[key].empty()) {
      throw fail(std::string("a profile needs a list \"") + key + "\"");
    }
    return profile[key];
  };
  std::vector<Point> prefill;
  for (const auto& point : list("prefill")) {
    prefill.push_back({number(point, "tokens"), number(point, "seconds")});
  }
  std::map<double, std::vector<Point>> decode;
  for (const auto& point : list("decode")) {
    decode[number(point, "batch")].push_back({number(point, "context"), number(point, "seconds")});
  }
  std::map<double, Curve> curves;
  for (auto& [batch, points] : decode) curves[batch] = finished(std::move(points), path);
  return std::make_unique<TableCost>(finished(std::move(prefill), path), std::move(curves));
}

}  // namespace stateutils::kv
