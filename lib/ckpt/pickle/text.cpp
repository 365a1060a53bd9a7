#include "ckpt/pickle/text.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "ckpt/pickle/build.hpp"
#include "core/units.hpp"

namespace stateutils::ckpt {
namespace {

std::optional<std::uint32_t> hex_digits(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

char simple_escape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case '\\':
    case '\'':
    case '"':
      return letter;
    default:
      throw PickleRefused{"an unknown escape in a string"};
  }
}

}  // namespace

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

std::string unquote(std::string_view literal) {
  if (literal.ends_with('\r')) literal.remove_suffix(1);
  if (literal.size() < 2 || literal.front() != literal.back() ||
      (literal.front() != '\'' && literal.front() != '"')) {
    throw PickleRefused{"a string is not quoted"};
  }
  literal = literal.substr(1, literal.size() - 2);
  std::string out;
  out.reserve(literal.size());
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\') {
      out += literal[i];
      continue;
    }
    if (++i >= literal.size()) throw PickleRefused{"a string ends within an escape"};
    if (literal[i] != 'x') {
      out += simple_escape(literal[i]);
      continue;
    }
    const auto value = hex_digits(literal.substr(i + 1, 2));
    if (!value || i + 2 >= literal.size()) throw PickleRefused{"a malformed \\x escape"};
    out += static_cast<char>(*value);
    i += 2;
  }
  return out;
}

std::string raw_unicode_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'u' || text[i + 1] == 'U');
    if (!escape) {
      append_utf8(out, static_cast<unsigned char>(text[i++]));
      continue;
    }
    const std::size_t digits = text[i + 1] == 'u' ? 4 : 8;
    const auto code = text.size() - i - 2 >= digits ? hex_digits(text.substr(i + 2, digits))
                                                    : std::optional<std::uint32_t>{};
    if (!code || *code > 0x10ffff) throw PickleRefused{"a malformed \\u escape"};
    append_utf8(out, *code);
    i += 2 + digits;
  }
  return out;
}

std::optional<double> text_real(std::string_view text) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  return core::parse_double(text);
}

Object long_value(std::string_view bytes) {
  if (bytes.size() > 8) return {.kind = Kind::kBigInt, .text = bytes};
  std::uint64_t bits = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  }
  if (!bytes.empty() && bytes.size() < 8 && (static_cast<unsigned char>(bytes.back()) & 0x80)) {
    bits |= ~std::uint64_t{0} << (8 * bytes.size());
  }
  return {.kind = Kind::kInt, .integer = static_cast<std::int64_t>(bits)};
}

std::optional<std::string> latin1_bytes(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x80) {
      out += utf8[i];
    } else if ((c == 0xc2 || c == 0xc3) && i + 1 < utf8.size()) {
      out += static_cast<char>((c & 0x03) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3f));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace stateutils::ckpt
