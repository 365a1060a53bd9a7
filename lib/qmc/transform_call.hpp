// Parts of the text of a transform. Internal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stateutils::qmc {

// "name(a,b,..)" taken apart. Errors are kUsage.
struct Call {
  std::string name;
  std::vector<std::string> arguments;

  [[nodiscard]] std::string text() const;
  void require(std::size_t least, std::size_t most) const;
  [[nodiscard]] double number(std::size_t i) const;
  [[nodiscard]] double number_or(std::size_t i, double otherwise) const;
  [[nodiscard]] double positive(std::size_t i, double otherwise) const;
};

[[nodiscard]] std::string_view trim(std::string_view text);
// Splits at `separator` outside parentheses.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] Call parse_call(std::string_view text);

}  // namespace stateutils::qmc
