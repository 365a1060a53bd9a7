#include "kv/quantity.hpp"

#include <algorithm>

#include "core/units.hpp"

namespace stateutils::kv {

std::optional<Quantity> parse_quantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789.+-eE"), text.size());
  const auto number = core::parse_double(text.substr(0, digits));
  if (!number) return {};
  return Quantity{*number, std::string(text.substr(digits))};
}

}  // namespace stateutils::kv
