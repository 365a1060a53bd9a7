// Operations on lists and small grids: text tasks with one right answer.
#include <algorithm>

#include "bench/families/small/small.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

constexpr const char* kWords[] = {"amber", "birch", "cedar", "delta",  "ember",  "fjord",
                                  "grove", "heron", "inlet", "jetty",  "kayak",  "lemon",
                                  "maple", "north", "ocean", "pearl",  "quilt",  "raven",
                                  "slate", "tulip", "umber", "violet", "willow", "yacht"};
constexpr const char* kOps[] = {"copy",    "reverse", "sort",         "insert", "remove",
                                "replace", "shuffle", "latin_square", "sudoku"};

using Words = std::vector<std::string>;

std::string words_json(const Words& words) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const std::string& w : words) json.value(w);
  json.end_array();
  return out;
}

Words draw_words(std::size_t n, core::Rng& rng) {
  std::vector<std::size_t> order(std::size(kWords));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Words out;
  for (std::size_t i = 0; i < n; ++i) {
    std::swap(order[i], order[i + rng.below(order.size() - i)]);
    out.emplace_back(kWords[order[i]]);
  }
  return out;
}

struct DrawnList {
  std::string instruction;
  Words answer;
};

DrawnList draw_list(std::string_view op, std::size_t n, core::Rng& rng) {
  DrawnList d;
  const Words words = draw_words(n + 1, rng);
  Words list(words.begin(), words.end() - 1);
  d.answer = list;
  const std::size_t at = rng.below(n);
  const auto place = static_cast<std::ptrdiff_t>(at);
  const std::string number = std::to_string(at + 1);
  if (op == "copy") {
    d.instruction = "Repeat the list";
  } else if (op == "reverse") {
    d.instruction = "Give the list in reverse order";
    std::reverse(d.answer.begin(), d.answer.end());
  } else if (op == "sort") {
    d.instruction = "Sort the list alphabetically";
    std::sort(d.answer.begin(), d.answer.end());
  } else if (op == "insert") {
    d.instruction = "Insert `" + words.back() + "` so that it is item " + number + " of the list";
    d.answer.insert(d.answer.begin() + place, words.back());
  } else if (op == "remove") {
    d.instruction = "Remove item " + number + " of the list";
    d.answer.erase(d.answer.begin() + place);
  } else if (op == "replace") {
    d.instruction = "Put `" + words.back() + "` in the place of item " + number + " of the list";
    d.answer[at] = words.back();
  } else {  // shuffle, by an order that is given: any order would leave nothing to judge
    d.instruction = "Reorder the list by these item numbers:";
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    for (std::size_t i = n; i-- > 1;) std::swap(order[i], order[rng.below(i + 1)]);
    for (std::size_t i = 0; i < n; ++i) {
      d.instruction += " " + std::to_string(order[i] + 1);
      d.answer[i] = list[order[i]];
    }
    d.instruction += ". The list";
  }
  d.instruction += ": " + words_json(list) + ". Finish with the resulting list as a JSON array.";
  return d;
}

constexpr int kSide = 4;
using Grid = std::vector<int>;  // 0 is open

bool fits(const Grid& grid, std::size_t cell, int digit, bool boxes) {
  const std::size_t row = cell / kSide, column = cell % kSide;
  for (std::size_t other = 0; other < grid.size(); ++other) {
    if (other == cell || grid[other] != digit) continue;
    const std::size_t r = other / kSide, c = other % kSide;
    const bool same_box = boxes && r / 2 == row / 2 && c / 2 == column / 2;
    if (r == row || c == column || same_box) return false;
  }
  return true;
}

// Counts completions up to 2, keeping the first in `solution`; digits are tried in `order`.
int complete(Grid& grid, bool boxes, const std::vector<int>& order, Grid& solution) {
  const auto open = std::find(grid.begin(), grid.end(), 0);
  if (open == grid.end()) {
    solution = grid;
    return 1;
  }
  int found = 0;
  const auto cell = static_cast<std::size_t>(open - grid.begin());
  for (const int digit : order) {
    if (!fits(grid, cell, digit, boxes)) continue;
    grid[cell] = digit;
    Grid other;
    found += complete(grid, boxes, order, found == 0 ? solution : other);
    grid[cell] = 0;
    if (found > 1) return 2;
  }
  return found;
}

DrawnList draw_grid(bool boxes, core::Rng& rng) {
  std::vector<int> order{1, 2, 3, 4};
  for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[rng.below(i + 1)]);
  Grid grid(kSide * kSide, 0), full;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t cell = rng.below(grid.size());
    const int digit = 1 + static_cast<int>(rng.below(kSide));
    if (grid[cell] == 0 && fits(grid, cell, digit, boxes)) grid[cell] = digit;
  }
  Grid start = grid;
  if (complete(start, boxes, order, full) == 0) return draw_grid(boxes, rng);
  // Take digits away as long as one completion is left.
  std::vector<std::size_t> cells(full.size());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = i;
  for (std::size_t i = cells.size(); i-- > 1;) std::swap(cells[i], cells[rng.below(i + 1)]);
  Grid open = full;
  for (const std::size_t cell : cells) {
    const int digit = open[cell];
    open[cell] = 0;
    Grid trial = open, found;
    if (complete(trial, boxes, {1, 2, 3, 4}, found) != 1) open[cell] = digit;
  }
  DrawnList d;
  d.instruction = std::string("Complete the 4x4 ") + (boxes ? "sudoku" : "latin square") +
                  " (digits 1 to 4, each once per row" +
                  (boxes ? ", column and 2x2 box" : " and column") + "; a dot is open):";
  for (std::size_t i = 0; i < open.size(); ++i) {
    d.instruction += i % kSide == 0 ? " " : "";
    d.instruction += open[i] == 0 ? "." : std::to_string(open[i]);
    d.answer.push_back(std::to_string(full[i]));
  }
  d.instruction += ". Finish with the 16 digits, row by row, as a JSON array of texts.";
  return d;
}

}  // namespace

TaskRecord make_listops(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  std::string op = kOps[index % std::size(kOps)];
  std::size_t n = options.difficulty == "easy" ? 10 : options.difficulty == "hard" ? 20 : 12;
  for (const auto& [name, value] : options.params) {
    if (name != "op" || std::find(std::begin(kOps), std::end(kOps), value) == std::end(kOps)) {
      throw core::usage_error(
          "listops takes op=copy|reverse|sort|insert|remove|replace|shuffle|latin_square|sudoku");
    }
    op = value;
  }
  const bool grid = op == "latin_square" || op == "sudoku";
  const DrawnList d = grid ? draw_grid(op == "sudoku", rng) : draw_list(op, n, rng);
  TaskRecord task = small_record(options, op, "list_editing", index, d.instruction);
  task.set("init", R"({"base":{},"clock":[],"overlay":{}})");
  task.set("contract", "{\"answer\":{\"type\":\"list\",\"value\":" + words_json(d.answer) +
                           "},\"frame\":{\"allow\":[],\"default\":\"deny\"},\"require\":[]}");
  return task;
}

}  // namespace stateutils::bench
