// Child processes that are killed and reaped with everything they left behind.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace stateutils::core {

// A file descriptor that is closed with its owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { close(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

// Both ends close-on-exec; kEnvironment when there are none left.
struct Pipe {
  Fd read, write;
  Pipe();
};
void set_nonblocking(int fd);

struct Spawn {
  std::vector<std::string> argv;
  std::string folder;                                   // working folder; empty: ours
  std::optional<std::vector<std::string>> environment;  // NAME=VALUE; absent: ours
  std::vector<std::pair<int, int>> descriptors;         // ours -> the child's, besides 0, 1, 2
  // Runs in the child between fork and exec: system calls only. False refuses to go on.
  std::function<bool()> confine;
};

// Starts processes in sessions of their own and keeps track of what they leave behind. This
// process becomes the subreaper of them all, so that daemons come back to it.
class Nursery {
 public:
  Nursery();
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  // The child's process id; kEnvironment when the program cannot be started.
  [[nodiscard]] pid_t start(const Spawn& spawn);
  // Kills a child that start() gave, all its descendants, and orphans that are nobody else's; waits
  // for them. Returns the child's wait status.
  int end(pid_t child);
  // The child's wait status once it has ended by itself; it stays known until end().
  [[nodiscard]] std::optional<int> ended(pid_t child);

 private:
  [[nodiscard]] std::vector<pid_t> strays(pid_t child) const;

  std::set<pid_t> children_;
  std::vector<std::pair<pid_t, int>> statuses_;
};

// Exit status as a shell shows it: 128 + signal for a killed process.
[[nodiscard]] int shell_status(int wait_status);

// Milliseconds of the monotonic clock.
[[nodiscard]] std::int64_t now_ms();

}  // namespace stateutils::core
