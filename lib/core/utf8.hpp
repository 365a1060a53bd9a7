// UTF-8 as the Unicode standard has it: no overlong forms, no surrogates, at most U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace stateutils::core {

[[nodiscard]] bool is_valid_utf8(std::string_view text);
[[nodiscard]] std::size_t count_code_points(std::string_view text);  // of valid text

}  // namespace stateutils::core
