#include "core/error.hpp"

#include <cstring>

#include "core/utf8.hpp"

namespace stateutils::core {
namespace {

std::string placed(const Place& place, const std::string& message) {
  std::string text = place.file;
  if (place.line) text += ':' + std::to_string(*place.line);
  if (place.offset) text += ": byte " + std::to_string(*place.offset);
  return text.empty() ? message : text + ": " + message;
}

// An error is one line, whatever a file's name or content holds.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

Error::Error(Category category, const std::string& message)
    : category_(category), text_(one_line(message)) {}

Error::Error(Category category, const Place& place, const std::string& message)
    : category_(category), text_(one_line(placed(place, message))) {}

Error verdict_error(const std::string& message) {
  return {Category::kVerdict, message};
}
Error usage_error(const std::string& message) {
  return {Category::kUsage, message};
}
Error input_error(const Place& place, const std::string& message) {
  return {Category::kInput, place, message};
}
Error environment_error(const std::string& message) {
  return {Category::kEnvironment, message};
}

Error system_error(const std::string& path, const std::string& action, int code) {
  return {Category::kEnvironment, path + ": cannot " + action + ": " + std::strerror(code)};
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kMaxShown = 200;
  constexpr char kDigits[] = "0123456789abcdef";
  const bool valid = is_valid_utf8(text);
  std::string out = "\"";
  for (const char c : text) {
    if (out.size() > kMaxShown) {
      out += "...";
      break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !valid)) {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace stateutils::core
