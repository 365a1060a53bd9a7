// Option values: text to targets and back, with the ranges that help shows.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/cli_table.hpp"

namespace stateutils::core {
namespace {

template <class T>
struct Element {
  using type = T;
  static constexpr bool kIsOptional = false, kIsVector = false;
};
template <class T>
struct Element<std::optional<T>> {
  using type = T;
  static constexpr bool kIsOptional = true, kIsVector = false;
};
template <class T>
struct Element<std::vector<T>> {
  using type = T;
  static constexpr bool kIsOptional = false, kIsVector = true;
};

std::optional<std::string> parse_as(std::string_view text, const std::string*) {
  return std::string(text);
}
std::optional<std::uint64_t> parse_as(std::string_view text, const std::uint64_t*) {
  return parse_u64(text);
}
std::optional<std::int64_t> parse_as(std::string_view text, const std::int64_t*) {
  return parse_i64(text);
}
std::optional<int> parse_as(std::string_view text, const int*) {
  const auto value = parse_i64(text);
  if (!value || *value < std::numeric_limits<int>::min() ||
      *value > std::numeric_limits<int>::max()) {
    return std::nullopt;
  }
  return static_cast<int>(*value);
}
std::optional<double> parse_as(std::string_view text, const double*) {
  return parse_double(text);
}
std::optional<ByteSize> parse_as(std::string_view text, const ByteSize*) {
  return parse_size(text);
}
std::optional<Duration> parse_as(std::string_view text, const Duration*) {
  return parse_duration(text);
}
std::optional<Count> parse_as(std::string_view text, const Count*) {
  return parse_count(text);
}
std::optional<bool> parse_as(std::string_view text, const bool*) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

double magnitude(int value) {
  return value;
}
double magnitude(std::int64_t value) {
  return static_cast<double>(value);
}
double magnitude(std::uint64_t value) {
  return static_cast<double>(value);
}
double magnitude(double value) {
  return value;
}
double magnitude(ByteSize value) {
  return static_cast<double>(value.bytes);
}
double magnitude(Duration value) {
  return static_cast<double>(value.ns) * 1e-9;
}
double magnitude(Count value) {
  return static_cast<double>(value.value);
}
double magnitude(const std::string&) {
  return 0;
}
double magnitude(bool) {
  return 0;
}

std::string show(int value) {
  return std::to_string(value);
}
std::string show(std::int64_t value) {
  return std::to_string(value);
}
std::string show(std::uint64_t value) {
  return std::to_string(value);
}
std::string show(double value) {
  return format_double(value);
}
std::string show(const std::string& value) {
  return value;
}
std::string show(bool value) {
  return value ? "true" : "false";
}
std::string show(Count value) {
  return std::to_string(value.value);
}
std::string show(ByteSize value) {
  constexpr const char* kSuffix[] = {"", "Ki", "Mi", "Gi", "Ti"};
  std::uint64_t bytes = value.bytes;
  int unit = 0;
  while (unit < 4 && bytes != 0 && bytes % 1024 == 0) bytes /= 1024, ++unit;
  return std::to_string(bytes) + kSuffix[unit];
}
std::string show(Duration value) {
  if (value.ns % 1000000000 == 0) return std::to_string(value.ns / 1000000000) + 's';
  if (value.ns % 1000000 == 0) return std::to_string(value.ns / 1000000) + "ms";
  if (value.ns % 1000 == 0) return std::to_string(value.ns / 1000) + "us";
  return std::to_string(value.ns) + "ns";
}

const char* kind(const std::string*) {
  return "TEXT";
}
const char* kind(const int*) {
  return "INT";
}
const char* kind(const std::int64_t*) {
  return "INT";
}
const char* kind(const std::uint64_t*) {
  return "UINT";
}
const char* kind(const double*) {
  return "NUMBER";
}
const char* kind(const ByteSize*) {
  return "SIZE";
}
const char* kind(const Duration*) {
  return "TIME";
}
const char* kind(const Count*) {
  return "COUNT";
}
const char* kind(const bool*) {
  return "BOOL";
}

// One value checked against kind, range and choices; `why` says what is wrong.
template <class T>
std::optional<T> checked_value(const Option::State& option, const std::string& text,
                               std::string& why) {
  auto value = parse_as(text, static_cast<const T*>(nullptr));
  if (!value) {
    why = '"' + text + "\" is no valid " + type_name(option);
    return std::nullopt;
  }
  const double size = magnitude(*value);
  if ((option.low && size < *option.low) || (option.high && size > *option.high)) {
    why = text + " is outside " + range_text(option);
    return std::nullopt;
  }
  if (!option.choices.empty() && std::ranges::find(option.choices, text) == option.choices.end()) {
    why = '"' + text + "\" is not one of " + range_text(option);
    return std::nullopt;
  }
  return value;
}

std::vector<std::string> split_commas(const std::vector<std::string>& values) {
  std::vector<std::string> parts;
  for (const std::string& value : values) {
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      parts.push_back(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return parts;
}

}  // namespace

bool is_flag(const Option::State& option) {
  return std::holds_alternative<bool*>(option.target);
}

bool is_vector(const Option::State& option) {
  return std::visit(
      [](auto* target) { return Element<std::remove_pointer_t<decltype(target)>>::kIsVector; },
      option.target);
}

std::string type_name(const Option::State& option) {
  if (!option.value_name.empty()) return option.value_name;
  return std::visit(
      [](auto* target) -> std::string {
        using T = typename Element<std::remove_pointer_t<decltype(target)>>::type;
        return kind(static_cast<const T*>(nullptr));
      },
      option.target);
}

std::string range_text(const Option::State& option) {
  if (!option.choices.empty()) {
    std::string text = "{";
    for (const std::string& choice : option.choices) {
      if (text.size() > 1) text += ',';
      text += choice;
    }
    return text + '}';
  }
  if (option.low && option.high) {
    return format_double(*option.low) + ".." + format_double(*option.high);
  }
  if (option.low) return ">= " + format_double(*option.low);
  return {};
}

std::string value_text(const Option::State& option) {
  return std::visit(
      [](auto* target) -> std::string {
        using E = Element<std::remove_pointer_t<decltype(target)>>;
        if constexpr (E::kIsVector) {
          std::string text;
          for (const auto& value : *target) text += (text.empty() ? "" : ",") + show(value);
          return text;
        } else if constexpr (E::kIsOptional) {
          return {};
        } else {
          return show(*target);
        }
      },
      option.target);
}

std::string store_values(Option::State& option, const std::vector<std::string>& given) {
  const std::vector<std::string> values = option.comma_list ? split_commas(given) : given;
  std::string why;
  std::visit(
      [&](auto* target) {
        using E = Element<std::remove_pointer_t<decltype(target)>>;
        using T = typename E::type;
        if constexpr (E::kIsVector) {
          target->clear();
          for (const std::string& text : values) {
            auto value = checked_value<T>(option, text, why);
            if (!value) return;
            target->push_back(std::move(*value));
          }
        } else if (auto value = checked_value<T>(option, values.back(), why)) {
          *target = std::move(*value);
        }
      },
      option.target);
  return why;
}

}  // namespace stateutils::core
