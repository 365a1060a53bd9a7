#include "core/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace stateutils::core {
namespace {

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (text.empty() || status != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// Splits "1.5Gi" into its number and suffix.
std::pair<std::string_view, std::string_view> split_suffix(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == '.')) ++end;
  return {text.substr(0, end), text.substr(end)};
}

// number * scale as an integer below 2^64; whole numbers are exact.
std::optional<std::uint64_t> scaled(std::string_view number, std::uint64_t scale) {
  if (const auto whole = parse_u64(number)) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(*whole, scale, &product)) return std::nullopt;
    return product;
  }
  const auto fraction = parse_double(number);
  if (!fraction || *fraction < 0) return std::nullopt;
  const double product = std::round(*fraction * static_cast<double>(scale));
  if (product >= 18446744073709551616.0) return std::nullopt;
  return static_cast<std::uint64_t>(product);
}

std::optional<std::uint64_t> size_scale(std::string_view suffix) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> kScales{
      {{"", 1},
       {"k", 1000},
       {"K", 1000},
       {"M", 1000000},
       {"G", 1000000000},
       {"T", 1000000000000},
       {"Ki", 1ull << 10},
       {"Mi", 1ull << 20},
       {"Gi", 1ull << 30},
       {"Ti", 1ull << 40}}};
  for (const auto& [name, scale] : kScales) {
    if (suffix == name) return scale;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_u64(std::string_view text) {
  return parse_whole<std::uint64_t>(text);
}

std::optional<std::int64_t> parse_i64(std::string_view text) {
  return parse_whole<std::int64_t>(text);
}

std::optional<double> parse_double(std::string_view text) {
  const auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::optional<ByteSize> parse_size(std::string_view text) {
  auto [number, suffix] = split_suffix(text);
  if (suffix.ends_with('B')) suffix.remove_suffix(1);
  const auto scale = size_scale(suffix);
  if (!scale) return std::nullopt;
  const auto bytes = scaled(number, *scale);
  if (!bytes) return std::nullopt;
  return ByteSize{*bytes};
}

std::optional<Duration> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kScales{
      {{"ns", 1},
       {"us", 1000},
       {"ms", 1000000},
       {"s", 1000000000},
       {"", 1000000000},
       {"m", 60000000000},
       {"h", 3600000000000},
       {"d", 86400000000000}}};
  const auto [number, suffix] = split_suffix(text);
  for (const auto& [name, scale] : kScales) {
    if (suffix != name) continue;
    const auto ns = scaled(number, scale);
    if (!ns || *ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) break;
    return Duration{static_cast<std::int64_t>(*ns)};
  }
  return std::nullopt;
}

std::optional<Count> parse_count(std::string_view text) {
  if (const auto caret = text.find('^'); caret != std::string_view::npos) {
    const auto base = parse_u64(text.substr(0, caret));
    const auto exponent = parse_u64(text.substr(caret + 1));
    if (!base || !exponent || (*base < 2 && *exponent > 64)) return std::nullopt;
    std::uint64_t value = 1;
    for (std::uint64_t i = 0; i < *exponent; ++i) {
      if (__builtin_mul_overflow(value, *base, &value)) return std::nullopt;
    }
    return Count{value};
  }
  if (text.find_first_of("eE") != std::string_view::npos) {
    const auto value = parse_double(text);
    if (!value || *value < 0 || *value >= 9007199254740992.0 || *value != std::floor(*value)) {
      return std::nullopt;
    }
    return Count{static_cast<std::uint64_t>(*value)};
  }
  const auto [number, suffix] = split_suffix(text);
  const auto scale = size_scale(suffix);
  if (!scale) return std::nullopt;
  const auto value = scaled(number, *scale);
  if (!value) return std::nullopt;
  return Count{*value};
}

std::string format_double(double value) {
  std::array<char, 32> buffer{};
  const auto [end, status] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return status == std::errc{} ? std::string(buffer.data(), end) : std::string("nan");
}

std::string format_fixed(double value, int digits) {
  std::array<char, 400> buffer{};
  const auto [end, status] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                           std::chars_format::fixed, digits);
  return status == std::errc{} ? std::string(buffer.data(), end) : format_double(value);
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) value /= 1024, ++unit;
  return format_fixed(value, unit == 0 ? 0 : 2) + ' ' + kUnits[unit];
}

std::string format_duration(double seconds) {
  if (seconds < 1e-3) return format_fixed(seconds * 1e6, 1) + " us";
  if (seconds < 1) return format_fixed(seconds * 1e3, 1) + " ms";
  if (seconds < 100) return format_fixed(seconds, 1) + " s";
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return std::to_string(whole / 60) + " m " + std::to_string(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + std::to_string(whole / 60 % 60) + " m";
}

std::string format_grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

}  // namespace stateutils::core
