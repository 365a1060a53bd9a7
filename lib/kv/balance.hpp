// Sequences to devices: how even attention work can be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::kv {

struct Balance {
  double max = 0, mean = 0, lower_bound = 0;       // loads
  std::vector<std::vector<std::uint64_t>> groups;  // lengths by device
};

// Longest processing time first: each sequence to the least loaded device. The load of a sequence
// is its length, or its square when `quadratic`.
[[nodiscard]] Balance balance_lpt(std::vector<std::uint64_t> lengths, std::uint32_t devices,
                                  bool quadratic);
// The least possible maximum, by depth-first branch and bound; kUsage past 24 sequences.
[[nodiscard]] Balance balance_exact(std::vector<std::uint64_t> lengths, std::uint32_t devices,
                                    bool quadratic);

}  // namespace stateutils::kv
