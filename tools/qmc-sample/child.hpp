// An integrand in other processes: batches of points in, values out, over pipes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/subprocess.hpp"
#include "core/units.hpp"

namespace stateutils::tools {

struct ChildOptions {
  std::string command;
  bool text = false;  // lines of numbers instead of .npy arrays
  int jobs = 1;
  std::optional<core::Duration> timeout;  // the longest silence
};

// One process of `sh -c command`; the nursery ends it.
class Child {
 public:
  Child(core::Nursery& nursery, const ChildOptions& options);

  // Queues a batch: `number` is for messages, the values go to row `first` of the results on.
  void push(std::uint64_t number, std::size_t first, const double* x, std::size_t rows,
            std::size_t d);
  // Moves bytes; kInput naming the batch when the command has gone.
  void write_some();
  void read_some();
  // Takes finished batches out of what was read. `values` has a place for every row once `width`
  // (values a row, 0 before the first) is known; `rows` is their number.
  void collect(std::vector<double>& values, std::size_t& width, std::size_t rows);
  [[nodiscard]] bool is_idle() const { return batches_.empty(); }
  [[nodiscard]] bool has_output() const { return sent_ < unsent_.size(); }
  [[nodiscard]] int input_fd() const { return in_.get(); }
  [[nodiscard]] int output_fd() const { return out_.get(); }
  [[noreturn]] void fail_silent() const;  // kInput naming the batch that waits
  // Closes its input and waits; kInput unless it exits 0.
  void finish();

 private:
  struct Batch {
    std::uint64_t number;
    std::size_t first, rows, taken;  // taken: lines of text that were read
  };
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_broken(const char* what);
  bool take_array(Batch& batch, std::vector<double>& values, std::size_t& width, std::size_t rows);
  bool take_lines(Batch& batch, std::vector<double>& values, std::size_t& width, std::size_t rows);
  void require_width(std::size_t found, std::vector<double>& values, std::size_t& width,
                     std::size_t rows) const;

  core::Nursery& nursery_;
  const ChildOptions& options_;
  core::Fd in_, out_;  // our ends: its stdin, its stdout
  pid_t pid_;
  std::string unsent_, buffer_;
  std::size_t sent_ = 0;
  std::deque<Batch> batches_;
  std::uint64_t last_ = 0;  // number of the last batch that was queued
};

// Several of them; batches are dealt in order, so that results do not depend on how many there are.
class Children {
 public:
  Children(ChildOptions options, std::size_t batch_rows);

  // Sends rows x d coordinates; `y` becomes rows x width. Early ends and wrong counts are kInput
  // naming the batch, counted from 0 over all calls.
  void evaluate(const double* x, std::size_t rows, std::size_t d, std::vector<double>& y);
  void finish();

 private:
  void exchange();
  const ChildOptions options_;
  std::size_t batch_rows_;
  core::Nursery nursery_;
  std::vector<std::unique_ptr<Child>> children_;
  std::uint64_t batch_ = 0;
  std::size_t width_ = 0;
};

}  // namespace stateutils::tools
