// Memory sizes with a unit: 40GiB, 3e6tok, 5859blk, 10%.
#pragma once

#include <cstdint>
#include <string>

namespace stateutils::kv {

struct CapacityScale {
  std::uint64_t block = 1;               // tokens
  std::uint64_t distinct = 0;            // what 100 % is; 0: percentages are not allowed
  std::uint64_t kv_bytes_per_token = 0;  // 0: bytes are not allowed
};

// Whole blocks, rounded down. A size without a unit, one that is malformed or whose unit has no
// meaning here, and one of less than a block are kUsage.
[[nodiscard]] std::uint64_t capacity_blocks(const std::string& text, const CapacityScale& scale);

}  // namespace stateutils::kv
