// The clocks of servers and clients, in nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace stateutils::sbus {

template <class Clock>
[[nodiscard]] std::int64_t now_of() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

// Ages are told by a clock that nobody sets.
[[nodiscard]] inline std::int64_t steady_ns() {
  return now_of<std::chrono::steady_clock>();
}

}  // namespace stateutils::sbus
