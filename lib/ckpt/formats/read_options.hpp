// What every reader is told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ckpt/pickle/machine.hpp"

namespace stateutils::ckpt {

struct ReadOptions {
  std::string from;  // format id; empty: detect by content
  std::uint64_t max_memory = 256u << 20;
  std::vector<std::string> allow_records;
  bool drop_opaque = false;
  bool allow_expand = false;  // tensors more than 4 times their storage
  bool check_sums = true;     // --no-crc clears it
  std::string patterns;       // --patterns FILE or builtin:megatron
  std::string layout;         // --src-layout FILE
  std::string base;           // --base: what a delta-compressed source was compressed against
  bool strict = true;         // --no-strict clears it
  int threads = 1;

  [[nodiscard]] PickleOptions pickle() const {
    return {.max_memory = max_memory, .allow_records = allow_records, .drop_opaque = drop_opaque};
  }
};

}  // namespace stateutils::ckpt
