// Strong errors of splitting methods that use Brownian increments and space-time areas, on the
// Cox-Ingersoll-Ross model and on underdamped Langevin dynamics.
#pragma once

#include <cstdint>
#include <vector>

namespace stateutils::qmc {

enum class SdeModel { kCir, kLangevin };

struct SdeExperiment {
  SdeModel model = SdeModel::kCir;
  bool adaptive = false;         // a PI controller on the difference to two half steps
  std::vector<unsigned> levels;  // 2^level equal steps, or tolerance 2^-level a step
  std::uint64_t paths = 1000, seed = 0;
};

struct SdeRow {
  double steps = 0, error = 0;  // mean number of steps; root mean square error at the end
};

struct SdeResult {
  std::vector<SdeRow> rows;
  double order = 0;  // minus the slope of log error on log steps
};

// Every path against the same method on the same Brownian path: at 2^12 or eight times the most
// equal steps, whichever is more; at 2^14 when steps are adaptive.
[[nodiscard]] SdeResult run_sde(const SdeExperiment& experiment, int threads);

}  // namespace stateutils::qmc
