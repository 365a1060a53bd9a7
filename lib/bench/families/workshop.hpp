// Draws become tasks: solved, given their shortcuts, validated, or rejected with the reason.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/families/pack_family.hpp"
#include "bench/validate/validate.hpp"

namespace stateutils::bench {

struct Rejected {
  std::string task_id;
  std::vector<std::string> why;
};

// What a validation run found, summed over tasks.
struct SuiteReport {
  std::uint64_t tasks = 0, emitted = 0, mutants = 0, equivalent = 0, killed = 0;
  std::map<std::string, OperatorCount> by_op;
  std::map<std::string, OperatorCount> by_scenario;
  std::vector<Rejected> rejected;
  void add(const std::string& scenario, const std::string& id, const Validation& v, bool kept);
  void add(const SuiteReport& other);
  [[nodiscard]] double kill_rate() const;
  [[nodiscard]] std::string json() const;
};

struct Hardened {
  std::vector<TaskRecord> tasks;  // those that passed, in index order
  SuiteReport report;
};

// One worker's room: a store and world of its own, reused from draw to draw.
class Workshop {
 public:
  Workshop(const std::string& world_json, ValidateOptions options);
  ~Workshop();
  [[nodiscard]] Hardened harden(Draw draw);

 private:
  struct Room;
  std::unique_ptr<Room> room_;
  ValidateOptions options_;
};

// Adds reference, optimal_steps, search and metrics to a record.
void add_solution(TaskRecord& record, const Task& task, const SearchResult& found, Store& store);

}  // namespace stateutils::bench
