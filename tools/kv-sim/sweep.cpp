// sweep: many configurations on one trace.
#include "kv/sweep.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "config_input.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/jsonl.hpp"
#include "core/table.hpp"
#include "kv/sweep_table.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct SweepCommand {
  ConfigInput config;
  std::string points, slice = "0/1", output = "-";
  std::optional<std::string> objective, html;
  double attain = 0.99;
  bool max_rate = false, table = false, bound = true, no_frame = false;
};

// For people: those that meet the SLO, best first, or the nearest miss.
void print_table(const kv::SweepTable& rows, core::Output& out) {
  if (rows.rows.empty()) return;
  core::Table table(rows.headings);
  for (const auto& row : rows.rows) table.add(row);
  if (!rows.any) out.write("no point meets the SLO; the nearest:\n");
  table.print(out);
}

int sweep(const SweepCommand& o, const core::Io& io) {
  const nlohmann::json config = load_config(o.config, io);
  const auto source = io.open_input(o.points);
  const std::vector<kv::SweepPoint> points = kv::read_points(*source, config);
  std::string choice;
  kv::SweepOptions options;
  options.objective = o.objective;
  options.attain = o.attain;
  options.max_rate = o.max_rate;
  options.bound = o.bound;
  options.threads = io.threads;
  options.slice = core::parse_slice(o.slice, &choice);
  options.version = io.version;
  if (!choice.empty()) io.log.info(choice);
  const std::vector<kv::SweepLine> lines = kv::run_sweep(config, points, options);
  const auto out = io.open_output(o.output);
  if (o.table) {
    print_table(kv::sweep_table(lines), *out);
  } else {
    core::JsonlWriter writer(*out, {!o.no_frame});
    writer.header("summary", 1, [&](core::JsonWriter& json) {
      json.field("tool", io.tool).field("tool_version", io.version);
      json.field("slice", options.slice.text());
    });
    for (const kv::SweepLine& line : lines) writer.record(line.json);
    writer.trailer();
  }
  if (o.html) {
    const auto page = io.open_output(*o.html);
    page->write(kv::sweep_html(lines, {config.at("trace").at("file").get<std::string>(),
                                       o.objective.value_or("cost, else bytes of KV"), o.attain}));
    page->commit();
  }
  out->commit();
  if (wants_summary(io, o.output)) io.summary({{"points", lines.size()}});
  return 0;
}

}  // namespace

void register_sweep(core::Tool& tool) {
  auto o = std::make_shared<SweepCommand>();
  auto command = tool.subcommand("sweep", "many configurations on one trace");
  add_config_options(command, o->config);
  command.option("--points", &o->points, "a design (.npy) or JSONL of {path: value}, - for stdin")
      .required()
      .value_name("FILE");
  command.option("--objective", &o->objective, "what to minimise, over fields of a summary")
      .value_name("EXPR");
  command.option("--attain", &o->attain, "share of requests that must meet the SLO").range(0, 1);
  command.option("--max-rate", &o->max_rate, "also find the largest scale_rate that meets the SLO");
  command.option("--table", &o->table, "print the points that meet the SLO, best first");
  command.option("--html", &o->html, "one page with the choice, the charts and the table")
      .value_name("FILE");
  command.option("--slice", &o->slice, "share I of N of the points, or auto").value_name("I/N");
  command.option("--bound,!--no-bound", &o->bound, "the offline bound of the cache hits");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.option("--no-frame", &o->no_frame, "leave out header and trailer");
  command.run([o](core::Io& io) { return sweep(*o, io); });
}

}  // namespace stateutils::tools
