// The shell surface: one sandbox and one shell per trial. Verbs are commands in there that ask the
// world out here; state and journal never lie where an agent can write.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/run/episode.hpp"
#include "bench/shell/sandbox.hpp"
#include "bench/shell/world_socket.hpp"

namespace stateutils::bench {

// What a stream printed: both ends kept, the whole counted and hashed.
class CappedOutput {
 public:
  explicit CappedOutput(std::size_t limit);
  ~CappedOutput();
  CappedOutput(CappedOutput&&) noexcept;
  CappedOutput& operator=(CappedOutput&&) noexcept;
  void add(std::string_view bytes);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // Valid UTF-8: what is none becomes U+FFFD.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool truncated() const { return bytes_ > limit_; }
  [[nodiscard]] std::string sha256();

 private:
  struct Hash;
  std::size_t limit_;
  std::uint64_t bytes_ = 0;
  std::string head_, tail_;
  std::unique_ptr<Hash> hash_;
};

class ShellSurface : public Surface {
 public:
  // `reset`: a fresh shell for every step.
  ShellSurface(SandboxHost& host, core::Nursery& nursery, const Task& task, bool reset);
  ~ShellSurface() override;

  void run(Episode& episode, std::string_view line, Observation& seen, StepRecord& record) override;
  // A file for the agent, in its work folder.
  void leave(const std::string& name, const std::string& text) const;
  // A program of ours that the sandbox may run; its name in there.
  [[nodiscard]] std::string admit(const std::string& program) const {
    return host_.admit(room_, program);
  }
  // Lets a program work alone in the sandbox until it ends; each verb it runs is a step. How the
  // trial ended.
  [[nodiscard]] std::string run_program(Episode& episode, std::vector<std::string> argv);

 private:
  struct Process;
  void start(std::vector<std::string> argv);
  void stop();
  // Waits for output, requests and the end of a step; false when `deadline` passed.
  [[nodiscard]] bool pump(std::int64_t deadline, const WorldServer::Handler& handler);
  [[nodiscard]] bool send(std::string_view line, std::int64_t deadline);
  void take_output();
  void finish(Observation& seen, StepRecord& record);

  SandboxHost& host_;
  core::Nursery& nursery_;
  const Task& task_;
  bool reset_;
  std::int64_t trial_deadline_;
  SandboxHost::Room room_;
  std::unique_ptr<WorldServer> server_;
  std::unique_ptr<Process> process_;
};

// First words of a world's verbs, and how answers are given: gb-done JSON.
[[nodiscard]] std::vector<std::string> command_names(const World& world);

// Invalid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

}  // namespace stateutils::bench
