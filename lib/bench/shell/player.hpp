// Trials of an agent on tasks: what `run` and `gate` share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/run/trial.hpp"
#include "bench/shell/command_agent.hpp"

namespace stateutils::bench {

struct PlayOptions {
  std::string agent, version;
  bool shell = false;  // surface
  SandboxOptions sandbox;
  bool persistent = false;     // one agent process for all trials
  bool reset_runtime = false;  // nothing but the world outlives a step
  int trials = 1;
  std::uint64_t seed = 0;
  bool keep_output = false;
  std::function<void(Limits&)> adjust_limits;
};

struct PlayedTrial {
  Episode& episode;
  int trial;
  std::string end;
  std::string json;
  std::string complaint;  // of an agent that crashed, broke the protocol or did not start
};

class Player {
 public:
  // kUsage for an unknown agent, kEnvironment when the sandbox asked for cannot be had.
  explicit Player(PlayOptions options);
  ~Player();
  // `task` must have a world and live in `store`.
  void play(Task& task, Store& store, const std::function<void(PlayedTrial&)>& sink);
  // One trial of an agent of the caller's, recorded as told.
  void play_trial(Agent& agent, Task& task, Store& store, TrialOptions record,
                  const std::function<void(PlayedTrial&)>& sink);
  // How a trial of this run is recorded.
  [[nodiscard]] TrialOptions record_of(const std::string& agent, int trial) const;

 private:
  PlayOptions options_;
  std::unique_ptr<core::Nursery> nursery_;
  std::unique_ptr<SandboxHost> host_;
  std::unique_ptr<Agent> agent_;
  CommandAgent* command_ = nullptr;
  StateDigests digests_;
};

// SHA-256 of what an agent is: its spec and, for a program, the bytes of its file.
[[nodiscard]] std::string agent_sha256(const std::string& spec);

}  // namespace stateutils::bench
