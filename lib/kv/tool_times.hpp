// How long tools take, learned as a scheduler can: a duration is known when the next turn arrives.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

class ToolTimes {
 public:
  // A turn of `session` that ended in `tool` (kNone: unnamed) has finished.
  void finished(std::uint32_t session, std::uint32_t tool, std::int64_t now, bool last) {
    if (session >= waiting_.size()) waiting_.resize(session + 1);
    waiting_[session] = {now, tool, !last};
  }
  // The next request of `session` has arrived.
  void arrived(std::uint32_t session, std::int64_t now) {
    if (session >= waiting_.size() || !waiting_[session].open) return;
    Turn& turn = waiting_[session];
    turn.open = false;
    Sum& sum = at(turn.tool);
    sum.total += std::max<std::int64_t>(0, now - turn.end);
    ++sum.count;
  }
  // The running mean of the tool; true when nothing is known.
  [[nodiscard]] bool mean_at_most(std::uint32_t tool, std::int64_t limit) const {
    const std::size_t slot = std::uint32_t(tool + 1);
    if (slot >= sums_.size() || sums_[slot].count == 0) return true;
    return sums_[slot].total <= limit * sums_[slot].count;
  }

 private:
  struct Turn {
    std::int64_t end = 0;
    std::uint32_t tool = kNone;
    bool open = false;
  };
  struct Sum {
    std::int64_t total = 0, count = 0;
  };
  Sum& at(std::uint32_t tool) {
    const std::size_t slot = std::uint32_t(tool + 1);
    if (slot >= sums_.size()) sums_.resize(slot + 1);
    return sums_[slot];
  }
  std::vector<Turn> waiting_;
  std::vector<Sum> sums_;  // by tool + 1, unnamed first
};

}  // namespace stateutils::kv
