// What an iteration takes. Times are fixed point, 2^-20 ns, so that a stretch of decode steps has
// an exact closed form; on a stretch the cost is a line in the context that the decodes read.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/run_config.hpp"

namespace stateutils::kv {

inline constexpr int kFixedBits = 20;
__extension__ typedef __int128 Wide;  // NOLINT: an alias cannot carry __extension__

// A sum of fixed-point times in ns, rounded half up.
[[nodiscard]] inline std::int64_t rounded_ns(Wide fixed) {
  return static_cast<std::int64_t>((fixed + (Wide{1} << (kFixedBits - 1))) >> kFixedBits);
}
[[nodiscard]] std::int64_t fixed_of_seconds(double seconds);

// One iteration's work but for the context of its decodes.
struct BatchShape {
  std::uint64_t prefill_tokens = 0;
  double prefill_attention = 0;       // sum of new_i (ctx_i + new_i / 2)
  std::uint64_t prefill_context = 0;  // cached tokens that prefills read
  std::uint32_t decodes = 0;
  std::uint32_t window = 1;  // tokens that each decode computes side by side
};

// cost(ctx) = fixed + per_ctx * ctx for contexts up to `last`, all decodes' tokens together.
struct CostLine {
  std::int64_t fixed = 0, per_ctx = 0;
  std::uint64_t last = ~0ull;
  std::int64_t overhead = 0;  // of `fixed`: time in which the device waits for its host and links
  bool extrapolated = false;
  [[nodiscard]] Wide at(std::uint64_t ctx) const { return fixed + Wide{per_ctx} * ctx; }
};

class CostModel {
 public:
  virtual ~CostModel() = default;
  // The line through the cost at `ctx`.
  [[nodiscard]] virtual CostLine line(const BatchShape& batch, std::uint64_t ctx) const = 0;
  // What arithmetic and memory would take alone, in fixed point; a model that does not tell them
  // apart has arithmetic only.
  struct Parts {
    double compute = 0, memory = 0, overhead = 0;
  };
  [[nodiscard]] virtual Parts parts(const BatchShape& batch, std::uint64_t ctx) const {
    return {static_cast<double>(cost(batch, ctx))};
  }
  [[nodiscard]] Wide cost(const BatchShape& batch, std::uint64_t ctx) const {
    return line(batch, ctx).at(ctx);
  }
};

// For one instance of `entry`.
[[nodiscard]] std::unique_ptr<CostModel> make_cost_model(const RunConfig& config,
                                                         const FleetEntry& entry);

// A stretch of equal decode steps: n decodes that read ctx, ctx + n, ctx + 2n ... tokens.
struct StretchSum {
  Wide total = 0;  // of the first `steps` steps
  Wide overhead = 0;
  std::uint64_t extrapolated = 0;  // steps outside the measured range
  Wide last = 0;                   // cost of the last one, the longest
};
[[nodiscard]] StretchSum sum_steps(const CostModel& model, std::uint32_t decodes, std::uint64_t ctx,
                                   std::uint64_t steps);

}  // namespace stateutils::kv
