// Names (agents, keys) as small numbers.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.hpp"

namespace stateutils::sbus {

class Names {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The number of `name`, new names are numbered in order.
  std::uint32_t number(std::string_view name) {
    const std::uint64_t hash = core::xxh3_64(name.data(), name.size());
    if (names_.size() * 2 >= slots_.size()) grow();
    std::size_t i = hash & (slots_.size() - 1);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (; slots_[i].number != kNone; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].tag == tag && names_[slots_[i].number] == name) return slots_[i].number;
    }
    const auto added = static_cast<std::uint32_t>(names_.size());
    slots_[i] = {tag, added};
    names_.emplace_back(name);
    hashes_.push_back(hash);
    return added;
  }
  [[nodiscard]] std::uint32_t find(std::string_view name) const {
    if (slots_.empty()) return kNone;
    const std::uint64_t hash = core::xxh3_64(name.data(), name.size());
    std::size_t i = hash & (slots_.size() - 1);
    for (; slots_[i].number != kNone; i = (i + 1) & (slots_.size() - 1)) {
      if (names_[slots_[i].number] == name) return slots_[i].number;
    }
    return kNone;
  }
  [[nodiscard]] std::string_view name(std::uint32_t number) const { return names_[number]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 private:
  struct Slot {
    std::uint32_t tag = 0, number = kNone;
  };
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number == kNone) continue;
      std::size_t i = hashes_[slot.number] & (slots_.size() - 1);
      while (slots_[i].number != kNone) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::deque<std::string> names_;  // never moved: views stay valid
  std::vector<std::uint64_t> hashes_;
};

}  // namespace stateutils::sbus
