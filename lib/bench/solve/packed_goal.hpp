// Goals of packed worlds, and the searches that let goals guide them.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "bench/solve/packed.hpp"

namespace stateutils::bench {

// Which states are right: bits that a contract's plain clauses fix tell most states apart; the
// judge has the last word on the others.
class PackedGoal {
 public:
  PackedGoal(const PackedSystem& system, const Judge& judge, Store& store);

  [[nodiscard]] bool holds(std::uint64_t state) const {
    const bool plausible = std::any_of(bits_.begin(), bits_.end(),
                                       [&](const Bits& b) { return (state & b.mask) == b.value; });
    return plausible && judge_.accepts(system_.unpack(state, store_), "");
  }
  // Actions that are needed at least: clauses whose bits are wrong (least over the options) over
  // the most clauses that one action can set right. One action lowers it by at most 1.
  [[nodiscard]] int distance(std::uint64_t state) const;
  // The one state that is right, where the clauses fix every bit of it.
  [[nodiscard]] std::optional<std::uint64_t> only_state() const;

 private:
  struct Bits {
    std::uint64_t mask = 0, value = 0;
    std::vector<std::uint64_t> parts;  // one mask per clause
    bool possible = true;
  };
  void narrow(const Clause& clause, Bits& bits) const;

  const PackedSystem& system_;
  const Judge& judge_;
  Store& store_;
  std::vector<Bits> bits_;  // of the options that can hold at all
  int most_at_once_ = 1;
};

// A* or bidirectional search, as the options say; empty where the goal allows neither (a goal of
// many states cannot be searched backwards).
[[nodiscard]] std::optional<SearchResult> search_guided(const PackedSystem& system,
                                                        const Judge& judge, Machine& machine,
                                                        const SearchOptions& options);

}  // namespace stateutils::bench
