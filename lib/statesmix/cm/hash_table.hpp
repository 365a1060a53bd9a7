// Context statistics: 64-byte buckets of 15 slots, one bucket per context and nibble.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace stateutils::statesmix {

// The memory of one context at one node of a nibble's binary tree.
struct Slot {
  std::int16_t p;       // P(1) * 65536 - 32768, so that zero pages mean 1/2
  std::uint16_t state;  // number of a bit history (counter_states.hpp); 0: nothing seen
};

struct alignas(64) Bucket {
  std::uint16_t check;
  // In a byte's first bucket: the byte last seen in this context and how often in a row.
  std::uint8_t byte, run;
  Slot slot[15];  // the node with leading one b is slot[b - 1], b in 1..15
};
static_assert(sizeof(Bucket) == 64);

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
      if (b->slot[0].state == 0) {
        b->check = check;
        return b;
      }
      if (b->check == check) return b;
      if (b->slot[0].state < victim->slot[0].state) victim = b;
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
