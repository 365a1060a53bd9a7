// One trial on the sim surface: commands in, observations out, a journal and a verdict.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
  std::string out;  // as printed; of outputs past a surface's bounds, head and tail
  std::uint64_t out_bytes = 0;
  std::string out_sha256;  // of the whole; empty: that of `out`
  Id state = 0;
  double reward = 0;
};

// Head and tail of a text longer than `limit` bytes, so that both its ends can be read.
void truncate(std::string& text, std::size_t limit);

// The answer as canonical JSON; text that is no JSON is taken as a string.
[[nodiscard]] std::string canonical_answer(std::string_view text);

class Episode;

// Where command lines go instead of straight to the simulated world.
class Surface {
 public:
  virtual ~Surface() = default;
  // Runs one line, which may apply() any number of commands; fills what was seen and recorded.
  virtual void run(Episode& episode, std::string_view line, Observation& seen,
                   StepRecord& record) = 0;
};

class Episode {
 public:
  Episode(const Task& task, Store& store, const Judge& judge, Surface* surface = nullptr);

  // Runs one command line. "done [JSON]" ends the trial with an answer.
  const Observation& step(std::string_view line);
  // One command of a surface on the world, or its answer: parts of the step at hand.
  Observation apply(std::string_view line);
  void answer_with(std::string_view json) { done_ = true, answer_ = canonical_answer(json); }
  // Variables of the agent's runtime, kept as configuration values below this prefix, do not
  // outlive a step.
  void forget_after_steps(std::string prefix) { forgotten_ = std::move(prefix); }
  // Ends the trial from outside: timeout, crash, protocol.
  void stop(std::string end) { stopped_ = std::move(end); }
  [[nodiscard]] const std::string& stopped() const { return stopped_; }
  [[nodiscard]] bool done() const { return done_ || !stopped_.empty(); }
  [[nodiscard]] int steps_left() const {
    return stopped_.empty() ? task_.limits.steps - static_cast<int>(steps_.size()) : 0;
  }
  [[nodiscard]] const std::string& answer() const { return answer_; }
  [[nodiscard]] Id state() const { return state_; }
  [[nodiscard]] const std::vector<StepRecord>& steps() const { return steps_; }
  // On where the last step led.
  [[nodiscard]] const Verdict& verdict() const { return verdict_; }
  // A read of every table that holds preset state before the first write to it.
  [[nodiscard]] bool inspected() const;
  [[nodiscard]] const Task& task() const { return task_; }
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] std::string journal_line(std::size_t step) const;

 private:
  void run_line(std::string_view line, Observation& seen);
  void note_tables(const Call& call);
  void forget_variables();

  const Task& task_;
  Store& store_;
  const Judge& judge_;
  Surface* surface_;
  Machine machine_;
  Id state_;
  bool done_ = false;
  std::string answer_, stopped_, forgotten_;
  Verdict verdict_;
  std::vector<StepRecord> steps_;
  Observation seen_;
  Result result_;
  Call call_;
  std::vector<Id> read_, written_unread_;
};

}  // namespace stateutils::bench
