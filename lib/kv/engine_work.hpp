// What both simulation loops share: who arrives when, who goes first, and what came of each.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <queue>
#include <tuple>
#include <vector>

#include "core/signals.hpp"
#include "kv/cost.hpp"
#include "kv/engine_tree.hpp"
#include "kv/run_config.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

// Events at one time happen in this order, then by instance and request. A batch is built after all
// else, so that what arrives at a boundary joins it.
enum class EventKind : std::uint8_t { kArrival, kTransfer, kTimer, kIteration, kBuild };

// When each request arrived (kNoTime: not yet): the trace's own times where they hold, which must
// then outlive it.
class ArrivalTimes {
 public:
  ArrivalTimes() = default;
  explicit ArrivalTimes(const std::vector<std::int64_t>& times) : times_(&times) {}
  // A copy that can be changed; kNoTime where there were none.
  std::vector<std::int64_t>& own(std::uint32_t requests);
  [[nodiscard]] std::int64_t operator[](std::uint32_t request) const {
    return times_ == nullptr ? own_[request] : (*times_)[request];
  }

 private:
  const std::vector<std::int64_t>* times_ = nullptr;
  std::vector<std::int64_t> own_;
};

// Requests in order of arrival; those that follow others arrive once these have finished.
class Arrivals {
 public:
  Arrivals(const Trace& trace, const RunConfig& config);
  // The next one, without taking it, and when the fleet sees it; false at the end (or until
  // something finishes).
  [[nodiscard]] bool peek(std::int64_t& time, std::uint32_t& request) const;
  void pop();
  void finished(std::uint32_t request, std::int64_t now);
  // When a request arrived; kNoTime: not yet.
  [[nodiscard]] std::int64_t time_of(std::uint32_t request) const { return time_[request]; }
  [[nodiscard]] ArrivalTimes take_times() { return std::move(time_); }
  // Whether the funnel's small model answers it: it is done when it comes out of peek().
  [[nodiscard]] bool answered(std::uint32_t request) const {
    return !answered_.empty() && answered_[request];
  }
  // The first arrival of the request's job so far (a request without a session is its own job).
  [[nodiscard]] std::int64_t job_start(std::uint32_t request) const;

 private:
  void follow_sessions(const Trace& trace, bool closed);
  void link_children();
  void choose_answered(const RunConfig& config);
  void order(std::vector<std::int64_t>& time);
  [[nodiscard]] std::uint32_t fixed(std::size_t place) const {
    return in_order_ ? static_cast<std::uint32_t>(place) : fixed_[place];
  }
  [[nodiscard]] std::size_t all_fixed() const { return in_order_ ? trace_.size() : fixed_.size(); }

  const Trace& trace_;
  ArrivalTimes time_;
  std::vector<std::int64_t> gap_;
  bool in_order_ = false;                           // the trace's order is that of arrival
  std::vector<std::uint32_t> fixed_;                // requests with a time of their own, in order
  std::vector<std::uint32_t> parent_end_, parent_;  // by request
  std::vector<std::uint32_t> child_end_, child_, waits_;
  std::vector<std::int64_t> latest_, job_start_;
  std::vector<bool> answered_;
  std::int64_t small_ = 0;  // what the funnel takes from every request
  std::size_t next_fixed_ = 0;
  using Entry = std::pair<std::int64_t, std::uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> followers_;
};

// Smaller goes first.
struct WaitKey {
  std::int64_t rank = 0, arrival = 0;
  std::uint32_t request = 0, slot = 0;
  friend auto operator<=>(const WaitKey&, const WaitKey&) = default;
};
// `tokens` still to compute; `pinned`: its blocks are held by retention (Continuum).
[[nodiscard]] WaitKey wait_key(const RunConfig& config, const Trace& trace,
                               const Arrivals& arrivals, std::uint32_t request,
                               std::uint32_t tokens, bool pinned);

[[nodiscard]] inline std::uint32_t outputs_of(const Trace& trace, std::uint32_t request) {
  return trace.out[request] == 0 ? 1 : trace.out[request];  // an aborted call runs as one token
}
[[nodiscard]] inline std::uint32_t session_of(const Trace& trace, std::uint32_t request) {
  return trace.session.empty() ? kNone : trace.session[request];
}
// The blocks with ids that a request can share: full ones.
[[nodiscard]] inline std::uint32_t full_blocks(const Trace& trace, std::uint32_t request) {
  if (!trace.has_blocks()) return 0;
  return std::min(trace.blocks_of(request), trace.in[request] / trace.block);
}

// What its first token may take; without an SLO longer than any run.
[[nodiscard]] inline std::int64_t slo_ttft(const Trace& trace, const RunConfig& config,
                                           std::uint32_t request) {
  std::int64_t slo = trace.slo_ttft.empty() ? kNoTime : trace.slo_ttft[request];
  if (slo == kNoTime) slo = config.slo_ttft;
  return slo == kNoTime ? std::numeric_limits<std::int64_t>::max() / 2 : slo;
}
// FastSwitch: the rank of a request among those of an instance in epoch `epoch`, smaller first.
[[nodiscard]] std::int64_t changing_priority(const RunConfig& config, std::uint32_t request,
                                             std::uint64_t epoch);

// What a request went through; columns of equal length.
struct Outcomes {
  explicit Outcomes(std::uint32_t requests, bool detail);
  std::vector<std::int64_t> start, first, finish, tbt_max;  // kNoTime: rejected
  // With `detail`, for --requests.
  std::vector<std::int64_t> stall, ttl, benefit;
  std::vector<std::uint32_t> instance, prefilled, preemptions;
  std::vector<std::array<std::uint32_t, kTiers>> hits;

  // Answered by the funnel's small model: the fleet never sees it.
  void answer(std::uint32_t request, std::int64_t arrival, std::int64_t now);
  std::vector<bool> answered;  // empty when none was
  // A request's first admission, with its hits by tier in blocks of `block` tokens.
  void admit(const Trace& trace, std::uint32_t request, std::uint32_t where, std::int64_t arrival,
             const std::array<std::uint32_t, kTiers>& blocks, std::uint32_t block);
  bool detail = false;
  std::int64_t count_from = 0;  // earlier arrivals are a warm-up

  std::array<std::uint64_t, kTiers> hit_blocks{}, hit_tokens{};
  std::uint64_t rejected = 0, prefilled_tokens = 0, recomputed = 0, preempted = 0;
  std::uint64_t swap_in_bytes = 0, swap_out_bytes = 0, transfers = 0;
  std::int64_t stalled = 0;
  Wide busy = 0, bound = 0;  // iterations' time, and that of it in which the device works
  std::uint64_t iterations = 0, extrapolated = 0;
  std::uint64_t in_tokens = 0, references = 0;       // of admitted requests
  std::vector<std::vector<std::uint32_t>> admitted;  // by instance, for the offline bound
};

// When the warm-up is over: requests that arrive earlier are not counted.
[[nodiscard]] std::int64_t first_counted(const Arrivals& arrivals, const RunConfig& config);
// Whether the funnel's small model answers the request, which is then done.
[[nodiscard]] bool answered_at_once(Arrivals& arrivals, Outcomes& out, std::uint32_t request,
                                    std::int64_t now);

// Arrivals and an engine's own events (a queue of tuples that begin with their time) in the order
// of time, arrivals first. The stretching loop has its own, so that the plain one checks that too.
template <class Events, class Arrive, class Handle>
void in_order_of_time(Arrivals& arrivals, Outcomes& out, Events& events, Arrive arrive,
                      Handle handle) {
  std::int64_t at = 0;
  std::uint32_t request = 0;
  for (std::uint64_t steps = 0;; ++steps) {
    if (steps % 1024 == 0) core::check_stop();
    const bool arriving = arrivals.peek(at, request);
    if (!arriving && events.empty()) return;
    if (arriving && (events.empty() || at <= std::get<0>(events.top()))) {
      arrivals.pop();
      if (!answered_at_once(arrivals, out, request, at)) arrive(request, at);
    } else {
      const auto event = events.top();
      events.pop();
      handle(event);
    }
  }
}

struct IterationLine {
  std::int64_t t = 0, duration = 0;
  std::uint32_t instance = 0, decodes = 0, waiting = 0, preempted = 0;
  std::uint64_t prefill_tokens = 0, context = 0, kv_blocks = 0;
};

}  // namespace stateutils::kv
