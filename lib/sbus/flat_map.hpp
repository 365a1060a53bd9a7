// A hash map of 64-bit keys in one array, for the millions of small entries of a history.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace stateutils::sbus {

template <class T>
class FlatMap {
 public:
  static constexpr std::uint64_t kNoKey = std::uint64_t{1} << 63;  // never a key

  // The entry of `key` and whether it is new. Pointers hold until the next insertion.
  std::pair<T*, bool> insert(std::uint64_t key, const T& value) {
    if (size_ * 2 >= slots_.size()) grow();
    Slot& slot = slots_[position(key)];
    if (slot.key == key) return {&slot.value, false};
    slot = {key, value};
    ++size_;
    return {&slot.value, true};
  }
  [[nodiscard]] T* find(std::uint64_t key) {
    return const_cast<T*>(std::as_const(*this).find(key));
  }
  [[nodiscard]] const T* find(std::uint64_t key) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[position(key)];
    return slot.key == key ? &slot.value : nullptr;
  }

 private:
  struct Slot {
    std::uint64_t key = kNoKey;
    T value{};
  };

  // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
  [[nodiscard]] static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }
  // Where the key is, or the free slot where it belongs.
  [[nodiscard]] std::size_t position(std::uint64_t key) const {
    std::size_t i = mix(key) & (slots_.size() - 1);
    while (slots_[i].key != key && slots_[i].key != kNoKey) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.key != kNoKey) slots_[position(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace stateutils::sbus
