// What an agent may know: a value counts as known once a text that names it has been seen.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "bench/world/state.hpp"

namespace stateutils::bench {

// A text prepared for many questions.
class SeenText {
 public:
  explicit SeenText(std::string_view text);
  // The value stands in it as a word, JSON-escaped or not; date-times in any of their forms.
  [[nodiscard]] bool names(std::string_view value) const;

 private:
  std::string_view text_;
  std::vector<std::int64_t> times_;
};

}  // namespace stateutils::bench
