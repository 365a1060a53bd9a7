#include "kv/table_rows.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/input.hpp"
#include "core/json.hpp"
#include "core/jsonl.hpp"
#include "core/units.hpp"

namespace stateutils::kv {
namespace {

std::vector<std::string> cells_of_json(std::string_view line, const core::Place& place,
                                       const std::vector<std::string>& columns) {
  const nlohmann::json object = core::parse_json(line, place.file);
  std::vector<std::string> cells;
  for (const std::string& column : columns) {
    if (!object.is_object() || !object.contains(column)) {
      throw core::input_error(place, core::quoted(column) + " is missing");
    }
    const nlohmann::json& value = object[column];
    cells.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
  return cells;
}

}  // namespace

std::vector<std::string_view> split_cells(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t from = 0;;) {
    const std::size_t comma = line.find(',', from);
    cells.push_back(line.substr(from, comma - from));
    if (comma == std::string_view::npos) return cells;
    from = comma + 1;
  }
}

double TableRow::number(std::size_t column, double least, double most) const {
  const auto value = core::parse_double(cells_[column]);
  if (!value || *value < least || *value > most) {
    throw error(core::quoted(names_[column]) + ": " + core::quoted(cells_[column]) +
                " is no number from " + core::format_double(least) + " to " +
                core::format_double(most));
  }
  return *value;
}

void read_rows(const std::string& text, const std::string& file,
               const std::vector<std::string>& columns,
               const std::function<void(const TableRow&)>& row) {
  const auto source = core::memory_input(text, file);
  core::LineReader lines(*source);
  std::string_view line;
  std::vector<std::size_t> at;
  std::size_t width = 0, rows = 0;
  while (lines.next(line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.front() == '{') {
      row({cells_of_json(line, lines.place(), columns), columns, lines.place()});
      ++rows;
      continue;
    }
    const std::vector<std::string_view> all = split_cells(line);
    if (at.empty()) {
      width = all.size();
      for (const std::string& column : columns) {
        at.push_back(static_cast<std::size_t>(std::ranges::find(all, column) - all.begin()));
        if (at.back() == width) {
          throw core::input_error(lines.place(), "no column " + core::quoted(column));
        }
        if (std::ranges::count(all, column) > 1) {
          throw core::input_error(lines.place(), "column " + core::quoted(column) + " twice");
        }
      }
      continue;
    }
    if (all.size() != width) {
      throw core::input_error(lines.place(),
                              std::to_string(all.size()) + " cells, not " + std::to_string(width));
    }
    std::vector<std::string> cells;
    for (const std::size_t place : at) cells.emplace_back(all[place]);
    row({std::move(cells), columns, lines.place()});
    ++rows;
  }
  if (rows == 0) throw core::input_error({file}, "the table has no rows");
}

}  // namespace stateutils::kv
