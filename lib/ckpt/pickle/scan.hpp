// Where a pickle ends, without decoding it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stateutils::ckpt {

// Bytes up to and with STOP; empty when `window` ends before. At an opcode that is unknown the
// length up to it: decoding will name it.
[[nodiscard]] std::optional<std::uint64_t> pickle_length(std::string_view window);

}  // namespace stateutils::ckpt
