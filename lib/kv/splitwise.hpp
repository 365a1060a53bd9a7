// The rules and the arithmetic of splitwise-sim (Patel et al., ISCA 2024): seconds in doubles,
// whole prompts, memory reserved at start, measured iteration times. Kept apart from the engine,
// whose rules differ in almost every point.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json_writer.hpp"
#include "core/jsonl.hpp"
#include "kv/run_config.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

struct SplitwiseResult {
  std::vector<double> arrival, start, first, finish;  // s, by request
  std::vector<std::uint32_t> prompt_instance, token_instance;
  std::uint64_t iterations = 0;
  double busy = 0;  // s of iterations, over all instances
};

[[nodiscard]] SplitwiseResult simulate_splitwise(const Trace& trace, const RunConfig& config);

void write_splitwise_summary(core::JsonWriter& json, const Trace& trace, const RunConfig& config,
                             const SplitwiseResult& result);
void write_splitwise_requests(core::JsonlWriter& writer, const Trace& trace,
                              const SplitwiseResult& result);

}  // namespace stateutils::kv
