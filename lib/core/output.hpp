// Byte sinks. Everything a tool writes goes through one of these, in blocks, with every error
// checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace stateutils::core {

inline constexpr std::size_t kBlockBytes = 256 * 1024;

// A buffered sink. Data is delivered in blocks of kBlockBytes; commit() delivers the rest and
// makes the result final. A sink destroyed without commit() leaves no (partial) file behind.
class Output {
 public:
  Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  virtual ~Output();

  void write(const void* data, std::size_t size);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void flush();           // delivers what is buffered
  virtual void commit();  // flush, then finish: errors of close and rename surface here
  [[nodiscard]] std::uint64_t bytes_written() const { return delivered_ + used_; }

 protected:
  virtual void deliver(const char* data, std::size_t size) = 0;
  void discard() { used_ = 0; }

 private:
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  std::uint64_t delivered_ = 0;
};

// Writes to a file descriptor it does not own; a pipe is asked to hold 1 MiB. Loops over EINTR and
// short counts. A reader that has gone away raises ClosedPipe; other failures are kEnvironment.
class FdOutput : public Output {
 public:
  FdOutput(int fd, std::string name);
  ~FdOutput() override;

 protected:
  void deliver(const char* data, std::size_t size) override;

 private:
  int fd_;
  std::string name_;
};

class MemoryOutput : public Output {
 public:
  [[nodiscard]] const std::string& text();  // flushed content

 protected:
  void deliver(const char* data, std::size_t size) override { text_.append(data, size); }

 private:
  std::string text_;
};

// Thrown when a pipe's reader has closed; core::Tool ends the process as SIGPIPE would.
struct ClosedPipe {};

// write(2) until all is written; EINTR with a pending stop request raises core::Interrupted.
void write_fully(int fd, const char* data, std::size_t size, const std::string& name);
// The same into a pipe without a copy, by vmsplice(2): the memory must stay as it is until the
// pipe's reader has read it.
void lend_fully(int fd, const char* data, std::size_t size, const std::string& name);
void pwrite_fully(int fd, const char* data, std::size_t size, std::uint64_t offset,
                  const std::string& name);

}  // namespace stateutils::core
