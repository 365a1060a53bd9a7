// Context statistics: one cache line holds what a context knows of a byte's first nibble, and of
// the second after the first nibble that was ever seen. What follows other first nibbles has
// buckets of its own, of which only the first half is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace stateutils::statesmix {

// The memory of one context at one node of a nibble's binary tree: the number of a bit history
// (counter_states.hpp); 0: nothing seen. The node with leading one b is number b - 1, b in 1..15.
using Slot = std::uint16_t;
inline constexpr std::size_t kNibbleSlots = 15;

struct alignas(64) Bucket {
  std::uint16_t check;
  // In a byte's first bucket: the byte last seen in this context, and how often in a row; the first
  // nibble that `second` follows.
  std::uint8_t byte;
  std::uint8_t run : 4, nibble : 4;
  Slot first[kNibbleSlots], second[kNibbleSlots];

  // The slots of the second nibble when they are in this bucket, else null.
  [[nodiscard]] Slot* inside(std::uint32_t first_nibble) {
    if (second[0] == 0) nibble = first_nibble & 15;
    return nibble == (first_nibble & 15) ? second : nullptr;
  }
};
static_assert(sizeof(Bucket) == 64);
inline constexpr std::uint32_t kMostRuns = 15;

// 2^bits buckets; probes stay inside one aligned group of four. States are numbered by age, so the
// state of a bucket's root tells whether it was ever used and how much it knows: the youngest gives
// way.
class HashTable {
 public:
  static constexpr std::size_t kProbes = 3;

  void attach(Bucket* buckets, int bits) {
    buckets_ = buckets;
    shift_ = 64 - bits;
  }
  [[nodiscard]] std::size_t index(std::uint64_t hash) const {
    return static_cast<std::size_t>(hash >> shift_);
  }
  void prefetch_one(std::size_t index) const { __builtin_prefetch(&buckets_[index]); }
  // Brings in the bucket at `index` and its neighbour.
  void prefetch(std::size_t index) const {
    __builtin_prefetch(&buckets_[index]);
    __builtin_prefetch(&buckets_[index ^ 1]);
  }

  Bucket* find(std::size_t index, std::uint16_t check) {
    Bucket* victim = &buckets_[index];
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
      Bucket* b = &buckets_[index ^ probe];
      if (b->first[0] == 0) {
        b->check = check;
        return b;
      }
      if (b->check == check) return b;
      if (b->first[0] < victim->first[0]) victim = b;
    }
    std::memset(victim, 0, sizeof *victim);
    victim->check = check;
    return victim;
  }

 private:
  Bucket* buckets_ = nullptr;
  int shift_ = 63;
};

}  // namespace stateutils::statesmix
