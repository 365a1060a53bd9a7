// Text for HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace stateutils::core {

// Appends `text` with & < > " ' as character references: safe between tags and inside quoted
// attributes. Control characters and UTF-8 are the caller's to see to.
void append_html(std::string& out, std::string_view text);

}  // namespace stateutils::core
