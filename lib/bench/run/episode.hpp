// One trial on the sim surface: commands in, observations out, a journal and a verdict.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/judge/judge.hpp"
#include "bench/task/task.hpp"

namespace stateutils::bench {

struct Observation {
  int exit = 0;
  std::string out, error;
  bool truncated = false;
};

struct StepRecord {
  std::string cmd;
  int exit = 0;
  std::int64_t ms = 0;
  std::string out;  // as printed, before any truncation
  Id state = 0;
  double reward = 0;
};

class Episode {
 public:
  Episode(const Task& task, Store& store, const Judge& judge);

  // Runs one command line. "done [JSON]" ends the trial with an answer.
  const Observation& step(std::string_view line);
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] int steps_left() const {
    return task_.limits.steps - static_cast<int>(steps_.size());
  }
  [[nodiscard]] const std::string& answer() const { return answer_; }
  [[nodiscard]] Id state() const { return state_; }
  [[nodiscard]] const std::vector<StepRecord>& steps() const { return steps_; }
  [[nodiscard]] Verdict verdict() const { return judge_.judge(state_, answer_); }
  // A read of every table that holds preset state before the first write to it.
  [[nodiscard]] bool inspected() const;
  [[nodiscard]] const Task& task() const { return task_; }
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] std::string journal_line(std::size_t step) const;

 private:
  void run_line(std::string_view line);
  void note_tables(const Call& call);

  const Task& task_;
  Store& store_;
  const Judge& judge_;
  Machine machine_;
  Id state_;
  bool done_ = false;
  std::string answer_;
  double potential_ = 0;
  std::vector<StepRecord> steps_;
  Observation seen_;
  Result result_;
  Call call_;
  std::vector<Id> read_, written_unread_;
};

// The answer as canonical JSON; text that is no JSON is taken as a string.
[[nodiscard]] std::string canonical_answer(std::string_view text);

// SHA-256 over the sorted digests of the entries that differ from the base: canonical
// ["TABLE",{row}] for rows of the state, ["TABLE",{"key":K},null] for base rows that are gone.
class StateDigests {
 public:
  StateDigests(const Store& store, Id base) : store_(store), base_(base) {}
  [[nodiscard]] const std::string& of(Id state);

 private:
  const Store& store_;
  Id base_;
  std::unordered_map<Id, std::string> known_;
  std::unordered_map<std::uint64_t, std::string> rows_;
};

}  // namespace stateutils::bench
