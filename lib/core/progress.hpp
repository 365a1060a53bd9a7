// One stderr line, five times a second, only when stderr is a terminal and not --quiet.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace stateutils::core {

class Progress {
 public:
  enum class Unit { kBytes, kItems };
  // `total` 0 = unknown (no ETA). `what` names the work ("reading trace.jsonl").
  Progress(bool enabled, std::string what, std::uint64_t total, Unit unit);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // clears the line

  void add(std::uint64_t amount) { set(done_.load(std::memory_order_relaxed) + amount); }
  void set(std::uint64_t done);         // called from one thread
  void note(const std::string& extra);  // shown after the rate, for example "1.92 bpb so far"

 private:
  void draw(std::chrono::steady_clock::time_point now);

  bool enabled_;
  std::string what_, extra_;
  std::uint64_t total_;
  Unit unit_;
  std::atomic<std::uint64_t> done_{0};
  std::chrono::steady_clock::time_point start_, last_;
  bool drawn_ = false;
};

}  // namespace stateutils::core
