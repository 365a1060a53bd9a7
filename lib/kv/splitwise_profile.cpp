#include "kv/splitwise_profile.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "core/units.hpp"
#include "kv/hardware.hpp"
#include "kv/table_rows.hpp"

namespace stateutils::kv {
namespace {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

SplitwiseProfile::SplitwiseProfile(const std::string& given, const std::string& model,
                                   const std::string& hardware, std::uint32_t tp) {
  const std::string file = given.empty() ? installed_file("splitwise_perf_model.csv.zst") : given;
  const auto source = core::open_input(file);
  core::LineReader lines(*source);
  std::string_view line;
  if (!lines.next(line)) throw core::input_error({file}, "an empty profile");
  constexpr std::array<std::string_view, 7> names = {"model",          "hardware",    "prompt_size",
                                                     "batch_size",     "prompt_time", "token_time",
                                                     "tensor_parallel"};
  std::array<std::size_t, 7> place{};
  const auto trimmed = [](std::string_view text) {
    return text.ends_with('\r') ? text.substr(0, text.size() - 1) : text;
  };
  const auto header = split_cells(trimmed(line));
  for (std::size_t i = 0; i < names.size(); ++i) {
    place[i] = static_cast<std::size_t>(std::ranges::find(header, names[i]) - header.begin());
    if (place[i] == header.size()) {
      throw core::input_error(lines.place(), "no column " + core::quoted(names[i]));
    }
  }
  std::map<double, std::vector<double>> prompt, token;
  while (lines.next(line)) {
    const auto cells = split_cells(trimmed(line));
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (cells.size() != header.size()) throw core::input_error(lines.place(), "cells are missing");
    if (cells[place[0]] != model || cells[place[1]] != hardware) continue;
    const auto number = [&](std::size_t i) {
      const auto value = core::parse_double(cells[place[i]]);
      if (!value || *value < 0) {
        throw core::input_error(lines.place(), core::quoted(cells[place[i]]) + " is no number");
      }
      return *value;
    };
    if (number(6) != tp) continue;
    const double x = number(2) * number(3);
    prompt[x].push_back(number(4) / 1000);
    token[x].push_back(number(5) / 1000);
  }
  if (prompt.size() < 2) {
    throw core::usage_error("the profile has no rows for " + model + " on " + hardware + ", tp " +
                            std::to_string(tp));
  }
  for (const auto& point : prompt) prompt_.emplace_back(point.first, median(point.second));
  for (const auto& point : token) token_.emplace_back(point.first, median(point.second));
}

// Linear between points, the end segments going on (as scipy's interp1d computes it).
double SplitwiseProfile::at(const Curve& curve, double x) {
  std::size_t high = 1;
  while (high + 1 < curve.size() && curve[high].first < x) ++high;
  const auto [x0, y0] = curve[high - 1];
  const auto [x1, y1] = curve[high];
  const double slope = (y1 - y0) / (x1 - x0);
  return slope * (x - x0) + y0;
}

}  // namespace stateutils::kv
