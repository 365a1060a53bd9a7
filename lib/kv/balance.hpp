// Sequences to devices: how even attention work can be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::kv {

// A sequence, or a piece of one, and the work in it.
struct BalanceItem {
  std::uint64_t length = 0;
  double load = 0;
};
// The load of a sequence is its length, or its square when `quadratic`. With `shard` tokens a
// sequence is cut into pieces of so many; a piece from s to e of a causal sequence then has the
// quadratic load e^2 - s^2. kUsage for more than 10^7 pieces.
[[nodiscard]] std::vector<BalanceItem> balance_items(const std::vector<std::uint64_t>& lengths,
                                                     bool quadratic, std::uint64_t shard = 0);

struct Balance {
  double max = 0, mean = 0, lower_bound = 0;       // loads
  std::vector<std::vector<std::uint64_t>> groups;  // lengths by device
};

// Longest processing time first: each item to the least loaded device.
[[nodiscard]] Balance balance_lpt(std::vector<BalanceItem> items, std::uint32_t devices);
// The least possible maximum, by depth-first branch and bound; kUsage past 24 items.
[[nodiscard]] Balance balance_exact(std::vector<BalanceItem> items, std::uint32_t devices);
// The linear relaxation (items may be split: McNaughton's wrap-around fills device by device up to
// the larger of mean and longest), rounded: its at most devices - 1 split items go to the least
// loaded devices, then moves and swaps lower the highest load until none does. The maximum is at
// most the relaxation's plus the largest item.
[[nodiscard]] Balance balance_lp(std::vector<BalanceItem> items, std::uint32_t devices);

}  // namespace stateutils::kv
