#include "bench/score/score.hpp"

#include "commands.hpp"
#include "core/table.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct ScoreCommand {
  StreamOptions stream;
  std::string input = "-", ci = "wilson", errors = "exclude", table = "auto";
  std::vector<std::int64_t> k = {1, 2, 4, 8};
};

bench::TrialScore read_trial(const core::Record& record) {
  bench::TrialScore t;
  t.task = std::string(record.string("task_id"));
  t.scenario = std::string(record.opt_string("scenario").value_or(""));
  t.ability = std::string(record.opt_string("ability").value_or(""));
  t.agent = std::string(record.string("agent"));
  t.error = record.opt_string("end").value_or("") == "error";
  if (t.error && record.is_null_or_absent("verdict")) return t;
  t.strict = record.nested(record.object("verdict")).boolean("strict");
  const core::Record scores = record.nested(record.object("scores"));
  t.progress = scores.number("progress");
  t.partial = scores.number("partial");
  t.partial_plain = scores.number("partial_plain");
  t.efficiency = scores.opt_number("efficiency").value_or(0);
  t.inspected = scores.opt_boolean("inspected").value_or(false);
  if (!record.is_null_or_absent("failures")) {
    for (const auto f : record.array("failures")) {
      std::string_view text;
      if (f.get(text) == simdjson::SUCCESS) t.failures.emplace_back(text);
    }
  }
  return t;
}

std::string percent(double v) {
  return core::format_fixed(100 * v, 1);
}

void print_table(core::Output& out, const std::vector<bench::ScoreLine>& lines) {
  core::Table table({"agent", "group", "tasks", "trials", "strict %", "95 % interval", "progress %",
                     "partial %", "efficiency %", "closure %", "inspected %"});
  for (const auto& l : lines) {
    table.add({l.agent, l.group, std::to_string(l.tasks), std::to_string(l.trials),
               percent(l.strict), percent(l.lo) + " - " + percent(l.hi), percent(l.progress),
               percent(l.partial), percent(l.efficiency), l.has_closure ? percent(l.closure) : "-",
               percent(l.inspected)});
  }
  table.print(out);
}

int score(const ScoreCommand& o, core::Io& io) {
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "trials"});
  std::vector<bench::TrialScore> trials;
  while (const core::Record* record = reader.next()) trials.push_back(read_trial(*record));
  bench::ScoreOptions options;
  options.k = o.k;
  options.ci = o.ci;
  options.errors_fail = o.errors == "fail";
  options.seed = io.seed;
  const auto lines = bench::score(trials, options);
  const auto out = io.open_output(o.stream.output);
  if (o.stream.output == "-" && core::wants_table(o.table, io.out_is_terminal)) {
    print_table(*out, lines);
    out->commit();
    summarize(io, o.stream.output, {{"trials", trials.size()}, {"groups", lines.size()}});
    return 0;
  }
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  writer.header("scores", 1, [&](core::JsonWriter& json) {
    identify(json, io, "0/1", "score " + o.ci + " " + o.errors);
    json.field("errors_rule", o.errors);
  });
  for (const auto& line : lines) writer.record(line.json());
  writer.trailer();
  out->commit();
  summarize(io, o.stream.output, {{"trials", trials.size()}, {"groups", lines.size()}});
  return 0;
}

}  // namespace

void register_score(core::Tool& tool) {
  auto o = std::make_shared<ScoreCommand>();
  auto cmd = tool.subcommand("score", "one line per agent and ability");
  cmd.option("TRIALS", &o->input, "trial records; - is stdin").value_name("TRIALS");
  cmd.option("--k", &o->k, "pass@k and pass^k for these; per task, then averaged")
      .comma_list()
      .value_name("K,...");
  cmd.option("--ci", &o->ci, "95 % interval: Wilson, Clopper-Pearson, or bootstrap over scenarios")
      .one_of({"wilson", "cp", "bootstrap"});
  cmd.option("--errors", &o->errors, "trials that ended in an infrastructure error")
      .one_of({"exclude", "fail"});
  cmd.option("--table", &o->table, "a table for people").one_of({"auto", "always", "never"});
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return score(*o, io); });
}

}  // namespace stateutils::tools
