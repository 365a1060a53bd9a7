// How much memory a search may take when nobody says.
#pragma once

#include <cstdint>

namespace stateutils::sbus {

// The smaller of 8 GiB and 80 % of what machine and cgroup allow.
[[nodiscard]] std::uint64_t default_memory_limit();

}  // namespace stateutils::sbus
