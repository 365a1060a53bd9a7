#include "bench/solve/known.hpp"

#include <algorithm>
#include <string>

#include "bench/world/text.hpp"

namespace stateutils::bench {

SeenText::SeenText(std::string_view text) : text_(text) {
  find_datetime_texts(text, times_);
  // ISO forms: YYYY-MM-DDTHH:MM..., as long as they parse.
  for (std::size_t at = text.find('T'); at != std::string_view::npos; at = text.find('T', at + 1)) {
    if (at < 10 || at + 6 > text.size() || text[at - 3] != '-') continue;
    static constexpr std::size_t kLengths[] = {25, 22, 20, 19, 17, 16};
    for (const std::size_t n : kLengths) {
      if (at - 10 + n > text.size()) continue;
      if (const auto minutes = parse_datetime(text.substr(at - 10, n))) {
        times_.push_back(*minutes);
        break;
      }
    }
  }
}

bool SeenText::names(std::string_view value) const {
  if (contains_word(text_, value)) return true;
  if (const auto minutes = parse_datetime(value)) {
    return std::find(times_.begin(), times_.end(), *minutes) != times_.end();
  }
  if (value.find_first_of("\"\\\n\t\r") == std::string_view::npos) return false;
  std::string escaped;
  append_json_string(escaped, value);
  return text_.find(std::string_view(escaped).substr(1, escaped.size() - 2)) !=
         std::string_view::npos;
}

}  // namespace stateutils::bench
