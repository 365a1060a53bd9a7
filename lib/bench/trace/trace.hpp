// Trials as the records of the other tools.
#pragma once

#include <cstdint>
#include <string>

#include "bench/families/multiagent.hpp"
#include "bench/trace/token_counter.hpp"
#include "core/jsonl.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

// oplog records (one JSON line per operation) of trials that carry "ops". Trials after the first
// get their own names for agents and keys, and their times follow on.
class OplogTrace {
 public:
  void add(const core::Record& trial, core::JsonlWriter& writer);
  [[nodiscard]] const StoreCounts& expected() const { return expected_; }

 private:
  std::uint64_t trials_ = 0, last_ts_ = 0;
  StoreCounts expected_;
};

// histories records: a transaction is what an agent read since its last commit, and the commit.
class HistoryTrace {
 public:
  void add(const core::Record& trial, core::JsonlWriter& writer);

 private:
  std::uint64_t trials_ = 0, txn_ = 0;
};

struct RequestOptions {
  TokenCounter* tokens = nullptr;  // absent: bytes/4 of the whole context, rounded up
  bool model_durations = false;    // drawn per verb instead of those measured
  std::uint64_t seed = 0;          // of the draws
};

// Milliseconds of one command, drawn log-normally around a median that its verb has; the project's
// own choice: medians from 10 to 500 ms, sigma 0.5. Same bits on every machine.
[[nodiscard]] double model_duration_ms(std::string_view verb, core::Rng& rng);

// requests records: one turn per step, the context growing by what was said and printed. Blocks are
// 64 tokens, numbered at first use in the session.
void add_requests(const core::Record& trial, const RequestOptions& options,
                  core::JsonlWriter& writer);

}  // namespace stateutils::bench
