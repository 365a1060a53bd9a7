#include "qmc/settings.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::qmc {

using core::usage_error;

Settings::Settings(std::string_view text) : name_(text.substr(0, text.find(':'))) {
  if (text.size() == name_.size()) return;
  std::string_view rest = text.substr(name_.size() + 1);
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      throw usage_error("integrand " + name_ + ": " + core::quoted(part) + " is no key=value");
    }
    values_[std::string(part.substr(0, equals))] = part.substr(equals + 1);
  }
}

double Settings::number(const std::string& key, double otherwise) {
  const auto text = take(key);
  if (!text) return otherwise;
  const auto value = core::parse_double(*text);
  if (!value) throw usage_error("integrand " + name_ + ": " + key + " is no number");
  return *value;
}

double Settings::positive(const std::string& key, double otherwise) {
  const double value = number(key, otherwise);
  if (!(value > 0)) throw usage_error("integrand " + name_ + ": " + key + " must be positive");
  return value;
}

std::string Settings::choice(const std::string& key, const std::vector<std::string>& known) {
  const auto text = take(key);
  if (!text) return known[0];
  if (std::find(known.begin(), known.end(), *text) == known.end()) {
    throw usage_error("integrand " + name_ + ": " + key + "=" + *text + " is not known");
  }
  return *text;
}

void Settings::require_all_used() const {
  if (values_.empty()) return;
  throw usage_error("integrand " + name_ + ": unknown key " + core::quoted(values_.begin()->first));
}

std::optional<std::string> Settings::take(const std::string& key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  std::string text = found->second;
  values_.erase(found);
  return text;
}

}  // namespace stateutils::qmc
