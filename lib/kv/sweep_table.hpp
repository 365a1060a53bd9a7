// Which configuration to choose: the points of a sweep, best first, for people.
#pragma once

#include <string>
#include <vector>

#include "kv/sweep.hpp"

namespace stateutils::kv {

struct SweepTable {
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
  bool any = false;  // meets the SLO; else the only row is the nearest miss
};

// Those that meet the SLO by objective, with their parameters, percentiles, attainment and how far
// their block hits are from the offline bound; or the nearest miss.
[[nodiscard]] SweepTable sweep_table(const std::vector<SweepLine>& lines);

struct SweepPage {
  std::string trace, objective;  // as asked for
  double attain = 0.99;
};
// One page without any reference to elsewhere: the choice, the Pareto front, the table, and what
// each parameter does to the objective.
[[nodiscard]] std::string sweep_html(const std::vector<SweepLine>& lines, const SweepPage& page);

}  // namespace stateutils::kv
