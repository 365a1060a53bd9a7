#include "bench/report/report.hpp"

#include <nlohmann/json.hpp>

#include "bench/score/read.hpp"
#include "commands.hpp"
#include "core/json.hpp"
#include "core/table.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct ReportOptions {
  std::string input = "-", html, svg, png, output = "-";
  bool table = false;
};

// Scores, or trials, which are scored with the defaults first.
bench::Report read_report(const std::string& path, core::Io& io) {
  const auto source = io.open_input(path);
  core::JsonlReader reader(*source);
  std::vector<bench::ScoreLine> lines;
  std::vector<bench::TrialScore> trials;
  while (const core::Record* record = reader.next()) {
    if (record->has("task_id")) {
      trials.push_back(bench::read_trial(*record));
    } else {
      lines.push_back(bench::read_score(*record));
    }
  }
  bench::ScoreOptions options;
  options.seed = io.seed;
  for (bench::ScoreLine& line : bench::score(trials, options)) lines.push_back(std::move(line));
  return bench::Report(std::move(lines));
}

void print_tables(core::Output& out, const bench::Report& report) {
  std::vector<std::string> headings = {"strict %"};
  for (const std::string& group : report.groups()) headings.push_back(bench::plain_text(group));
  core::Table strict(headings);
  for (const std::string& agent : report.agents()) {
    std::vector<std::string> row = {bench::plain_text(agent)};
    for (const std::string& group : report.groups()) {
      const bench::ScoreLine* line = report.find(agent, group);
      row.push_back(line == nullptr
                        ? "-"
                        : bench::percent(line->strict) + " [" + bench::percent(line->lo) + ", " +
                              bench::percent(line->hi) + "]");
    }
    strict.add(std::move(row));
  }
  strict.print(out);
  const std::vector<std::string> modes = report.failure_modes();
  if (modes.empty()) return;
  headings = {"failures"};
  for (const std::string& mode : modes) headings.push_back(bench::plain_text(mode));
  core::Table failures(headings);
  for (const std::string& agent : report.agents()) {
    const bench::ScoreLine* line = report.find(agent, "all");
    if (line == nullptr) continue;
    std::vector<std::string> row = {bench::plain_text(agent)};
    for (const std::string& mode : modes) {
      const auto found = line->failures.find(mode);
      row.push_back(std::to_string(found == line->failures.end() ? 0 : found->second));
    }
    failures.add(std::move(row));
  }
  out.write("\n");
  failures.print(out);
}

int report(const ReportOptions& o, core::Io& io) {
  const bool draws = !o.html.empty() || !o.svg.empty() || !o.png.empty();
  const bool table = o.table || o.output != "-" || (!draws && !io.json);
  int to_stdout = (table && o.output == "-") + (io.json == "-");
  for (const std::string* path : {&o.html, &o.svg, &o.png}) to_stdout += *path == "-";
  if (to_stdout > 1) throw core::usage_error("only one form of the report can go to stdout");
  const bench::Report report = read_report(o.input, io);
  if (!o.html.empty()) write_text(io, o.html, report_html(report));
  if (!o.svg.empty()) write_text(io, o.svg, report_svg(report));
  if (!o.png.empty()) write_text(io, o.png, report_png(report));
  if (table) {
    const auto out = io.open_output(o.output);
    print_tables(*out, report);
    out->commit();
  }
  nlohmann::ordered_json values = {{"agents", report.agents()}, {"groups", report.groups()}};
  values["scores"] = nlohmann::ordered_json::array();
  for (const bench::ScoreLine& line : report.lines()) {
    values["scores"].push_back(core::parse_ordered_json(line.json(), "scores"));
  }
  io.summary(values);
  return 0;
}

}  // namespace

void register_report(core::Tool& tool) {
  auto o = std::make_shared<ReportOptions>();
  auto cmd = tool.subcommand("report", "scores as tables, JSON, a page or a picture");
  cmd.option("SCORES", &o->input, "score records, or trials; - is stdin").value_name("SCORES");
  cmd.option("--table", &o->table, "tables; what is done when no other form is asked for");
  cmd.option("--html", &o->html, "write one self-contained page").value_name("FILE");
  cmd.option("--svg", &o->svg, "write the charts as SVG").value_name("FILE");
  cmd.option("--png", &o->png, "write the charts as PNG").value_name("FILE");
  cmd.option("-o,--output", &o->output, "write the tables there instead of stdout")
      .value_name("FILE");
  cmd.run([o](core::Io& io) { return report(*o, io); });
}

}  // namespace stateutils::tools
