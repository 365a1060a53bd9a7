// Sequences of calls on a pack's world, drawn where the coverage of call pairs is thinnest, with a
// condition on hidden state that sends twins different ways.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/families/pack_family.hpp"
#include "bench/pack/pack.hpp"

namespace stateutils::bench {

struct StategenOptions {
  std::uint64_t seed = 0;
  std::int64_t calls = 5;
  std::vector<std::int64_t> positions{3, 4};  // calls before the condition
  bool for_each = false;                      // one step runs over a query's result
};

// Kinds of calls in the order in which they touched an object, and how often each pair came.
// Counters belong to a shard of 256 tasks, so that results depend on no threads.
class CoverageCounter {
 public:
  using Pair = std::pair<std::int64_t, std::int64_t>;  // (call before, call); -1 = none before
  [[nodiscard]] std::uint64_t occurrences(const Pair& pair) const {
    const auto found = counts_.find(pair);
    return found == counts_.end() ? 0 : found->second;
  }
  void count(const Pair& pair) { ++counts_[pair]; }
  // The weight of a candidate among candidates: its uncovered pairs where any candidate has some,
  // else floor(2^40 / occurrences of its rarest pair).
  [[nodiscard]] std::vector<std::uint64_t> weights(
      const std::vector<std::vector<Pair>>& candidates) const;

 private:
  std::map<Pair, std::uint64_t> counts_;
};

inline constexpr std::uint64_t kShardPairs = 128;  // twin pairs of one shard

// The first `pairs` twin pairs of a shard.
[[nodiscard]] std::vector<Draw> stategen_shard(const Pack& pack, const StategenOptions& options,
                                               std::uint64_t shard, std::uint64_t pairs);

}  // namespace stateutils::bench
