// A number with a unit, in one text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stateutils::kv {

struct Quantity {
  double value = 0;
  std::string unit{};
};

// "40GiB" is 40 and "GiB", "3e6tok" 3000000 and "tok"; empty when no number comes first.
[[nodiscard]] std::optional<Quantity> parse_quantity(std::string_view text);

}  // namespace stateutils::kv
