#include "core/table.hpp"

#include <algorithm>

#include "core/utf8.hpp"

namespace stateutils::core {
namespace {

bool looks_numeric(const std::string& cell) {
  if (cell.empty() || cell == "-") return true;
  return cell.find_first_not_of("0123456789.,+-eE% x<>=") == std::string::npos;
}

void append_cell(std::string& line, const std::string& cell, std::size_t width, bool right) {
  const std::size_t shown = count_code_points(cell);
  const std::string padding(width > shown ? width - shown : 0, ' ');
  line += right ? padding + cell : cell + padding;
}

}  // namespace

void Table::print(Output& out) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> right(columns, true);
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    for (std::size_t c = 0; c < columns && c < rows_[r].size(); ++c) {
      widths[c] = std::max(widths[c], count_code_points(rows_[r][c]));
      if (r > 0 && !looks_numeric(rows_[r][c])) right[c] = false;
    }
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      if (c > 0) line += "  ";
      append_cell(line, c < row.size() ? row[c] : std::string(), widths[c], right[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.write(line + '\n');
  }
}

bool wants_table(const std::string& choice, bool out_is_terminal) {
  return choice == "always" || (choice == "auto" && out_is_terminal);
}

}  // namespace stateutils::core
