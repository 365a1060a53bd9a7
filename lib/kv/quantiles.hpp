// Means and percentiles as numpy computes them (linear interpolation between order statistics).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/json_writer.hpp"

namespace stateutils::kv {

struct Quantiles {
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0, p999 = 0, max = 0;
};

// Of at least one value; reorders them. The sum runs in the order given, in blocks.
[[nodiscard]] Quantiles quantiles(std::vector<double>& values);
// Of values v held counts[v] times.
[[nodiscard]] Quantiles histogram_quantiles(std::span<const std::uint64_t> counts);
// {"mean":..,"p50":..,...}, or null without values.
void write_quantiles(core::JsonWriter& json, std::vector<double>& values);
void write_quantiles(core::JsonWriter& json, const Quantiles& values);

}  // namespace stateutils::kv
