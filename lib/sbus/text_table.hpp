// The keys and values of histories as small numbers. Most are integers, which are kept as such.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/flat_map.hpp"
#include "sbus/names.hpp"

namespace stateutils::sbus {

class TextTable {
 public:
  // Equal texts have equal numbers; an integer has that of its decimal digits.
  std::uint32_t number(std::string_view text) {
    std::int64_t integer = 0;
    if (is_integer(text, integer)) return number_of_integer(integer);
    const std::uint32_t name = names_.number(text);
    if (name == number_of_name_.size()) {
      number_of_name_.push_back(static_cast<std::uint32_t>(entries_.size()));
      entries_.push_back({name, true});
    }
    return number_of_name_[name];
  }
  std::uint32_t number(std::int64_t integer) {
    if (integer > -kLimit && integer < kLimit) return number_of_integer(integer);
    return number(std::string_view(std::to_string(integer)));
  }
  [[nodiscard]] std::string text(std::uint32_t number) const {
    const Entry& entry = entries_[number];
    if (!entry.is_name) return std::to_string(entry.value);
    return std::string(names_.name(static_cast<std::uint32_t>(entry.value)));
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  static constexpr std::int64_t kLimit = 1'000'000'000'000'000'000;  // more digits are texts

  struct Entry {
    std::int64_t value = 0;
    bool is_name = false;
  };

  // Whether `text` is what std::to_string gives for an integer within the limit.
  [[nodiscard]] static bool is_integer(std::string_view text, std::int64_t& out) {
    const bool negative = text.starts_with('-');
    const std::string_view digits = text.substr(negative ? 1 : 0);
    if (digits.empty() || digits.size() > 18 ||
        (digits[0] == '0' && (digits.size() > 1 || negative)))
      return false;
    std::int64_t value = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    out = negative ? -value : value;
    return true;
  }
  std::uint32_t number_of_integer(std::int64_t integer) {
    const auto next = static_cast<std::uint32_t>(entries_.size());
    const auto [number, added] = integers_.insert(static_cast<std::uint64_t>(integer), next);
    if (added) entries_.push_back({integer, false});
    return *number;
  }

  FlatMap<std::uint32_t> integers_;
  Names names_;
  std::vector<std::uint32_t> number_of_name_;
  std::vector<Entry> entries_;
};

}  // namespace stateutils::sbus
