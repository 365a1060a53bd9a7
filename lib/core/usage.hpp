// What this process has used so far.
#pragma once

#include <cstdint>

namespace stateutils::core {

struct Usage {
  double cpu_s = 0;            // user and system, all threads
  double wall_s = 0;           // of a clock that only goes forward: differences mean something
  std::uint64_t peak_rss = 0;  // bytes, the most that was resident at any time
};

[[nodiscard]] Usage process_usage();

}  // namespace stateutils::core
