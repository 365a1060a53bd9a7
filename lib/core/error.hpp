// Errors as values of one exception type; thrown by the library, caught once in core::Tool.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace stateutils::core {

// The category is the exit code of the process that meets the error.
enum class Category { kVerdict = 1, kUsage = 2, kInput = 3, kEnvironment = 4 };

// Where in an input something is wrong. Text has lines (from 1), binary files have byte offsets.
struct Place {
  std::string file;
  std::optional<std::uint64_t> line{};
  std::optional<std::uint64_t> offset{};
};

// "file:line: message" or "file: byte N: message"; what() is one line without a trailing newline.
class Error : public std::exception {
 public:
  Error(Category category, const std::string& message);
  Error(Category category, const Place& place, const std::string& message);

  [[nodiscard]] Category category() const noexcept { return category_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  Category category_;
  std::string text_;
};

[[nodiscard]] Error verdict_error(const std::string& message);
[[nodiscard]] Error usage_error(const std::string& message);
[[nodiscard]] Error input_error(const Place& place, const std::string& message);
[[nodiscard]] Error environment_error(const std::string& message);
// "PATH: cannot ACTION: strerror(code)"; `code` is an errno value.
[[nodiscard]] Error system_error(const std::string& path, const std::string& action, int code);

// A name from an input, made safe to print: control bytes and invalid UTF-8 escaped, at most 200
// bytes, in double quotes.
[[nodiscard]] std::string quoted(std::string_view text);
// Without these overloads std::quoted would be found through its argument and win.
[[nodiscard]] inline std::string quoted(const std::string& text) {
  return quoted(std::string_view(text));
}
[[nodiscard]] inline std::string quoted(std::string& text) {
  return quoted(std::string_view(text));
}

}  // namespace stateutils::core
