#include "kv/sweep_table.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/units.hpp"
#include "kv/quantity.hpp"

namespace stateutils::kv {
namespace {

using nlohmann::ordered_json;

std::string fixed_at(const ordered_json& summary, const char* field, const char* part) {
  if (!summary.contains(field) || !summary[field].is_object()) return "-";
  const ordered_json& value = summary[field].value(part, ordered_json());
  return value.is_number() ? core::format_fixed(value.get<double>(), 4) : "-";
}

// The offline bound less what the policy hit, in block hit ratio.
std::string to_bound(const ordered_json& summary) {
  if (!summary.contains("bound") || !summary.contains("hit_ratio")) return "-";
  double hits = 0;
  for (const auto& tier : summary["hit_ratio"]["blocks"]) hits += tier.get<double>();
  return core::format_fixed(summary["bound"]["belady"].get<double>() - hits, 4);
}

// At most 6 digits of a number, before its unit; the records have them all.
std::string text_of(const ordered_json& value) {
  if (value.is_null()) return "-";
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  const auto number = parse_quantity(text);
  if (!number || text.size() - number->unit.size() < 9) return text;
  char shown[32];
  std::snprintf(shown, sizeof shown, "%.6g", number->value);
  return shown + number->unit;
}

}  // namespace

SweepTable sweep_table(const std::vector<SweepLine>& lines) {
  SweepTable table;
  std::vector<ordered_json> chosen;
  for (const SweepLine* line : ranked(lines)) {
    if (!line->meets && table.any) break;
    table.any |= line->meets;
    chosen.push_back(ordered_json::parse(line->json));
    if (!line->meets) break;
  }
  std::vector<std::string> params;
  bool rates = false;
  for (const ordered_json& summary : chosen) {
    rates |= summary.contains("max_rate");
    for (const auto& [path, value] : summary["params"].items()) {
      if (std::ranges::count(params, path) == 0) params.push_back(path);
    }
  }
  table.headings = {"point"};
  table.headings.insert(table.headings.end(), params.begin(), params.end());
  for (const char* name :
       {"objective", "ttft p99", "tpot p99", "e2e p99", "attained", "to bound"}) {
    table.headings.emplace_back(name);
  }
  if (rates) table.headings.emplace_back("max rate");
  for (const ordered_json& summary : chosen) {
    std::vector<std::string> row = {text_of(summary["point"])};
    for (const std::string& path : params) {
      row.push_back(summary["params"].contains(path) ? text_of(summary["params"][path]) : "-");
    }
    row.push_back(text_of(summary["objective"]));
    for (const char* field : {"ttft", "tpot", "e2e"})
      row.push_back(fixed_at(summary, field, "p99"));
    row.push_back(core::format_fixed(summary.value("slo_attainment", 0.0), 4));
    row.push_back(to_bound(summary));
    if (rates) row.push_back(core::format_fixed(summary.value("max_rate", 0.0), 4));
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace stateutils::kv
