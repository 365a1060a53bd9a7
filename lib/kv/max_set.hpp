// A set of numbers below a bound with the largest at hand: a bitmap under bitmaps, 64-way.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace stateutils::kv {

class MaxSet {
 public:
  explicit MaxSet(std::uint64_t bound) {
    do {
      bound = (bound + 63) / 64;
      levels_.emplace_back(bound == 0 ? 1 : bound, 0);
    } while (bound > 1);
  }
  void insert(std::uint64_t value) {
    for (auto& level : levels_) {
      const std::uint64_t bit = 1ull << (value & 63);
      value >>= 6;
      const bool known = level[value] != 0;
      level[value] |= bit;
      if (known) return;
    }
  }
  void erase(std::uint64_t value) {
    for (auto& level : levels_) {
      const std::uint64_t bit = 1ull << (value & 63);
      value >>= 6;
      level[value] &= ~bit;
      if (level[value] != 0) return;
    }
  }
  [[nodiscard]] bool contains(std::uint64_t value) const {
    return (levels_[0][value >> 6] >> (value & 63) & 1) != 0;
  }
  [[nodiscard]] bool empty() const { return levels_.back()[0] == 0; }
  [[nodiscard]] std::uint32_t max() const {
    std::uint64_t at = 0;
    for (std::size_t level = levels_.size(); level-- > 0;) {
      at = at * 64 + static_cast<std::uint64_t>(63 - std::countl_zero(levels_[level][at]));
    }
    return static_cast<std::uint32_t>(at);
  }

 private:
  std::vector<std::vector<std::uint64_t>> levels_;
};

}  // namespace stateutils::kv
