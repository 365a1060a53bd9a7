// Results as charts: what the records hold decides which.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/chart.hpp"
#include "core/input.hpp"

namespace stateutils::kv {

struct PlotOptions {
  std::optional<std::string> x, y;  // dotted fields instead of the usual axes
  double attain = 0.99;             // share of requests for which a point meets the SLO
};

// kv-requests: distributions of their times. kv-cache and mrc: curves over the size with the bound.
// Sweeps and summaries: cost (else bytes of KV) against ttft.p99. kInput for other records or kinds
// that do not mix, kUsage for a field that no record has.
[[nodiscard]] std::string plot_svg(const std::vector<std::unique_ptr<core::ByteSource>>& sources,
                                   const PlotOptions& options);

// Only the chart, of one source of sweep lines.
[[nodiscard]] core::Chart sweep_chart(core::ByteSource& source, const PlotOptions& options);

}  // namespace stateutils::kv
