#include "kv/flat_cache.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "kv/flat_adaptive.hpp"
#include "kv/index_list.hpp"
#include "kv/max_set.hpp"

namespace stateutils::kv {
namespace {

// Resident blocks are those whose last use lies at or behind `tail`: an access writes one position,
// and eviction walks the trace itself to the next position that is still its block's last use.
FlatResult lru(const Trace& trace, std::uint64_t capacity) {
  FlatResult result;
  std::vector<std::uint32_t> last(trace.id_space, 0);  // position + 1
  ReferenceCursor tail(trace);
  std::uint32_t tail_at = 0, now = 0;
  std::uint64_t resident = 0;
  for_each_reference(trace, [&](std::uint32_t block) {
    const std::uint32_t before = last[block];
    last[block] = ++now;
    if (before > tail_at) {
      ++result.hits;
    } else if (resident < capacity) {
      ++resident;
    } else {
      while (last[tail.next()] != ++tail_at) {
      }
    }
  });
  return result;
}

// Insertions are numbered; a block is resident while its number is among the last `capacity`.
FlatResult fifo(const Trace& trace, std::uint64_t capacity) {
  FlatResult result;
  std::vector<std::uint32_t> number(trace.id_space, 0);
  std::uint32_t inserted = 0;
  for_each_reference(trace, [&](std::uint32_t block) {
    if (number[block] != 0 && std::uint64_t{number[block]} + capacity > inserted) {
      ++result.hits;
    } else {
      number[block] = ++inserted;
    }
  });
  return result;
}

FlatResult lfu(const Trace& trace, std::uint64_t capacity) {
  FlatResult result;
  Links links(trace.id_space);
  std::vector<std::uint32_t> count(trace.id_space, 0);
  std::vector<IndexList> by_count(2);
  std::uint64_t resident = 0;
  std::uint32_t lowest = 1;
  for_each_reference(trace, [&](std::uint32_t block) {
    const std::uint32_t before = count[block];
    if (before != 0) {
      ++result.hits;
      by_count[before].remove(links, block);
      if (before == lowest && by_count[before].size == 0) ++lowest;
    } else {
      if (resident == capacity) {
        count[by_count[lowest].pop(links)] = 0;
      } else {
        ++resident;
      }
      lowest = 1;
    }
    count[block] = before + 1;
    if (by_count.size() <= before + 1) by_count.resize(before + 2);
    by_count[before + 1].push(links, block);
  });
  return result;
}

FlatResult clock(const Trace& trace, std::uint64_t capacity) {
  FlatResult result;
  constexpr std::uint8_t kAbsent = 2;
  std::vector<std::uint8_t> bit(trace.id_space, kAbsent);
  std::vector<std::uint32_t> ring;
  std::size_t hand = 0;
  for_each_reference(trace, [&](std::uint32_t block) {
    if (bit[block] != kAbsent) {
      ++result.hits;
      bit[block] = 1;
      return;
    }
    bit[block] = 0;
    if (ring.size() < capacity) {
      ring.push_back(block);
      return;
    }
    while (bit[ring[hand]] == 1) {
      bit[ring[hand]] = 0;
      hand = hand + 1 == ring.size() ? 0 : hand + 1;
    }
    bit[ring[hand]] = kAbsent;
    ring[hand] = block;
    hand = hand + 1 == ring.size() ? 0 : hand + 1;
  });
  return result;
}

// Zhang et al., NSDI'24: a FIFO queue whose hand leaves survivors where they are.
FlatResult sieve(const Trace& trace, std::uint64_t capacity) {
  FlatResult result;
  constexpr std::uint8_t kAbsent = 2;
  Links links(trace.id_space);
  std::vector<std::uint8_t> bit(trace.id_space, kAbsent);
  IndexList queue;
  std::uint32_t hand = kNone;
  for_each_reference(trace, [&](std::uint32_t block) {
    if (bit[block] != kAbsent) {
      ++result.hits;
      bit[block] = 1;
      return;
    }
    if (queue.size == capacity) {
      std::uint32_t victim = hand == kNone ? queue.oldest : hand;
      while (bit[victim] == 1) {
        bit[victim] = 0;
        victim = links[victim].newer;
        if (victim == kNone) victim = queue.oldest;
      }
      hand = links[victim].newer;
      queue.remove(links, victim);
      bit[victim] = kAbsent;
    }
    bit[block] = 0;
    queue.push(links, block);
  });
  return result;
}

// Yang et al., SOSP'23, with the sizes of the design: small floor(C/10), ghost floor(9C/10).
class S3Fifo {
 public:
  S3Fifo(const Trace& trace, std::uint64_t capacity)
      : capacity_(capacity),
        main_size_(capacity - capacity / 10),
        ghost_size_(capacity - (capacity + 9) / 10),
        links_(trace.id_space),
        where_(trace.id_space, kOut),
        count_(trace.id_space, 0) {}

  bool access(std::uint32_t block) {
    if (where_[block] == kSmall || where_[block] == kMain) {
      if (count_[block] < 3) ++count_[block];
      return true;
    }
    const bool remembered = where_[block] == kGhost;
    if (remembered) {
      ghost_.remove(links_, block);
      where_[block] = kOut;
    }
    while (small_.size + main_.size >= capacity_) evict();
    count_[block] = 0;
    where_[block] = remembered ? kMain : kSmall;
    (remembered ? main_ : small_).push(links_, block);
    return false;
  }

 private:
  enum Where : std::uint8_t { kOut, kSmall, kMain, kGhost };

  void evict() {
    for (;;) {
      if (main_.size > main_size_ || small_.size == 0) {
        const std::uint32_t block = main_.pop(links_);
        if (count_[block] == 0) return void(where_[block] = kOut);
        --count_[block];
        main_.push(links_, block);
        continue;
      }
      const std::uint32_t block = small_.pop(links_);
      if (count_[block] < 2) return forget(block);
      count_[block] = 0;
      where_[block] = kMain;
      main_.push(links_, block);
    }
  }
  void forget(std::uint32_t block) {
    where_[block] = kOut;
    if (ghost_size_ == 0) return;
    if (ghost_.size == ghost_size_) where_[ghost_.pop(links_)] = kOut;
    where_[block] = kGhost;
    ghost_.push(links_, block);
  }

  std::uint64_t capacity_, main_size_, ghost_size_;
  Links links_;
  std::vector<Where> where_;
  std::vector<std::uint8_t> count_;
  IndexList small_, main_, ghost_;
};

FlatResult random_eviction(const Trace& trace, std::uint64_t capacity, std::uint64_t seed) {
  FlatResult result;
  core::Rng rng(seed, 0xCAC4E);
  std::vector<std::uint32_t> slot(trace.id_space, kNone), held;
  for_each_reference(trace, [&](std::uint32_t block) {
    if (slot[block] != kNone) {
      ++result.hits;
      return;
    }
    if (held.size() < capacity) {
      slot[block] = static_cast<std::uint32_t>(held.size());
      held.push_back(block);
      return;
    }
    const auto at = static_cast<std::uint32_t>(rng.below(held.size()));
    slot[held[at]] = kNone;
    held[at] = block;
    slot[block] = at;
  });
  return result;
}

template <class Cache>
FlatResult replay(const Trace& trace, Cache cache) {
  FlatResult result;
  for_each_reference(trace,
                     [&](std::uint32_t block) { result.hits += cache.access(block) ? 1 : 0; });
  return result;
}

FlatResult dispatch(const Trace& trace, const std::string& policy, std::uint64_t capacity,
                    std::uint64_t seed) {
  if (policy == "lru") return lru(trace, capacity);
  if (policy == "fifo") return fifo(trace, capacity);
  if (policy == "lfu") return lfu(trace, capacity);
  if (policy == "clock") return clock(trace, capacity);
  if (policy == "sieve") return sieve(trace, capacity);
  if (policy == "s3fifo") return replay(trace, S3Fifo(trace, capacity));
  if (policy == "arc") return replay(trace, Arc(trace.id_space, capacity));
  if (policy == "2q") return replay(trace, TwoQueues(trace.id_space, capacity));
  if (policy == "slru") return replay(trace, SegmentedLru(trace.id_space, capacity));
  if (policy == "tinylfu") return replay(trace, TinyLfu(trace.id_space, capacity));
  if (policy == "gdsf") return replay(trace, Gdsf(trace.id_space, capacity));
  if (policy == "random") return random_eviction(trace, capacity, seed);
  if (policy == "belady") return flat_belady(trace, capacity, next_positions(trace));
  throw core::usage_error("no flat policy " + core::quoted(policy));
}

}  // namespace

const std::vector<std::string>& flat_policies() {
  static const std::vector<std::string> names = {"lru",    "fifo",   "lfu",   "clock", "sieve",
                                                 "s3fifo", "arc",    "2q",    "slru",  "tinylfu",
                                                 "gdsf",   "random", "belady"};
  return names;
}

FlatResult flat_cache(const Trace& trace, const std::string& policy, std::uint64_t capacity,
                      std::uint64_t seed) {
  if (trace.references >= kNone) throw core::environment_error("2^32 or more block references");
  FlatResult result = dispatch(trace, policy, capacity, seed);
  result.accesses = trace.references;
  return result;
}

std::vector<std::uint32_t> next_positions(const Trace& trace) {
  std::vector<std::uint32_t> next(trace.references), later(trace.id_space, kNone);
  auto at = static_cast<std::uint32_t>(trace.references);
  for (std::size_t r = trace.runs.size(); r-- > 0;) {
    for (std::uint32_t k = trace.runs[r].count; k-- > 0;) {
      const std::uint32_t block = trace.runs[r].first + k;
      next[--at] = later[block];
      later[block] = at;
    }
  }
  return next;
}

// Resident blocks are known by the position of their next use; never-used ones only by number.
FlatResult flat_belady(const Trace& trace, std::uint64_t capacity,
                       const std::vector<std::uint32_t>& next, bool bypass) {
  FlatResult result;
  result.accesses = trace.references;
  MaxSet uses(trace.references);
  std::uint64_t resident = 0, dead = 0;
  for (std::uint32_t now = 0; now < trace.references; ++now) {
    if (uses.contains(now)) {
      ++result.hits;
      uses.erase(now);
    } else if (bypass && (next[now] == kNone ||
                          (resident == capacity && dead == 0 && uses.max() < next[now]))) {
      continue;
    } else if (resident < capacity) {
      ++resident;
    } else if (dead > 0) {
      --dead;
    } else {
      uses.erase(uses.max());
    }
    if (next[now] == kNone) {
      ++dead;
    } else {
      uses.insert(next[now]);
    }
  }
  return result;
}

}  // namespace stateutils::kv
