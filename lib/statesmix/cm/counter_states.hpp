// Bit histories: (n0, n1, last two bits), numbered densely in the order a search from the empty
// history meets them, so that the common ones lie together.
#pragma once

#include <cstdint>
#include <vector>

namespace stateutils::statesmix {

struct CounterStates {
  std::vector<std::uint32_t> next;   // state after 0, and after 1 in the upper half
  std::vector<std::uint32_t> start;  // (n1 + 0.4) / (n0 + n1 + 0.8) in 2^-22

  [[nodiscard]] std::uint32_t after(std::uint32_t state, int bit) const {
    return (next[state] >> (16 * bit)) & 0xFFFF;
  }
  CounterStates();
  [[nodiscard]] std::size_t size() const { return next.size(); }
};

[[nodiscard]] const CounterStates& counter_states();

}  // namespace stateutils::statesmix
