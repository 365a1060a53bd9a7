// Text for HTML and SVG, and the head of a page.
#pragma once

#include <string>
#include <string_view>

namespace stateutils::core {

// Appends `text` with & < > " ' as character references: safe between tags and inside quoted
// attributes. Control characters and UTF-8 are the caller's to see to.
void append_html(std::string& out, std::string_view text);

// Text from a record made safe for people: terminal escapes and other control characters go.
[[nodiscard]] std::string plain_text(std::string_view text);
// plain_text with & < > " ' escaped for HTML and SVG.
[[nodiscard]] std::string html_text(std::string_view text);

// The start of a page of its own, up to <main>: headings, .note, sections, tables and SVG have a
// style, and nothing is fetched. The page ends with kPageEnd.
[[nodiscard]] std::string page_head(std::string_view title);
inline constexpr std::string_view kPageEnd = "</main></body></html>\n";

}  // namespace stateutils::core
