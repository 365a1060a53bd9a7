#include "bench/score/score.hpp"

#include "bench/report/report.hpp"
#include "bench/score/read.hpp"
#include "commands.hpp"
#include "core/table.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct ScoreCommand {
  StreamOptions stream;
  std::string input = "-", ci = "wilson", errors = "exclude", table = "auto", labels;
  std::vector<std::int64_t> k = {1, 2, 4, 8};
  std::optional<double> human_cost;
  std::optional<core::Duration> human_time;
};

constexpr const char* kConvention =
    "pass@k = 1 - C(n-c,k)/C(n,k), pass^k = C(c,k)/C(n,k): per task, then averaged over the tasks "
    "with n >= k";

void print_table(core::Output& out, const std::vector<bench::ScoreLine>& lines,
                 const std::vector<std::int64_t>& ks) {
  std::vector<std::string> headings = {"agent",        "group",         "tasks",      "trials",
                                       "strict %",     "95 % interval", "progress %", "partial %",
                                       "efficiency %", "closure %",     "inspected %"};
  for (const std::int64_t k : ks) {
    headings.push_back("pass@" + std::to_string(k));
    headings.push_back("pass^" + std::to_string(k));
  }
  core::Table table(headings);
  for (const auto& l : lines) {
    std::vector<std::string> row = {l.agent,
                                    l.group,
                                    std::to_string(l.tasks),
                                    std::to_string(l.trials),
                                    bench::percent(l.strict),
                                    bench::percent(l.lo) + " - " + bench::percent(l.hi),
                                    bench::percent(l.progress),
                                    bench::percent(l.partial),
                                    bench::percent(l.efficiency),
                                    l.has_closure ? bench::percent(l.closure) : "-",
                                    bench::percent(l.inspected)};
    for (const std::int64_t k : ks) {
      for (const auto* curve : {&l.pass_at, &l.pass_hat}) {
        std::string text = "-";
        for (const auto& [at, v] : *curve) {
          if (at == k) text = bench::percent(v);
        }
        row.push_back(text);
      }
    }
    table.add(std::move(row));
  }
  table.print(out);
}

// Anomalies that an audit found, by the agent they were found in.
std::vector<bench::Label> read_labels(const std::string& path, core::Io& io) {
  std::vector<bench::Label> out;
  const auto source = io.open_input(path);
  core::JsonlReader reader(*source, {.format = "violations"});
  while (const core::Record* record = reader.next()) {
    const std::string type(record->string("type"));
    if (type == "summary") continue;
    out.push_back({std::string(record->string("agent")), type});
  }
  return out;
}

int score(const ScoreCommand& o, core::Io& io) {
  bench::ScoreOptions options;
  for (const std::int64_t k : o.k) {
    if (k < 1) throw core::usage_error("--k wants numbers from 1");
  }
  options.k = o.k;
  options.ci = o.ci;
  options.errors_fail = o.errors == "fail";
  options.seed = io.seed;
  options.human_cost = o.human_cost;
  if (o.human_time) options.human_seconds = static_cast<double>(o.human_time->ns) * 1e-9;
  if (!o.labels.empty()) options.labels = read_labels(o.labels, io);
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "trials"});
  const std::vector<bench::TrialScore> trials = bench::read_trials(reader);
  const auto lines = bench::score(trials, options);
  const auto out = io.open_output(o.stream.output);
  if (o.stream.output == "-" && core::wants_table(o.table, io.out_is_terminal)) {
    print_table(*out, lines, o.k);
    out->write(std::string(kConvention) +
               "\nerrors: " + (options.errors_fail ? "counted as failures" : "left out") + "\n");
  } else {
    core::JsonlWriter writer(*out, {!o.stream.no_frame});
    writer.header("scores", 1, [&](core::JsonWriter& json) {
      identify(json, io, "0/1", "score " + o.ci + " " + o.errors);
      json.field("errors_rule", o.errors).field("convention", kConvention);
    });
    for (const auto& line : lines) writer.record(line.json());
    writer.trailer();
  }
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
  cmd.option("--labels", &o->labels, "violations of sbus-check, counted as failure modes")
      .value_name("FILE");
  cmd.option("--human-cost", &o->human_cost,
             "what a person costs per task, in the unit of the trials' cost: return on automation")
      .value_name("COST");
  cmd.option("--human-time", &o->human_time,
             "what a person takes per task: time efficiency multiplier")
      .value_name("TIME");
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return score(*o, io); });
}

}  // namespace stateutils::tools
