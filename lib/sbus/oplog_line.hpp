// The usual line of an operation log, read without a parse tree.
#pragma once

#include <string_view>

#include "sbus/op_record.hpp"

namespace stateutils::sbus {

// Fills `out` (without its line number and file) from a line of plain form: one object of known
// fields, each once and of the right kind, with at most one blank between tokens, texts of ASCII
// without escapes, integers that are not negative, and every field that its operation requires.
// False, with `out` in no defined state, for any other line, good or bad: OplogDecoder says what
// that is. simdjson's padding must be readable behind the line.
[[nodiscard]] bool decode_plain_line(std::string_view line, OpRecord& out);

}  // namespace stateutils::sbus
