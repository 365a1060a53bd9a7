#include "bench/world/text.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace stateutils::bench {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

constexpr std::string_view kBlank = " \t\r\n\v\f";

// Bytes that no shell takes for anything but themselves.
constexpr auto kSafe = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view(
           "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-")) {
    out[static_cast<unsigned char>(c)] = true;
  }
  return out;
}();

// Days since 1970-01-01 of a proleptic Gregorian date (Hinnant, "chrono-compatible low-level date
// algorithms", days_from_civil).
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
  y -= m <= 2;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

struct Civil {
  std::int64_t year;
  unsigned month, day;
};

Civil civil_from_days(std::int64_t z) {
  z += 719468;
  const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const auto doe = static_cast<unsigned>(z - era * 146097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  const unsigned day = doy - (153 * mp + 2) / 5 + 1;
  const unsigned month = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<std::int64_t>(yoe) + era * 400 + (month <= 2), month, day};
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  static constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Reads `n` digits at `at`; -1 when something else stands there.
int digits(std::string_view text, std::size_t at, std::size_t n) {
  if (at + n > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + n; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// "+hh:mm" or "-hh:mm" in minutes.
std::optional<int> parse_offset(std::string_view text) {
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return {};
  const int h = digits(text, 1, 2), m = digits(text, 4, 2);
  if (h < 0 || h > 23 || m < 0 || m > 59) return {};
  return (text[0] == '-' ? -1 : 1) * (h * 60 + m);
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string text = std::to_string(value);
  if (text.size() < width) out.append(width - text.size(), '0');
  out += text;
}

void append_clock(std::string& out, std::int64_t minute_of_day) {
  append_padded(out, minute_of_day / 60, 2);
  out.push_back(':');
  append_padded(out, minute_of_day % 60, 2);
}

std::int64_t floor_days(std::int64_t minutes) {
  return (minutes >= 0 ? minutes : minutes - 1439) / 1440;
}

bool word_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// "12 March 2026 14:00 UTC" around the month name at `at`.
std::optional<std::int64_t> datetime_text_at(std::string_view text, std::size_t at,
                                             unsigned month) {
  std::size_t start = at;
  if (start < 2 || text[start - 1] != ' ') return {};
  --start;
  std::size_t first = start;
  while (first > 0 && start - first < 2 && text[first - 1] >= '0' && text[first - 1] <= '9')
    --first;
  const int day = first == start ? -1 : digits(text, first, start - first);
  if (first > 0 && word_byte(text[first - 1])) return {};
  const std::size_t rest = at + kMonths[month - 1].size();
  if (text.size() < rest + 15 || text[rest] != ' ' || text[rest + 5] != ' ' ||
      text[rest + 8] != ':' || text.substr(rest + 11, 4) != " UTC") {
    return {};
  }
  const int year = digits(text, rest + 1, 4), hour = digits(text, rest + 6, 2),
            minute = digits(text, rest + 9, 2);
  if (day < 1 || year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return {};
  if (static_cast<unsigned>(day) > days_in_month(year, month)) return {};
  return days_from_civil(year, month, static_cast<unsigned>(day)) * 1440 + hour * 60 + minute;
}

}  // namespace

std::string_view normalised_text(std::string_view text, std::string& buffer) {
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  if (bits >= 0x80) {
    utf8proc_uint8_t* composed = nullptr;
    const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const utf8proc_ssize_t n =
        utf8proc_map(data, static_cast<utf8proc_ssize_t>(text.size()), &composed,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (n >= 0) {
      buffer.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(n));
      text = buffer;
    }
    std::free(composed);
  }
  // No blank is above a space: most texts need no search.
  if (!text.empty() && text.front() > ' ' && text.back() > ' ') return text;
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return {};
  const int y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
  if (y < 0 || m < 1 || m > 12 || d < 1) return {};
  if (static_cast<unsigned>(d) > days_in_month(y, static_cast<unsigned>(m))) return {};
  return days_from_civil(y, static_cast<unsigned>(m), static_cast<unsigned>(d)) * 1440;
}

std::optional<std::int64_t> parse_datetime(std::string_view text) {
  if (text.size() < 16 || text[10] != 'T' || text[13] != ':') return {};
  const auto date = parse_date(text.substr(0, 10));
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2);
  if (!date || hour < 0 || hour > 23 || minute < 0 || minute > 59) return {};
  std::string_view rest = text.substr(16);
  if (rest.size() >= 3 && rest[0] == ':') {
    const int second = digits(rest, 1, 2);
    if (second < 0 || second > 59) return {};
    rest.remove_prefix(3);
  }
  int offset = 0;
  if (!rest.empty() && rest != "Z") {
    const auto parsed = parse_offset(rest);
    if (!parsed) return {};
    offset = *parsed;
  }
  return *date + hour * 60 + minute - offset;
}

std::string format_datetime(std::int64_t minutes) {
  const std::int64_t days = floor_days(minutes);
  const Civil date = civil_from_days(days);
  std::string out;
  append_padded(out, date.year, 4);
  out.push_back('-');
  append_padded(out, date.month, 2);
  out.push_back('-');
  append_padded(out, date.day, 2);
  out.push_back('T');
  append_clock(out, minutes - days * 1440);
  out.push_back('Z');
  return out;
}

std::string format_datetime_text(std::int64_t minutes) {
  const std::int64_t days = floor_days(minutes);
  const Civil date = civil_from_days(days);
  std::string out = std::to_string(date.day);
  out.push_back(' ');
  out += kMonths[date.month - 1];
  out.push_back(' ');
  append_padded(out, date.year, 4);
  out.push_back(' ');
  append_clock(out, minutes - days * 1440);
  out += " UTC";
  return out;
}

void find_datetime_texts(std::string_view text, std::vector<std::int64_t>& found) {
  for (std::size_t at = text.find(" UTC"); at != std::string_view::npos;
       at = text.find(" UTC", at + 1)) {
    static constexpr std::size_t kBehindMonth = std::string_view(" 2026 14:00").size();
    for (unsigned m = 1; m <= 12; ++m) {
      const std::string_view name = kMonths[m - 1];
      if (at < kBehindMonth + name.size()) continue;
      const std::size_t month = at - kBehindMonth - name.size();
      if (text.substr(month, name.size()) != name) continue;
      if (const auto minutes = datetime_text_at(text, month, m)) found.push_back(*minutes);
    }
  }
}

bool split_command(std::string_view line, std::vector<std::string>& words) {
  words.clear();
  std::string word;
  bool open = false;  // a word has begun, perhaps an empty one in quotes
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else if (c == '\'') {
      const std::size_t end = line.find('\'', i + 1);
      if (end == std::string_view::npos) return false;
      word.append(line.substr(i + 1, end - i - 1));
      i = end;
      open = true;
    } else if (c == '"') {
      for (++i;; ++i) {
        if (i >= line.size()) return false;
        if (line[i] == '"') break;
        // Inside double quotes a backslash quotes only these (POSIX XCU 2.2.3).
        if (line[i] == '\\' && i + 1 < line.size() && std::strchr("$`\"\\\n", line[i + 1])) ++i;
        word.push_back(line[i]);
      }
      open = true;
    } else if (c == '\\') {
      if (++i >= line.size()) return false;
      word.push_back(line[i]);
      open = true;
    } else {
      std::size_t end = i + 1;
      while (end < line.size() && kSafe[static_cast<unsigned char>(line[end])]) ++end;
      word.append(line.substr(i, end - i));
      i = end - 1;
      open = true;
    }
  }
  if (open) words.push_back(std::move(word));
  return true;
}

std::string quote_word(std::string_view word) {
  const auto safe = [](char c) { return kSafe[static_cast<unsigned char>(c)]; };
  if (!word.empty() && std::all_of(word.begin(), word.end(), safe)) return std::string(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out.push_back(c);
    }
  }
  out.push_back('\'');
  return out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] == text[t] && pattern[p] != '*'))) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool contains_word(std::string_view text, std::string_view needle) {
  if (needle.empty()) return true;
  for (std::size_t at = text.find(needle); at != std::string_view::npos;
       at = text.find(needle, at + 1)) {
    const bool left = at == 0 || !word_byte(text[at - 1]) || !word_byte(needle.front());
    const std::size_t end = at + needle.size();
    const bool right = end == text.size() || !word_byte(text[end]) || !word_byte(needle.back());
    if (left && right) return true;
  }
  return false;
}

}  // namespace stateutils::bench
