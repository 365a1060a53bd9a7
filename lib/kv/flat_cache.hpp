// Flat mode: every block reference is one access of an independent object of one unit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

struct FlatResult {
  std::uint64_t accesses = 0, hits = 0;
};

// lru fifo lfu clock sieve s3fifo arc 2q slru tinylfu gdsf random belady
[[nodiscard]] const std::vector<std::string>& flat_policies();

// Replays all references of the trace; `seed` is used by random alone. The capacity is at least 1.
[[nodiscard]] FlatResult flat_cache(const Trace& trace, const std::string& policy,
                                    std::uint64_t capacity, std::uint64_t seed = 0);

// Positions of each reference's next use are the same for all capacities: 4 bytes a reference.
[[nodiscard]] std::vector<std::uint32_t> next_positions(const Trace& trace);
// With `bypass` a missing block that is used later than all that are there is not taken in.
[[nodiscard]] FlatResult flat_belady(const Trace& trace, std::uint64_t capacity,
                                     const std::vector<std::uint32_t>& next, bool bypass = false);

// Exact LRU hits at every capacity: histogram[d] references have stack distance d (1 = the block
// used last); references without earlier use are left out.
[[nodiscard]] std::vector<std::uint64_t> lru_distances(const Trace& trace);

// Calls use(block) for all references in order.
template <class Use>
void for_each_reference(const Trace& trace, Use&& use) {
  for (const Run& run : trace.runs) {
    const std::uint32_t end = run.first + run.count;
    for (std::uint32_t block = run.first; block != end; ++block) use(block);
  }
}

// One reference after the other, for a second reader behind the first.
class ReferenceCursor {
 public:
  explicit ReferenceCursor(const Trace& trace) : runs_(trace.runs.data()) {}
  std::uint32_t next() {
    while (into_ == runs_->count) {
      ++runs_;
      into_ = 0;
    }
    return runs_->first + into_++;
  }

 private:
  const Run* runs_;
  std::uint32_t into_ = 0;
};

}  // namespace stateutils::kv
