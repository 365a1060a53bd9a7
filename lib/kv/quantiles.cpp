#include "kv/quantiles.hpp"

#include <algorithm>
#include <cmath>

namespace stateutils::kv {
namespace {

constexpr double kShares[] = {0.5, 0.9, 0.95, 0.99, 0.999};

Quantiles from(double mean, double max, const double (&q)[5]) {
  return {mean, q[0], q[1], q[2], q[3], q[4], max};
}

}  // namespace

Quantiles quantiles(std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  double q[5];
  auto rest = values.begin();  // what is before is in place
  for (int i = 0; i < 5; ++i) {
    const double at = kShares[i] * static_cast<double>(values.size() - 1);
    const auto low = values.begin() + static_cast<std::ptrdiff_t>(at);
    if (low >= rest) {
      std::nth_element(rest, low, values.end());
      rest = low + 1;
    }
    const double next = rest == values.end() ? *low : *std::min_element(rest, values.end());
    // numpy's lerp: from the nearer end, so that equal neighbours give themselves.
    const double t = at - std::floor(at), gap = next - *low;
    q[i] = t < 0.5 ? *low + gap * t : next - gap * (1 - t);
  }
  const double max = *std::max_element(rest == values.end() ? rest - 1 : rest, values.end());
  return from(sum / static_cast<double>(values.size()), max, q);
}

Quantiles histogram_quantiles(std::span<const std::uint64_t> counts) {
  std::uint64_t all = 0;
  double sum = 0, max = 0;
  for (std::size_t v = 0; v < counts.size(); ++v) {
    all += counts[v];
    sum += static_cast<double>(v) * static_cast<double>(counts[v]);
    if (counts[v] > 0) max = static_cast<double>(v);
  }
  double q[5];
  std::size_t v = 0;
  std::uint64_t below = 0;  // values smaller than v
  for (int i = 0; i < 5; ++i) {
    const double at = kShares[i] * static_cast<double>(all - 1);
    const auto low = static_cast<std::uint64_t>(at);
    while (below + counts[v] <= low) below += counts[v++];
    std::size_t next = v;
    if (low + 1 < all && below + counts[v] <= low + 1) {
      do {
        ++next;
      } while (counts[next] == 0);
    }
    const double t = at - static_cast<double>(low), gap = static_cast<double>(next - v);
    q[i] = t < 0.5 ? static_cast<double>(v) + gap * t : static_cast<double>(next) - gap * (1 - t);
  }
  return from(sum / static_cast<double>(all), max, q);
}

void write_quantiles(core::JsonWriter& json, const Quantiles& values) {
  json.begin_object().field("mean", values.mean).field("p50", values.p50);
  json.field("p90", values.p90).field("p95", values.p95).field("p99", values.p99);
  json.field("p999", values.p999).field("max", values.max).end_object();
}

void write_quantiles(core::JsonWriter& json, std::vector<double>& values) {
  if (values.empty()) {
    json.null();
  } else {
    write_quantiles(json, quantiles(values));
  }
}

}  // namespace stateutils::kv
