// An integrand in another process: batches of points in, values out, over two pipes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::tools {

class Child {
 public:
  // Starts `sh -c command`; `text`: one point and one value a line, else .npy.
  Child(const std::string& command, bool text);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  // Sends rows x d coordinates and reads as many values. An early end or a wrong count is kInput
  // naming the batch, counted from 0.
  void evaluate(const double* x, std::size_t rows, std::size_t d, double* y);
  // Closes its input and waits; kInput unless it exits 0.
  void finish();

 private:
  [[noreturn]] void fail(const std::string& message) const;
  [[nodiscard]] std::string batch_bytes(const double* x, std::size_t rows, std::size_t d) const;
  bool take_values(std::size_t rows, double* y);
  bool take_array(std::size_t rows, double* y);
  bool take_lines(std::size_t rows, double* y);
  void exchange(const std::string& out, std::size_t& sent);

  bool text_;
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;  // our ends: its stdin, its stdout
  std::string buffer_;
  std::uint64_t batch_ = 0;
  std::size_t lines_ = 0;  // of this batch that were read
};

}  // namespace stateutils::tools
