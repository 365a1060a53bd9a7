#include "kv/config_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::kv {

using core::quoted;
using core::usage_error;

Fields::Fields(const nlohmann::json* object, std::string path)
    : object_(object), path_(std::move(path)) {
  if (object_ != nullptr && !object_->is_object()) {
    throw usage_error("config: " + quoted(path_) + " is no object");
  }
}

std::string Fields::at(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

bool Fields::has(const std::string& key) {
  asked_.insert(key);
  return object_ != nullptr && object_->contains(key) && !object_->at(key).is_null();
}

const nlohmann::json& Fields::get(const std::string& key) {
  if (!has(key)) throw usage_error("config: " + quoted(at(key)) + " is missing");
  return object_->at(key);
}

Fields Fields::object(const std::string& key) {
  return {has(key) ? &object_->at(key) : nullptr, at(key)};
}

std::vector<Fields> Fields::objects(const std::string& key) {
  std::vector<Fields> list;
  if (!has(key)) return list;
  const nlohmann::json& array = object_->at(key);
  if (!array.is_array()) throw usage_error("config: " + quoted(at(key)) + " is no list");
  for (std::size_t i = 0; i < array.size(); ++i) {
    list.emplace_back(&array[i], at(key) + "[" + std::to_string(i) + "]");
  }
  return list;
}

std::string Fields::text(const std::string& key, const std::string& otherwise) {
  if (!has(key)) return otherwise;
  const nlohmann::json& value = object_->at(key);
  if (!value.is_string()) throw usage_error("config: " + quoted(at(key)) + " is no text");
  return value.get<std::string>();
}

std::string Fields::one_of(const std::string& key, const std::string& otherwise,
                           const std::vector<std::string>& choices) {
  const std::string value = text(key, otherwise);
  if (std::ranges::count(choices, value) == 0) {
    std::string known;
    for (const std::string& choice : choices) known += (known.empty() ? "" : ", ") + choice;
    throw usage_error("config: " + quoted(at(key)) + ": " + quoted(value) + " is none of " + known);
  }
  return value;
}

bool Fields::flag(const std::string& key, bool otherwise) {
  if (!has(key)) return otherwise;
  if (!object_->at(key).is_boolean()) {
    throw usage_error("config: " + quoted(at(key)) + " is neither true nor false");
  }
  return object_->at(key).get<bool>();
}

double Fields::number(const std::string& key, double otherwise, double least, double most) {
  if (!has(key)) return otherwise;
  const nlohmann::json& value = object_->at(key);
  const double x = value.is_number() ? value.get<double>() : least - 1;
  if (!(x >= least && x <= most)) {
    throw usage_error("config: " + quoted(at(key)) + " is no number from " +
                      core::format_double(least) + " to " + core::format_double(most));
  }
  return x;
}

std::uint64_t Fields::count(const std::string& key, std::uint64_t otherwise, std::uint64_t least,
                            std::uint64_t most) {
  if (!has(key)) return otherwise;
  const nlohmann::json& value = object_->at(key);
  const bool whole =
      value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0) ||
      (value.is_number_float() && value.get<double>() >= 0 &&
       value.get<double>() ==
           static_cast<double>(static_cast<std::uint64_t>(std::min(value.get<double>(), 1e18))));
  const std::uint64_t x = whole ? value.get<std::uint64_t>() : 0;
  if (!whole || x < least || x > most) {
    throw usage_error("config: " + quoted(at(key)) + " is no whole number from " +
                      std::to_string(least) + " to " + std::to_string(most));
  }
  return x;
}

std::int64_t Fields::time(const std::string& key, std::int64_t otherwise) {
  if (!has(key)) return otherwise;
  const nlohmann::json& value = object_->at(key);
  std::string text;
  if (value.is_string()) text = value.get<std::string>();
  if (value.is_number()) text = core::format_double(value.get<double>());
  const auto duration = core::parse_duration(text);
  if (!duration || duration->ns < 0) {
    throw usage_error("config: " + quoted(at(key)) + " is no time (2s, 50ms)");
  }
  return duration->ns;
}

// Shorter times than a nanosecond matter in coefficients: "0.5ns" must not round.
double Fields::seconds(const std::string& key, double otherwise) {
  if (!has(key)) return otherwise;
  const nlohmann::json& value = object_->at(key);
  if (value.is_number()) return number(key, otherwise, 0, 1e9);
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  const std::pair<const char*, double> units[] = {
      {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
  for (const auto& unit : units) {
    if (!text.ends_with(unit.first)) continue;
    const std::string digits = text.substr(0, text.size() - std::string(unit.first).size());
    const auto x = core::parse_double(digits);
    if (x && *x >= 0 && *x <= 1e9) return *x * unit.second;
    break;
  }
  throw usage_error("config: " + quoted(at(key)) + " is no time (10ms, 0.1us)");
}

double Fields::rate(const std::string& key, double otherwise) {
  if (!has(key)) return otherwise;
  std::string text = this->text(key, "");
  if (text.ends_with("/s")) text.resize(text.size() - 2);
  const auto size = core::parse_size(text);
  if (!size || size->bytes == 0) {
    throw usage_error("config: " + quoted(at(key)) + " is no rate (50GB/s)");
  }
  return static_cast<double>(size->bytes);
}

void Fields::end() const {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : object_->items()) {
    if (!asked_.contains(key)) {
      throw usage_error("config: key " + quoted(at(key)) + " is not known");
    }
  }
}

}  // namespace stateutils::kv
