// A pickle virtual machine that only builds data (protocols 0 to 5). It calls nothing: every
// name resolves to one of the built-in meanings of globals.hpp or is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/pickle/value.hpp"

namespace stateutils::ckpt {

struct PickleOptions {
  std::uint64_t max_memory = 256u << 20;     // decoded objects
  std::vector<std::string> allow_records{};  // "MODULE.NAME" admitted as data (--allow-record)
  bool drop_opaque = false;                  // unknown globals become null (--opaque drop)
};

inline constexpr std::size_t kMaxPickleDepth = 1000;

struct PickleResult {
  Ref root = 0;
  std::uint64_t consumed = 0;  // bytes up to and with STOP
};

// Runs one pickle from the start of `bytes`, which must outlive `heap` (strings point into it).
// Errors are kInput at `file` and `base` + the offset of the opcode.
[[nodiscard]] PickleResult run_pickle(std::string_view bytes, const std::string& file,
                                      const PickleOptions& options, Heap& heap,
                                      std::uint64_t base = 0);

}  // namespace stateutils::ckpt
