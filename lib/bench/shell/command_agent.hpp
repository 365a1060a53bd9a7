// Agents that are programs: cmd: speaks JSON Lines on its stdio, shell: works alone in the sandbox.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "bench/run/agents.hpp"
#include "bench/shell/shell_surface.hpp"

namespace stateutils::bench {

// What an agent told about itself at the end of a trial.
struct AgentAccount {
  std::string tokens;  // JSON
  std::optional<double> cost;
};

// cmd:PROGRAM ARGS. One process per trial, or one for all when persistent. It runs with the user's
// own rights: it is the harness; what it orders runs on the trial's surface.
class CommandAgent : public Agent {
 public:
  CommandAgent(std::string_view spec, bool persistent, core::Nursery& nursery);
  ~CommandAgent() override;
  [[nodiscard]] std::string name() const override { return name_; }
  std::string play(Episode& episode, int trial, core::Rng& rng) override;
  [[nodiscard]] const AgentAccount& account() const { return account_; }
  // The last lines on its stderr, for messages.
  [[nodiscard]] std::string complaint() const;

 private:
  struct Process;
  enum class Heard { kLine, kTimeout, kEnd, kTooLong };
  void start();
  void stop(bool patient);
  void say(const std::string& message);
  [[nodiscard]] Heard hear(std::int64_t deadline, std::string& line);
  [[nodiscard]] std::string converse(Episode& episode);

  std::string name_;
  std::vector<std::string> argv_;
  bool persistent_;
  core::Nursery& nursery_;
  AgentAccount account_;
  std::string complaint_;
  std::unique_ptr<Process> process_;
};

// shell:PROGRAM ARGS: gets a folder with instruction.txt and task.json, and the verbs on its PATH.
class ShellAgent : public Agent {
 public:
  ShellAgent(std::string_view spec, SandboxHost& host, core::Nursery& nursery);
  [[nodiscard]] std::string name() const override { return name_; }
  std::string play(Episode& episode, int trial, core::Rng& rng) override;

 private:
  std::string name_;
  std::vector<std::string> argv_;
  SandboxHost& host_;
  core::Nursery& nursery_;
};

// The message that opens a trial: what an agent may know.
[[nodiscard]] std::string task_message(const Task& task);

}  // namespace stateutils::bench
