// Scripted agents over shared keys: a seeded interleaving of reads and commits against a store
// that keeps Observable-Read Isolation, or breaks it in a chosen way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/task/record.hpp"

namespace stateutils::bench {

// What the scripted store gets wrong: nothing; the check of the key written (lost updates); the
// check of the other keys read (stale reads across keys); or any check at all.
enum class StoreBug { kHonest, kWriteWrite, kCrossKey, kBlind };
[[nodiscard]] StoreBug parse_store_bug(std::string_view name);  // none, ww, xs, blind; kUsage

struct ScriptStep {
  int agent = 0;
  bool commit = false;  // else a read
  int key = 0;
};

// A commit to a key labelled `to` must not follow, in the same transaction, a read of one labelled
// `from`.
struct FlowRule {
  std::string from, to;
};

struct MultiagentScript {
  std::vector<std::string> agents, keys;
  std::vector<std::string> labels;  // of the keys, empty where there is none
  std::vector<FlowRule> flow;
  std::vector<ScriptStep> steps;
  StoreBug bug = StoreBug::kHonest;
};

struct StoreOp {
  std::uint64_t ts = 0;  // ns
  std::string agent, op, key, error, injected;
  int status = 200;
  std::int64_t version = -1, expected = -1;
  std::size_t step = 0;
};

// The counts that an audit of the operations must reproduce.
struct StoreCounts {
  std::uint64_t ops = 0, agents = 0, shards = 0, commits = 0, rejected = 0, ww = 0, xs_commits = 0,
                xs_pairs = 0;
  void add(const StoreCounts& other);
  [[nodiscard]] std::string json() const;
};

struct StoreRun {
  std::vector<StoreOp> ops;
  StoreCounts expected;
  bool clean = true;        // nothing was accepted that had to be refused
  std::uint64_t flows = 0;  // commits that a flow rule forbids
};

// Task record `index` of the family; parameters agents, keys, rounds, bug and flow.
struct MultiagentOptions {
  std::uint64_t seed = 0;
  int agents = 4, keys = 3, rounds = 12;
  std::string bug = "mixed";  // none, ww, xs, blind, or mixed: turn by turn
  bool flow = false;          // keys have labels, and the contract forbids high to low
};
[[nodiscard]] TaskRecord multiagent_task(const MultiagentOptions& options, std::uint64_t index);

[[nodiscard]] MultiagentScript read_script(const Cursor& task);
[[nodiscard]] StoreRun run_script(const MultiagentScript& script, std::uint64_t seed);
void append_op(std::string& out, const StoreOp& op);

}  // namespace stateutils::bench
