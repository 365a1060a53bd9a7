#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/html.hpp"
#include "core/units.hpp"
#include "kv/plot.hpp"
#include "kv/quantity.hpp"
#include "kv/sweep_chart.hpp"
#include "kv/sweep_table.hpp"

namespace stateutils::kv {
namespace {

using core::html_text;
using nlohmann::ordered_json;

constexpr std::size_t kMostRows = 100, kMostParameters = 8;

std::string section(const std::string& title, const std::string& body) {
  return "<section><h2>" + title + "</h2>\n" + body + "</section>\n";
}

std::string row(const std::vector<std::string>& cells, const char* tag) {
  std::string out = "<tr>";
  for (const std::string& cell : cells) {
    out += std::string("<") + tag + (*tag == 't' && tag[1] == 'h' ? " scope=\"col\">" : ">") +
           html_text(cell) + "</" + tag + ">";
  }
  return out + "</tr>\n";
}

std::string choice(const SweepTable& table, const SweepPage& page) {
  const std::string share = core::format_double(100 * page.attain) + " % of requests";
  std::string out = "<p>";
  if (table.any) {
    out += "Point <b>" + html_text(table.rows[0][0]) + "</b> meets the SLO for at least " + share +
           " at the least objective (" + html_text(page.objective) + "); " +
           std::to_string(table.rows.size()) +
           (table.rows.size() == 1 ? " point meets it." : " points meet it.");
  } else {
    out += "No point meets the SLO for " + share + "; point <b>" + html_text(table.rows[0][0]) +
           "</b> comes nearest.";
  }
  out += "</p>\n<table>";
  for (std::size_t i = 0; i < table.headings.size(); ++i) {
    out += "<tr><th scope=\"row\">" + html_text(table.headings[i]) + "</th><td>" +
           html_text(table.rows[0][i]) + "</td></tr>\n";
  }
  return out + "</table>\n";
}

std::string all_rows(const SweepTable& table) {
  std::string out = "<table>" + row(table.headings, "th");
  const std::size_t shown = std::min(table.rows.size(), kMostRows);
  for (std::size_t i = 0; i < shown; ++i) out += row(table.rows[i], "td");
  out += "</table>\n";
  if (shown < table.rows.size()) {
    out += "<p class=\"note\">The best " + std::to_string(shown) + " of " +
           std::to_string(table.rows.size()) + ".</p>\n";
  }
  return out +
         "<p class=\"note\">Times in seconds. To bound: the block hit ratio that Belady's "
         "policy has over this point's, on the same references and memory.</p>\n";
}

std::optional<Quantity> quantity(const ordered_json& value) {
  if (value.is_number()) return Quantity{value.get<double>()};
  return value.is_string() ? parse_quantity(value.get<std::string>()) : std::nullopt;
}

// The objective by one parameter, where its values are quantities of one unit.
std::optional<core::Chart> effect(const std::vector<ordered_json>& records,
                                  const std::vector<SweepLine>& lines, const std::string& path,
                                  const SweepPage& page) {
  std::vector<SweepDot> dots;
  std::optional<std::string> unit;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto x =
        records[i]["params"].contains(path) ? quantity(records[i]["params"][path]) : std::nullopt;
    if (!x || (unit && *unit != x->unit)) return {};
    unit = x->unit;
    SweepDot dot;
    dot.name = "point " + records[i]["point"].dump();
    dot.x = x->value;
    dot.y = dot.objective = lines[i].objective;
    dot.attained = lines[i].attained;
    dot.meets = lines[i].meets;
    dots.push_back(std::move(dot));
  }
  SweepAxes axes{{path + (unit->empty() ? "" : " (" + *unit + ")")}, {page.objective}};
  axes.front = false;
  core::Chart chart = sweep_chart(dots, axes);
  chart.width = 340;
  chart.height = 220;
  return chart;
}

std::string effects(const std::vector<ordered_json>& records, const std::vector<SweepLine>& lines,
                    const SweepPage& page) {
  std::string out;
  std::size_t drawn = 0;
  for (const auto& [path, value] : records.front()["params"].items()) {
    if (drawn == kMostParameters) break;
    const auto chart = effect(records, lines, path, page);
    if (!chart) continue;
    out += "<div class=\"half\">" + core::charts_svg("", {*chart}, true) + "</div>";
    ++drawn;
  }
  return out.empty() ? out : section("What each parameter does to the objective", out);
}

}  // namespace

std::string sweep_html(const std::vector<SweepLine>& lines, const SweepPage& page) {
  std::string out = core::page_head("kv-sim sweep");
  out +=
      "<style>.half{display:inline-block;width:49%;min-width:20rem;vertical-align:top}"
      "section p b{font-variant-numeric:tabular-nums}</style>\n";
  out += "<h1>Sweep of " + std::to_string(lines.size()) +
         (lines.size() == 1 ? " configuration" : " configurations") + "</h1><p class=\"note\">on " +
         html_text(page.trace) + "</p>\n";
  if (!lines.empty()) {
    std::string text;
    std::vector<ordered_json> records;
    for (const SweepLine& line : lines) {
      text += line.json + '\n';
      records.push_back(ordered_json::parse(line.json));
    }
    const SweepTable table = sweep_table(lines);
    out += section(table.any ? "The choice" : "The nearest miss", choice(table, page));
    const auto source = core::memory_input(text, "sweep");
    PlotOptions options;
    options.attain = page.attain;
    out +=
        "<section>" + core::charts_svg("", {sweep_chart(*source, options)}, true) + "</section>\n";
    if (table.any) out += section("Points that meet the SLO, best first", all_rows(table));
    out += effects(records, lines, page);
  }
  out += core::kPageEnd;
  return out;
}

}  // namespace stateutils::kv
