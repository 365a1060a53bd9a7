// Tables for people: aligned columns, numbers to the right.
#pragma once

#include <string>
#include <vector>

#include "core/output.hpp"

namespace stateutils::core {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Columns whose every cell looks like a number are right-aligned; width counts code points.
  void print(Output& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// --table auto|always|never: auto means "stdout is a terminal".
[[nodiscard]] bool wants_table(const std::string& choice, bool out_is_terminal);

}  // namespace stateutils::core
