// Text arguments of the oldest protocol.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ckpt/pickle/value.hpp"

namespace stateutils::ckpt {

// A quoted Python string literal ('it\'s', escapes \\ \' \" \n \r \t \xNN); throws PickleRefused.
[[nodiscard]] std::string unquote(std::string_view literal);
// The raw-unicode-escape codec: \uXXXX and \UXXXXXXXX, other bytes as Latin-1; UTF-8 out.
[[nodiscard]] std::string raw_unicode_escape(std::string_view text);
// repr() of a float: digits, "inf", "-inf", "nan".
[[nodiscard]] std::optional<double> text_real(std::string_view text);
// Little-endian two's complement: a kInt where 64 bits hold it, else a kBigInt.
[[nodiscard]] Object long_value(std::string_view bytes);
// UTF-8 text whose code points are all below 256, as those bytes ("latin1"); empty otherwise.
[[nodiscard]] std::optional<std::string> latin1_bytes(std::string_view utf8);
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace stateutils::ckpt
