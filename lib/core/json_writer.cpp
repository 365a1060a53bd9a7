#include "core/json_writer.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "core/error.hpp"
#include "core/json_string.hpp"
#include "core/utf8.hpp"

namespace stateutils::core {
namespace {

// Largest integer up to which every integer is a double: JavaScript's and jq's limit.
constexpr std::uint64_t kExactInDouble = 1ull << 53;

constexpr std::uint64_t kOnes = 0x0101010101010101ull;
constexpr std::uint64_t kHighs = 0x8080808080808080ull;

// The high bit of each byte that is below 0x20, a quote, a backslash or above 0x7f. Borrows may
// mark a plain byte above a special one, never below: only the lowest mark is exact.
constexpr std::uint64_t special_bytes(std::uint64_t word) {
  const std::uint64_t quote = word ^ (kOnes * '"');
  const std::uint64_t slash = word ^ (kOnes * '\\');
  return ((word - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes) | word) & kHighs;
}

// Bytes from the start that a JSON string can hold as they are.
std::size_t plain_prefix(const char* data, std::size_t size) {
  std::size_t i = 0;
  if constexpr (std::endian::native == std::endian::little) {
    for (; i + 8 <= size; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data + i, 8);
      if (const std::uint64_t marks = special_bytes(word)) {
        return i + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
      }
    }
  }
  if constexpr (std::endian::native == std::endian::little) {
    std::uint64_t word = kOnes * 'a';
    std::memcpy(&word, data + i, size - i);
    const std::uint64_t marks = special_bytes(word);
    return marks == 0 ? size : i + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
  }
  for (; i < size; ++i) {
    const auto c = static_cast<unsigned char>(data[i]);
    if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80) break;
  }
  return i;
}

void append_escaped(std::string& out, unsigned char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += kDigits[c >> 4];
  out += kDigits[c & 15];
}

template <class T>
void append_number(std::string& out, T number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

// to_chars drops the point and the exponent where that is shorter. Readers would then take the
// text for an integer: one that does not fit 64 bits, or a zero without its sign.
void append_double(std::string& out, double number) {
  if (number == 0 && std::signbit(number)) {
    out += "-0.0";
  } else if (std::fabs(number) < 0x1p63) {
    append_number(out, number);
  } else {
    char digits[32];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
  }
}

// Bytes that are no plain prefix: escapes, and text beyond ASCII once it is known to be valid.
std::size_t append_special(std::string& out, std::string_view text, std::size_t at, bool& checked) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x80) {
    append_escaped(out, c);
    return at + 1;
  }
  if (!checked && !is_valid_utf8(text.substr(at))) {
    throw input_error({}, "text " + quoted(text) + " is not valid UTF-8");
  }
  checked = true;
  std::size_t end = at + 1;
  while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
  out.append(text.data() + at, end - at);
  return end;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  bool checked = false;  // what follows the first byte beyond ASCII is valid UTF-8
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t plain = plain_prefix(text.data() + at, text.size() - at);
    out.append(text.data() + at, plain);
    at += plain;
    if (at < text.size()) at = append_special(out, text, at, checked);
  }
  out += '"';
}

void JsonWriter::separate() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(bool b) {
  return raw(b ? "true" : "false");
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) throw std::logic_error("JSON cannot hold NaN or infinity");
  separate();
  append_double(out_, number);
  return *this;
}

JsonWriter& JsonWriter::null() {
  return raw("null");
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::signed_value(std::int64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::unsigned_value(std::uint64_t number) {
  separate();
  append_number(out_, number);
  return *this;
}

JsonWriter& JsonWriter::identifier(std::uint64_t id) {
  if (id <= kExactInDouble) return unsigned_value(id);
  separate();
  out_ += '"';
  append_number(out_, id);
  out_ += '"';
  return *this;
}

}  // namespace stateutils::core
