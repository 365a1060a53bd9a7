// Small tables of the companion models: CSV by header, or JSON Lines, by named columns.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace stateutils::kv {

// What stands between the commas of a line, as it stands there; none is quoted.
[[nodiscard]] std::vector<std::string_view> split_cells(std::string_view line);

class TableRow {
 public:
  TableRow(std::vector<std::string> cells, const std::vector<std::string>& names, core::Place place)
      : cells_(std::move(cells)), names_(names), place_(std::move(place)) {}
  [[nodiscard]] const std::string& text(std::size_t column) const { return cells_[column]; }
  // kInput unless a number from `least` to `most`.
  [[nodiscard]] double number(std::size_t column, double least, double most) const;
  [[nodiscard]] core::Error error(const std::string& message) const {
    return core::input_error(place_, message);
  }

 private:
  std::vector<std::string> cells_;
  const std::vector<std::string>& names_;
  core::Place place_;
};

// Calls `row` for each line with the cells of these columns; others are ignored, a missing one is
// kInput, and so is a table without rows.
void read_rows(const std::string& text, const std::string& file,
               const std::vector<std::string>& columns,
               const std::function<void(const TableRow&)>& row);

}  // namespace stateutils::kv
