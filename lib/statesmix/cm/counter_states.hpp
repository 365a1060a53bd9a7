// Bit histories: (n0, n1, last two bits), numbered densely in the order a search from the empty
// history meets them, so that the common ones lie together.
#pragma once

#include <cstdint>
#include <vector>

namespace stateutils::statesmix {

struct CounterStates {
  struct Entry {
    std::uint16_t next[2];
    std::uint16_t confidence;  // n / (n + 1.5) in 2^-16, n = n0 + n1
    std::uint16_t step;        // 1 / (n + 1.5), at least 1 / 31, in 2^-16
  };
  std::vector<Entry> entry;
  std::vector<std::uint32_t> start;  // (n1 + 0.4) / (n0 + n1 + 0.8) in 2^-22

  CounterStates();
  [[nodiscard]] std::size_t size() const { return entry.size(); }
};

[[nodiscard]] const CounterStates& counter_states();

}  // namespace stateutils::statesmix
