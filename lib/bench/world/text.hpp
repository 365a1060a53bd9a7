// Texts of the world: normalisation, date-times, and command lines split as a shell would quote
// them (no expansion of any kind).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::bench {

// NFC and trimmed of blanks. Returns `text` or a view of it where possible, else fills `buffer`.
[[nodiscard]] std::string_view normalised_text(std::string_view text, std::string& buffer);

// YYYY-MM-DDTHH:MM[:SS][Z|+hh:mm|-hh:mm] as minutes since 1970-01-01T00:00Z (seconds are dropped,
// no offset is UTC); empty when the text has another form or names no real date.
[[nodiscard]] std::optional<std::int64_t> parse_datetime(std::string_view text);
[[nodiscard]] std::string format_datetime(std::int64_t minutes);       // 2026-03-12T14:00Z
[[nodiscard]] std::string format_datetime_text(std::int64_t minutes);  // 12 March 2026 14:00 UTC
// Minutes of a date (YYYY-MM-DD) at midnight UTC.
[[nodiscard]] std::optional<std::int64_t> parse_date(std::string_view text);
// Appends every date-time that format_datetime_text would have written into `text`.
void find_datetime_texts(std::string_view text, std::vector<std::int64_t>& found);

// Splits at blanks; '...' , "..." and backslash quote as in POSIX sh. False when a quote is open.
[[nodiscard]] bool split_command(std::string_view line, std::vector<std::string>& words);
// The word in a form that split_command and a POSIX shell read back unchanged.
[[nodiscard]] std::string quote_word(std::string_view word);

// Shell-style match with * and ? (bytes).
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

// Whether `needle` stands in `text` with no letter or digit touching either end.
[[nodiscard]] bool contains_word(std::string_view text, std::string_view needle);

}  // namespace stateutils::bench
