// Whether an exported task gives the verdicts of this program: for the
// reference, for nothing, and for ten wrong plans, its own scripts run by a
// real shell.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/export/forms.hpp"
#include "bench/export/process.hpp"
#include "core/subprocess.hpp"

namespace stateutils::bench {

struct SelfTest {
  std::uint64_t tasks = 0, runs = 0, passed = 0;  // runs that got strict 1
  std::vector<std::string> differences;           // "TASK_ID: oracle", "TASK_ID: drop 2" ...
};

class ExportChecker {
 public:
  // `folder`: where the export lies. kUsage for a form without scripts.
  ExportChecker(std::string form, std::string folder);
  ExportChecker(const ExportChecker&) = delete;
  ExportChecker& operator=(const ExportChecker&) = delete;

  void check(const ExportTask& task, Store& store, SelfTest& out);

 private:
  [[nodiscard]] bool verdict_there(const ExportTask& task, const Plan& plan);
  [[nodiscard]] int shell(const std::string& script);
  [[nodiscard]] bool scripted_verdict(const std::string& task_folder, const Plan& plan);
  [[nodiscard]] bool inspect_verdict(const std::string& task_id, const Plan& plan);
  [[nodiscard]] bool swe_verdict(const ExportTask& task, const Plan& plan);
  void clear();

  ScratchFolder scratch_;
  std::string form_, folder_, room_;
  core::Nursery nursery_;
  std::vector<std::string> environment_;
};

// Whether a plan leaves the data base that the reference actions of tasks.json leave, both run from
// what db.json and the task's initial state say.
[[nodiscard]] bool tau2_verdict(const ExportTask& task, Store& store, const Plan& plan,
                                const std::string& folder);

// Up to `most` plans near a reference that go wrong, or may: named by what was
// done to it.
[[nodiscard]] std::vector<std::pair<std::string, Plan>> wrong_plans(const Task& task, Store& store,
                                                                    std::size_t most);

}  // namespace stateutils::bench
