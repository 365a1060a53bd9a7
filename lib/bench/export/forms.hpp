// Tasks in the forms of other harnesses.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/task/record.hpp"
#include "bench/task/task.hpp"

namespace stateutils::bench {

// Files of an export by their path below its folder; scripts are executable.
struct ExportFile {
  std::string text;
  bool script = false;
};
using ExportFiles = std::map<std::string, ExportFile>;

// What every form is made of.
struct ExportTask {
  const Task& task;
  std::string world;   // world.json: what the commands need, no contract, no kinds
  std::string judged;  // task.json: init, contract and world, for the judge alone
  std::string record;  // the whole record, for judges that need more than that
  std::string canary;
  std::vector<std::string> commands;
};
[[nodiscard]] ExportTask export_task(const Task& task, const TaskRecord& record);

// A plan as lines of a shell script; `done JSON` becomes gb-done.
[[nodiscard]] std::string plan_script(const Plan& plan);

class ExportForm {
 public:
  virtual ~ExportForm() = default;
  // False: the form cannot carry this task (`why` says what a do-nothing agent
  // would get).
  [[nodiscard]] virtual bool add(const ExportTask& task, Store& store, ExportFiles& files,
                                 std::string& why) = 0;
  // What belongs to all tasks together.
  virtual void finish(ExportFiles& files) = 0;
  // Whether the binary goes beside each task's Dockerfile, and where.
  [[nodiscard]] virtual std::string binary_folder(const std::string& task_id) const = 0;
};

// Whether tasks of this family are programs: only swe carries them, and nothing else.
[[nodiscard]] bool is_code_family(std::string_view family);

// harbor, terminal-bench, tau2, inspect or swe.
[[nodiscard]] std::unique_ptr<ExportForm> make_form(std::string_view name);

}  // namespace stateutils::bench
