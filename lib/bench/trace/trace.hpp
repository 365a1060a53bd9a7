// Trials as the records of the other tools.
#pragma once

#include <cstdint>
#include <string>

#include "bench/families/multiagent.hpp"
#include "core/jsonl.hpp"

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

// requests records: one turn per step, the context growing by what was said and printed.
// Tokens are bytes/4 rounded up; blocks are 64 tokens, numbered at first use in the session.
void add_requests(const core::Record& trial, core::JsonlWriter& writer);

}  // namespace stateutils::bench
