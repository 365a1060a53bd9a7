// Serving: a fleet of instances that run iterations over a trace, in integer nanoseconds.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kv/cost.hpp"
#include "kv/engine_work.hpp"
#include "kv/run_config.hpp"

namespace stateutils::kv {

struct SimOptions {
  bool exact_steps = false;  // the plain loop, one iteration after the other
  bool detail = false;       // keep what --requests needs
  std::function<void(const IterationLine&)> on_iteration;  // in no particular order of instances
};

// One instance as both loops see it.
struct InstanceSetup {
  const FleetEntry* entry = nullptr;
  std::shared_ptr<const CostModel> cost;
  std::uint64_t units = 0;       // KV room in blocks of batch.block tokens
  std::vector<TierSetup> tiers;  // in blocks of the trace
};

// The fleet and the sizes that both loops compute with.
struct Fleet {
  Fleet(const Trace& trace, const RunConfig& config);
  std::vector<InstanceSetup> instances;
  std::vector<std::uint32_t> front, back;  // where requests arrive; where they decode (disagg)
  std::uint32_t block = 16;                // tokens of a cached block: the trace's
  std::uint32_t per_block = 1;             // units of a cached block
  std::uint64_t token_bytes = 0;
  std::uint64_t most_preemptions = 0;  // more than a run that gets anywhere can have

  // Blocks of a request that can be found computed: never all of the `target` tokens.
  [[nodiscard]] std::uint32_t shareable(const Trace& trace, const RunConfig& config,
                                        std::uint32_t request, std::uint32_t target) const {
    if (!config.share_prefixes) return 0;
    return std::min(full_blocks(trace, request), (target - 1) / block);
  }
  // Units that a request whose KV comes back needs for its next iteration: a token's, or a chunk's
  // of what is `left` of its prompt. Without them it would go out again.
  [[nodiscard]] std::uint32_t next_units(const RunConfig& config, std::uint64_t tokens,
                                         std::uint32_t left, bool decodes) const {
    std::uint32_t more = decodes ? 1 : left;
    if (config.chunked) more = std::min(more, config.max_tokens);
    return units_of(tokens + more, config.block) - units_of(tokens, config.block);
  }
  // Refuses (kEnvironment) a run whose requests push each other out for ever.
  void check_progress(std::uint64_t preempted) const;
  [[nodiscard]] std::uint32_t units_of(std::uint64_t tokens, std::uint32_t unit) const {
    return static_cast<std::uint32_t>((tokens + unit - 1) / unit);
  }
};

struct SimResult {
  Outcomes outcomes;
  ArrivalTimes arrival;
};

[[nodiscard]] SimResult simulate(const Trace& trace, const RunConfig& config,
                                 const SimOptions& options);

// The two loops behind it; they share policies and formulas, not the loop.
[[nodiscard]] SimResult simulate_stretches(const Trace& trace, const RunConfig& config,
                                           const SimOptions& options);
[[nodiscard]] SimResult simulate_plainly(const Trace& trace, const RunConfig& config,
                                         const SimOptions& options);
// The layout semi-pd, by iterations of its two phases.
[[nodiscard]] SimResult simulate_semi_pd(const Trace& trace, const RunConfig& config,
                                         const SimOptions& options);

// ns for `bytes` at bytes/s, rounded up; 0 for an unlimited rate of 0.
[[nodiscard]] std::int64_t transfer_ns(std::uint64_t bytes, double bytes_per_s);
// The part of moving a prompt's KV between instances that is not hidden behind its prefill.
[[nodiscard]] std::int64_t handover_ns(const RunConfig& config, std::uint64_t bytes,
                                       std::int64_t prefill);
// FastSwitch: time of moving `units` blocks between GPU and CPU.
[[nodiscard]] std::int64_t swap_ns(const RunConfig& config, std::uint64_t units,
                                   std::uint64_t bytes);
// How many from the front fit into `room` together, at most `seqs`.
[[nodiscard]] std::size_t fitting(std::span<const std::uint64_t> units, std::uint64_t room,
                                  std::size_t seqs);
// What `tokens` of prompts take in chunks beside so many decodes, whose context is left out.
[[nodiscard]] std::int64_t prefill_ns(const CostModel& cost, const RunConfig& config,
                                      std::uint64_t tokens, std::uint32_t decodes);
// What computing `tokens` more on top of `context` takes: an iteration with them less one without.
[[nodiscard]] std::int64_t recompute_ns(const CostModel& cost, std::uint64_t context,
                                        std::uint64_t tokens);

}  // namespace stateutils::kv
