// Directed graphs of dependencies: components, and the search for an order under choices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sbus/linear.hpp"

namespace stateutils::sbus {

enum class DepKind : std::uint8_t { kWw, kWr, kRw, kSession, kRealTime };

struct Dep {
  static constexpr std::uint32_t kNoKey = UINT32_MAX;
  std::uint32_t from = 0, to = 0;
  DepKind kind = DepKind::kWw;
  std::uint32_t key = kNoKey;
};

class DepGraph {
 public:
  DepGraph(std::size_t nodes, const std::vector<Dep>& deps);

  [[nodiscard]] std::size_t nodes() const { return first_.size() - 1; }
  [[nodiscard]] std::span<const Dep> out(std::uint32_t node) const {
    return {deps_.data() + first_[node], first_[node + 1] - first_[node]};
  }
  // The component of each node over the edges whose kind bit is in `kinds`; numbers are in reverse
  // topological order. `sizes` gets the number of nodes of each.
  std::vector<std::uint32_t> components(unsigned kinds, std::vector<std::uint32_t>& sizes) const;
  [[nodiscard]] bool acyclic() const;

 private:
  std::vector<Dep> deps_;  // by source
  std::vector<std::size_t> first_;
};

// One of two edges must hold.
struct Choice {
  Dep first, second;
};

// Whether some choice of one edge per pair leaves the graph without a cycle: exact reachability in
// bit sets, choices that the rest forces made first, then a search. `steps` is counted down.
[[nodiscard]] Verdict choose_acyclic(std::size_t nodes, std::span<const Dep> known,
                                     std::vector<Choice> choices, std::uint64_t& steps);

}  // namespace stateutils::sbus
