#include "kv/json_values.hpp"

namespace stateutils::kv {

using core::quoted;
using simdjson::dom::element_type;

core::Error JsonValues::wrong(std::string_view key, const char* expected) const {
  return fail_(quoted(key) + ": expected " + expected);
}

std::uint64_t JsonValues::count(std::string_view key, const Maybe& value) const {
  const auto found = opt_count(key, value);
  if (!found) throw fail_(quoted(key) + " is missing");
  return *found;
}

std::optional<std::uint64_t> JsonValues::opt_count(std::string_view key, const Maybe& value) const {
  if (!value || value->is_null()) return std::nullopt;
  std::uint64_t number = 0;
  if (value->get(number) != simdjson::SUCCESS) throw wrong(key, "an integer that is not negative");
  // get() converts no double, so 100.0 is refused as a fraction.
  return number;
}

std::optional<double> JsonValues::opt_number(std::string_view key, const Maybe& value) const {
  if (!value || value->is_null()) return std::nullopt;
  double number = 0;
  if (value->get(number) != simdjson::SUCCESS) throw wrong(key, "a number");
  return number;
}

std::optional<std::int64_t> JsonValues::opt_time(std::string_view key, const Maybe& value,
                                                 double scale) const {
  if (value && !value->is_null() && scale == 1e-3) {
    // Whole milliseconds stay exact.
    std::uint64_t whole = 0;
    if (value->get(whole) == simdjson::SUCCESS && whole < 9'000'000'000'000) {
      return static_cast<std::int64_t>(whole) * 1'000'000;
    }
  }
  const auto number = opt_number(key, value);
  if (!number) return std::nullopt;
  const auto ns = nanoseconds(*number * scale);
  if (!ns) throw wrong(key, "a time that is not negative and below 292 years");
  return ns;
}

std::optional<std::string_view> JsonValues::opt_text(std::string_view key,
                                                     const Maybe& value) const {
  if (!value || value->is_null()) return std::nullopt;
  std::string_view text;
  if (value->get(text) != simdjson::SUCCESS) throw wrong(key, "a string");
  return text;
}

std::optional<bool> JsonValues::opt_bool(std::string_view key, const Maybe& value) const {
  if (!value || value->is_null()) return std::nullopt;
  bool flag = false;
  if (value->get(flag) != simdjson::SUCCESS) throw wrong(key, "true or false");
  return flag;
}

std::uint64_t JsonValues::id(std::string_view key, const Element& value) const {
  std::uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number > 1ull << 63) {
    throw wrong(key, "block ids from 0 to 2^63");
  }
  return number;
}

void JsonValues::ids(std::string_view key, const Element& value, std::vector<RawRun>& runs) const {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) throw wrong(key, "an array of block ids");
  for (const Element& item : array) {
    const std::uint64_t here = id(key, item);
    if (!runs.empty() && runs.back().first + runs.back().count == here) {
      ++runs.back().count;
    } else {
      runs.push_back({here, 1});
    }
  }
}

void JsonValues::id_runs(std::string_view key, const Element& value,
                         std::vector<RawRun>& runs) const {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) throw wrong(key, "an array of [first,count]");
  for (const Element& item : array) {
    simdjson::dom::array pair;
    if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
      throw wrong(key, "[first,count] pairs");
    }
    const std::uint64_t first = id(key, pair.at(0).value_unsafe());
    const std::uint64_t count = id(key, pair.at(1).value_unsafe());
    if (count == 0) throw wrong(key, "a count of at least 1");
    runs.push_back({first, count});
  }
}

}  // namespace stateutils::kv
