// Happens-before over events with intervals: real time, chains and single edges, and the question
// which writes of a key came before an event.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace stateutils::sbus {

class OrderGraph {
 public:
  explicit OrderGraph(std::size_t events) : events_(events), interval_(events) {}

  void interval(std::uint32_t event, std::int64_t start, std::int64_t end) {
    interval_[event] = {start, end};
  }
  void edge(std::uint32_t before, std::uint32_t after) { edges_.emplace_back(before, after); }
  void chain(std::span<const std::uint32_t> events) {
    for (std::size_t i = 1; i < events.size(); ++i) edge(events[i - 1], events[i]);
  }

  // Whether the write `other` of (other_key, other_version) came before `event`, and whether
  // `event`, the write of (key, version), came before `other`.
  struct Query {
    std::uint32_t event, other;
    std::uint32_t other_key;
    std::int64_t other_version;
    std::uint32_t key;
    std::int64_t version;
    bool before = false, after = false;
    std::int64_t latest = 0;  // the highest version of other_key that came before `event`
  };
  // Writes of one key must be a chain in the order of their versions. `writes` holds (key, version)
  // per event, the key being UINT32_MAX for one that writes nothing.
  void solve(std::span<const std::pair<std::uint32_t, std::int64_t>> writes, std::size_t keys,
             std::vector<Query>& queries);

 private:
  void add_real_time();
  // Components of mutually ordered events (contradicting clocks), in topological order.
  [[nodiscard]] std::vector<std::vector<std::uint32_t>> components() const;
  void index_edges();

  std::size_t events_;
  std::size_t nodes_ = 0;  // events and the points of time between them
  std::vector<std::pair<std::int64_t, std::int64_t>> interval_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges_;
  std::vector<std::uint32_t> first_, target_;  // edges by source
};

}  // namespace stateutils::sbus
