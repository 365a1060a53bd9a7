// A text as JSON: what the writers of records and of canonical forms share.
#pragma once

#include <string>
#include <string_view>

namespace stateutils::core {

// Appends a JSON string with only the escapes that JSON demands; invalid UTF-8 is kInput.
void append_json_string(std::string& out, std::string_view text);

}  // namespace stateutils::core
