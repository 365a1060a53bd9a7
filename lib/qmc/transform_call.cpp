#include "qmc/transform_call.hpp"

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::qmc {

using core::usage_error;

std::string Call::text() const {
  return core::quoted(name);
}

void Call::require(std::size_t least, std::size_t most) const {
  if (arguments.size() >= least && arguments.size() <= most) return;
  throw usage_error("transform " + text() + " takes " + std::to_string(least) +
                    (least == most ? "" : " to " + std::to_string(most)) + " arguments");
}

double Call::number(std::size_t i) const {
  const auto value = core::parse_double(arguments[i]);
  if (!value) {
    throw usage_error("transform " + text() + ": " + core::quoted(arguments[i]) + " is no number");
  }
  return *value;
}

double Call::number_or(std::size_t i, double otherwise) const {
  return i < arguments.size() ? number(i) : otherwise;
}

double Call::positive(std::size_t i, double otherwise) const {
  const double value = number_or(i, otherwise);
  if (!(value > 0)) {
    throw usage_error("transform " + text() + ": argument " + std::to_string(i + 1) +
                      " must be positive");
  }
  return value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] != separator || depth != 0) continue;
    parts.push_back(trim(text.substr(from, i - from)));
    from = i + 1;
  }
  parts.push_back(trim(text.substr(from)));
  return parts;
}

Call parse_call(std::string_view text) {
  const std::size_t open = text.find('(');
  Call call{std::string(trim(text.substr(0, open))), {}};
  if (open == std::string_view::npos) return call;
  if (!text.ends_with(')')) throw usage_error("transform " + core::quoted(text) + ": no closing )");
  for (const std::string_view part : split(text.substr(open + 1, text.size() - open - 2), ',')) {
    call.arguments.emplace_back(part);
  }
  return call;
}

}  // namespace stateutils::qmc
