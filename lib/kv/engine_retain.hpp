// How long the blocks of a paused program stay pinned: a fixed time, or Continuum's choice.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "kv/run_config.hpp"
#include "kv/tool_times.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

class Retention {
 public:
  Retention(const RunConfig& config, const Trace& trace) : config_(config), trace_(trace) {}

  struct Grant {
    std::int64_t ttl = 0;            // ns; 0: not pinned
    std::int64_t benefit = kNoTime;  // of Continuum's formula
  };
  [[nodiscard]] bool on() const {
    return config_.retain != Retain::kOff && config_.retain != Retain::kKvflow;
  }
  void arrived(std::uint32_t request, std::int64_t now);
  // A request joins a batch for the first time after waiting `queued`.
  void admitted(std::uint32_t request, std::int64_t queued, bool pinned);
  // It has finished; `reload` is what computing or loading its context again would take.
  [[nodiscard]] Grant finished(std::uint32_t request, std::int64_t now, std::int64_t reload);

 private:
  struct Session {
    std::uint32_t turns = 0, tool = kNone;
    std::int64_t end = kNoTime;  // of its last turn, while the next one has not come
  };
  [[nodiscard]] Session& session(std::uint32_t request);
  [[nodiscard]] Grant continuum(std::uint32_t tool, std::int64_t reload) const;
  std::vector<double>& samples_of(std::uint32_t tool);

  const RunConfig& config_;
  const Trace& trace_;
  ToolTimes tools_;
  std::vector<Session> sessions_;
  std::vector<std::vector<double>> by_tool_;  // s, sorted; by tool + 1, unnamed first
  std::vector<double> all_;
  std::deque<std::int64_t> queued_;  // of the last returns that were not pinned
  std::int64_t queued_sum_ = 0;
  std::vector<std::uint64_t> lengths_;  // of completed programs
};

}  // namespace stateutils::kv
