// LRU and Belady need no forest. In both, the blocks that share a key (the request of their last,
// or of their next use) are one resident interval [from, to) of that request's chain, because the
// use of a block is the use of all blocks above it; and the best key of all blocks is that of a
// leaf, taken from the deep end of its interval.
#include "kv/prefix_cache.hpp"

#include <algorithm>

#include "core/units.hpp"
#include "kv/max_set.hpp"

namespace stateutils::kv {
namespace {

struct Interval {
  std::uint32_t from = 0, to = 0;
  [[nodiscard]] std::uint32_t size() const { return to > from ? to - from : 0; }
};

}  // namespace

std::optional<PrefixPolicy> parse_prefix_policy(const std::string& text) {
  PrefixPolicy policy;
  if (text == "lru") return policy;
  if (text == "fifo") return policy.order = PrefixPolicy::Order::kFifo, policy;
  if (text == "lfu") return policy.order = PrefixPolicy::Order::kLfu, policy;
  if (text == "belady") return policy.order = PrefixPolicy::Order::kBelady, policy;
  if (text == "continuum-fixed") {
    return policy.retention = PrefixPolicy::Retention::kContinuumFixed, policy;
  }
  for (const StepSource source : {StepSource::kHints, StepSource::kOracle, StepSource::kLearned}) {
    if (text != step_policy_name(source)) continue;
    policy.retention = PrefixPolicy::Retention::kKvflow;
    policy.steps = source;
    return policy;
  }
  if (text.starts_with("ttl:")) {
    const auto ttl = core::parse_duration(text.substr(4));
    if (!ttl || ttl->ns < 0) return std::nullopt;
    policy.retention = PrefixPolicy::Retention::kTtl;
    policy.ttl = ttl->ns;
    return policy;
  }
  return std::nullopt;
}

PrefixResult prefix_lru(const Trace& trace, const Reuse& previous, std::uint64_t capacity) {
  PrefixResult result;
  std::vector<Interval> last_used_by(trace.size());
  std::uint32_t oldest = 0;  // requests before it own nothing
  std::uint64_t used = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    const std::uint32_t blocks = trace.blocks_of(i);
    std::uint32_t hits = 0;
    for (const Piece& piece : previous.of(i)) {
      if (piece.request == kNone) break;
      Interval& owner = last_used_by[piece.request];
      const std::uint32_t resident = std::min(piece.end, owner.to);
      if (resident <= hits) break;
      hits = resident;
      owner.from = piece.end;
      if (resident < piece.end) break;
    }
    const std::uint32_t missing = blocks - hits;
    std::uint64_t free = capacity - used;
    while (free < missing && oldest < i) {
      Interval& victim = last_used_by[oldest];
      const auto take =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(victim.size(), missing - free));
      victim.to -= take;
      free += take;
      used -= take;
      result.evicted += take;
      if (victim.size() == 0) ++oldest;
    }
    const auto inserted = static_cast<std::uint32_t>(std::min<std::uint64_t>(free, missing));
    used += inserted;
    last_used_by[i] = {0, hits + inserted};
    result.blocks += blocks;
    result.hit_blocks += hits;
    result.uncached += missing - inserted;
  }
  result.requests = trace.size();
  result.resident = used;
  return result;
}

namespace {

class Belady {
 public:
  Belady(const Trace& trace, const Reuse& next, std::uint64_t capacity, bool bypass)
      : trace_(trace),
        next_(next),
        bypass_(bypass),
        free_(capacity),
        next_used_by_(trace.size()),
        candidates_(trace.size()) {}
  PrefixResult run() {
    const std::uint64_t capacity = free_;
    for (std::uint32_t i = 0; i < trace_.size(); ++i) serve(i);
    result_.requests = trace_.size();
    result_.resident = capacity - free_;
    return result_;
  }

 private:
  void serve(std::uint32_t i) {
    const std::uint32_t blocks = trace_.blocks_of(i), hits = next_used_by_[i].size();
    candidates_.erase(i);
    std::uint32_t resident = hits;
    if (bypass_) {
      for (const Piece& piece : next_.of(i)) {
        if (piece.end <= resident) continue;
        if (piece.request == kNone) break;
        resident += make_room(piece.end - resident, piece.request);
        if (resident < piece.end) break;
      }
    } else {
      resident += make_room(blocks - hits, 0);
    }
    keep(i, resident);
    result_.blocks += blocks;
    result_.hit_blocks += hits;
    result_.uncached += blocks - resident;
  }
  // Takes `missing` blocks or as many as can be had from those used after request `later`.
  std::uint32_t make_room(std::uint32_t missing, std::uint32_t later) {
    const std::uint64_t dead = std::min(dead_, free_ < missing ? missing - free_ : 0);
    dead_ -= dead;
    free_ += dead;
    result_.evicted += dead;
    while (free_ < missing && !candidates_.empty() && candidates_.max() > later) {
      const std::uint32_t furthest = candidates_.max();
      Interval& victim = next_used_by_[furthest];
      const auto take =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(victim.size(), missing - free_));
      victim.to -= take;
      free_ += take;
      result_.evicted += take;
      if (victim.size() == 0) candidates_.erase(furthest);
    }
    const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(free_, missing));
    free_ -= taken;
    return taken;
  }
  // The first `resident` blocks of request i wait for their next uses.
  void keep(std::uint32_t i, std::uint32_t resident) {
    std::uint32_t from = 0;
    for (const Piece& piece : next_.of(i)) {
      const std::uint32_t to = std::min(piece.end, resident);
      if (to <= from) break;
      if (piece.request == kNone) {
        dead_ += to - from;
      } else {
        Interval& later = next_used_by_[piece.request];
        // What it already holds continues this piece.
        later = {from, std::max(to, later.size() > 0 ? later.to : 0)};
        candidates_.insert(piece.request);
      }
      from = to;
    }
  }

  const Trace& trace_;
  const Reuse& next_;
  bool bypass_;
  std::uint64_t free_, dead_ = 0;  // dead: resident blocks that nothing uses again
  std::vector<Interval> next_used_by_;
  MaxSet candidates_;  // requests with an interval
  PrefixResult result_;
};

}  // namespace

PrefixResult prefix_belady(const Trace& trace, const Reuse& next, std::uint64_t capacity,
                           bool bypass) {
  return Belady(trace, next, capacity, bypass).run();
}

std::uint64_t unbounded_hits(const Trace& trace, const Reuse& previous) {
  std::uint64_t hits = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    std::uint32_t reused = 0;
    for (const Piece& piece : previous.of(i)) {
      if (piece.request != kNone) reused = piece.end;
    }
    hits += reused;
  }
  return hits;
}

}  // namespace stateutils::kv
