// A few of many dense numbers to 32-bit values, by open addressing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

class SparseMap {
 public:
  [[nodiscard]] std::uint32_t find(std::uint32_t key) const {  // kNone: not there
    if (slots_.empty()) return kNone;
    const Slot& slot = slots_[place(key)];
    return slot.key == kNone ? kNone : slot.value;
  }
  void set(std::uint32_t key, std::uint32_t value) {
    if ((size_ + 1) * 3 > slots_.size() * 2) grow();
    Slot& slot = slots_[place(key)];
    if (slot.key == kNone) ++size_;
    slot = {key, value};
  }
  // Of a key that is there. What was pushed past the gap by it moves back.
  void erase(std::uint32_t key) {
    std::size_t gap = place(key);
    for (std::size_t at = after(gap); slots_[at].key != kNone; at = after(at)) {
      const std::size_t home = home_of(slots_[at].key), mask = slots_.size() - 1;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap].key = kNone;
    --size_;
  }

 private:
  struct Slot {
    std::uint32_t key = kNone, value = 0;
  };
  // Multiplicative hashing (Knuth, 6.4): the upper bits of key times 2^32 / phi.
  [[nodiscard]] std::size_t home_of(std::uint32_t key) const {
    return static_cast<std::uint32_t>(key * 2654435769u) >> shift_;
  }
  [[nodiscard]] std::size_t after(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  // The slot of the key, or the free one that it would take.
  [[nodiscard]] std::size_t place(std::uint32_t key) const {
    std::size_t at = home_of(key);
    while (slots_[at].key != kNone && slots_[at].key != key) at = after(at);
    return at;
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, {});
    slots_.resize(old.empty() ? 16 : 2 * old.size());
    shift_ = old.empty() ? 28 : shift_ - 1;
    for (const Slot& slot : old) {
      if (slot.key != kNone) slots_[place(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most 2/3 full
  std::size_t size_ = 0;
  unsigned shift_ = 32;  // 32 less the bits of an index
};

}  // namespace stateutils::kv
