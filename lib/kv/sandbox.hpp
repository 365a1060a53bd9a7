// Agents' sandboxes under one host's memory: how much to reserve, and what that kills or wastes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::kv {

// One agent run: its memory by second of progress, and its tool calls.
struct SandboxCall {
  double start_s = 0, end_s = 0;
  std::uint32_t tool = 0;
};
struct MemorySample {
  std::uint32_t second = 0;
  double mb = 0;  // until the next sample
};
struct SandboxRun {
  std::string model, task;
  std::vector<MemorySample> samples;  // at least one, seconds rise
  std::vector<SandboxCall> calls;     // by start
  [[nodiscard]] std::uint32_t seconds() const { return samples.back().second + 1; }
  [[nodiscard]] double peak() const;
};
struct SandboxTable {
  std::vector<SandboxRun> runs;  // in the order of the memory table
  std::vector<std::string> tools;
};
// Memory: model, task, t_s, mem_mb (seconds between samples hold the one before). Tool calls:
// model, task, tool, start_s, duration_s. Runs without a call, or calls without a run, are kept or
// left out respectively.
[[nodiscard]] SandboxTable read_sandboxes(const std::string& memory, const std::string& memory_file,
                                          const std::string& calls, const std::string& calls_file);

// static: every run reserves `limit_mb`. history: the largest peak of the finished runs of its
// model, times `margin`; `limit_mb` before there are 3. Both kill a run that passes what it
// reserved. tool: a run reserves what it held before its tool call and a soft limit for the call,
// the 95th percentile of what earlier calls of the tool added, times `margin` (`limit_mb` before
// there are 3). A run starts when the host has room for history's limit; a call above its soft
// limit goes on while the host has room, and waits (is throttled) while it has not; only when every
// run waits is the last one that started killed.
struct SandboxRule {
  enum class Kind { kStatic, kHistory, kTool };
  std::string name;
  Kind kind = Kind::kStatic;
  double host_mb = 0, limit_mb = 0, margin = 1.1;
};
// "static", "history", "tool".
[[nodiscard]] SandboxRule::Kind parse_sandbox_policy(const std::string& text);

struct SandboxResult {
  std::uint64_t finished = 0, killed = 0, refused = 0;  // refused: more than the host at any time
  double makespan_s = 0, reserved_mb_s = 0, used_mb_s = 0, throttled_s = 0;
  double waste_mb_s = 0;  // reserved and not used, run by run
  double most_used_mb = 0;
  std::uint64_t most_running = 0;
  std::vector<double> completion;  // s from the start of all until the end, of finished runs
};
// All runs wait from time 0 and start in their order as soon as the host can reserve for the next
// one; time passes in steps of 1 s.
[[nodiscard]] SandboxResult simulate_sandboxes(const SandboxTable& table, const SandboxRule& rule);

}  // namespace stateutils::kv
