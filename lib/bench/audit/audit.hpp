// Somebody else's suite under the questions of our own validation. What cannot be known stays
// unknown: nothing is guessed.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/task/task.hpp"

namespace stateutils::bench {

// One step of a reference plan as the suite's judge reads it.
struct AuditStep {
  std::string text;
  std::optional<bool> writes;
  std::vector<std::string> perturbed;  // the same step with one argument changed
};

struct AuditTask {
  std::string id;
  std::optional<std::vector<AuditStep>> plan;
  std::optional<bool> noop_pass, reference_ok, count_only, clean;
  std::optional<double> noop_partial;
  std::optional<std::uint64_t> mutants, killed;
};

// Which tools change state, by name.
using ToolKinds = std::map<std::string, bool>;
// tools.json ([{name, mutates}]) or a tools.py with @is_tool(ToolType.WRITE) above each `def`.
[[nodiscard]] ToolKinds read_tool_kinds(const std::string& path);

// tau2 tasks.json: rewards on the data base, on communicated facts, or on actions.
[[nodiscard]] std::vector<AuditTask> read_tau2(const std::string& path, const ToolKinds& kinds);
// A folder of Harbor tasks, plans from solution/solve.sh.
[[nodiscard]] std::vector<AuditTask> read_harbor(const std::string& folder, const ToolKinds& kinds);
// A task record of ours: everything can be asked of our own judge.
[[nodiscard]] AuditTask audit_task(const Task& task, Store& store);

// The score in [0,1] that a suite's judge gives to a plan (its lines).
using SuiteJudge = std::function<double(const std::string& task, const std::string& plan)>;
// `command TASK_ID`, plan on stdin, score on the last line of its output.
[[nodiscard]] SuiteJudge command_judge(const std::string& command);
// Asks the judge about doing nothing, about the reference, and about mutants of the steps that are
// known to write.
void ask_judge(AuditTask& task, const SuiteJudge& judge);

struct AuditReport {
  std::uint64_t tasks = 0;
  std::optional<std::vector<std::string>> noop_pass, reference_rejected;
  std::optional<double> noop_partial, clean_share, kill_rate;
  std::optional<std::uint64_t> count_only, mutants, killed;
  [[nodiscard]] std::string json() const;
};
// A figure is known when it is known of every task.
[[nodiscard]] AuditReport summarize_audit(const std::vector<AuditTask>& tasks);

}  // namespace stateutils::bench
