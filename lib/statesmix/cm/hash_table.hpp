// Context statistics: 64-byte buckets of 15 slots, one bucket per context and nibble.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace stateutils::statesmix {

// The memory of one context at one node of a nibble's binary tree.
struct Slot {
  std::uint16_t p;      // P(1) * 65536, stored xor 0x8000 so that zero pages mean 1/2
  std::uint16_t state;  // number of a bit history (counter_states.hpp)
};

struct alignas(64) Bucket {
  std::uint16_t check;
  std::uint16_t uses;  // 0: empty
  Slot slot[15];       // the node with leading one b is slot[b - 1], b in 1..15
};
static_assert(sizeof(Bucket) == 64);

// 2^bits buckets; three probes inside one aligned group of four, the least used is replaced.
class HashTable {
 public:
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
    Bucket* victim = nullptr;
    for (std::size_t probe = 0; probe < 3; ++probe) {
      Bucket* b = &buckets_[index ^ probe];
      if (b->uses == 0) {
        b->check = check;
        b->uses = 1;
        return b;
      }
      if (b->check == check) {
        if (b->uses < 0xFFFF) ++b->uses;
        return b;
      }
      if (victim == nullptr || b->uses < victim->uses) victim = b;
    }
    std::memset(victim, 0, sizeof *victim);
    victim->check = check;
    victim->uses = 1;
    return victim;
  }

 private:
  Bucket* buckets_ = nullptr;
  int shift_ = 63;
};

}  // namespace stateutils::statesmix
