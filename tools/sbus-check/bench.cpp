#include "sbus/bench.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/jsonl.hpp"
#include "core/table.hpp"
#include "core/tool.hpp"
#include "subcommands.hpp"

namespace stateutils::sbus_check {
namespace {

// A target that reaches this part of what the client does without any server says more about the
// client than about itself.
constexpr double kClientBound = 0.8;

struct BenchCommand {
  std::vector<std::string> targets;
  std::vector<std::int64_t> agents{4, 8, 16, 32};
  std::string topology = "shared", jitter_ms = "1:5", table = "auto", output = "-";
  std::uint64_t repeats = 3, attempts = 100, retry_budget = 20, keys = 4;
  std::optional<core::Duration> duration;
  std::optional<std::string> record;
  bool null_rows = true;
};

// "LOW:HIGH" or one number, in milliseconds.
void parse_jitter(const std::string& text, sbus::BenchOptions& out) {
  const std::size_t colon = text.find(':');
  const auto low = core::parse_double(text.substr(0, colon));
  const auto high = colon == std::string::npos ? low : core::parse_double(text.substr(colon + 1));
  if (!low || !high || *low < 0 || *high < *low || *high > 60'000) {
    throw core::usage_error("--jitter-ms: " + core::quoted(text) + ": expected LOW:HIGH");
  }
  out.jitter_low_ns = static_cast<std::int64_t>(*low * 1e6);
  out.jitter_high_ns = static_cast<std::int64_t>(*high * 1e6);
}

// The log of a run, as sbus-check audit reads it.
class Recorder {
 public:
  explicit Recorder(std::unique_ptr<core::Output> out) : out_(std::move(out)), writer_(*out_) {
    writer_.header("oplog", 1, [](core::JsonWriter& json) { json.field("tool", "sbus-check"); });
  }

  void add(const sbus::BenchRun& run) {
    // A server that numbers its writes gives the order, any other the time of each request.
    const bool numbered = std::all_of(run.records.begin(), run.records.end(),
                                      [](const sbus::BenchRecord& r) { return r.sequence != 0; });
    const std::int64_t began = run.records.empty() ? 0 : run.records.front().start;
    for (const std::string& key : run.keys) {
      core::JsonWriter& json = times(began, began, numbered);
      json.field("op", "create").field("key", key).field("status", 201).field("version", 0);
      writer_.end();
    }
    for (const sbus::BenchRecord& r : run.records) {
      core::JsonWriter& json = times(r.start, r.end, numbered);
      json.field("agent", run.agents[r.agent]);
      json.field("op", r.is_commit ? "commit" : "get").field("key", run.keys[r.key]);
      if (r.is_commit) json.field("expected_version", r.expected);
      json.field("status", r.accepted ? 200 : 409);
      if (r.accepted) json.field("version", r.version);
      if (!r.error.empty()) json.field("error", r.error);
      writer_.end();
    }
  }
  void finish() {
    writer_.trailer();
    out_->commit();
  }

 private:
  core::JsonWriter& times(std::int64_t start, std::int64_t end, bool numbered) {
    core::JsonWriter& json = writer_.begin();
    json.field("ts", end);
    if (!numbered) json.field("start", start).field("end", end);
    return json;
  }

  std::unique_ptr<core::Output> out_;
  core::JsonlWriter writer_;
};

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

struct Line {
  std::string target;
  std::uint64_t agents = 0, repeat = 0;
  unsigned round_trips = 0;
  bool client_bound = false;
  sbus::BenchRow row;

  [[nodiscard]] double commits_per_s() const {
    return row.wall_s > 0 ? static_cast<double>(row.success) / row.wall_s : 0;
  }
};

void put_json(core::JsonlWriter& writer, const BenchCommand& o, const Line& line) {
  const sbus::BenchRow& r = line.row;
  core::JsonWriter& json = writer.begin();
  json.field("target", line.target).field("topology", o.topology).field("agents", line.agents);
  json.field("repeat", line.repeat).field("attempts", r.attempts).field("success", r.success);
  json.field("conflicts", r.conflicts).field("retries", r.retries);
  json.field("scr", ratio(r.conflicts, r.attempts + r.retries));
  json.field("commit_rate", ratio(r.success, r.attempts));
  json.field("commits_per_s", line.commits_per_s());
  json.field("mean_retries_per_success", ratio(r.retries, r.success));
  json.field("wall_s", r.wall_s).field("p50_ms", r.p50_ms).field("p99_ms", r.p99_ms);
  json.field("round_trips", line.round_trips).field("final_version", r.final_version);
  json.field("expected_final", r.expected_final_version).field("type1", r.type1() ? 1 : 0);
  if (line.client_bound) json.field("client_bound", true);
  writer.end();
}

void put_table(core::Output& out, const std::vector<Line>& lines) {
  core::Table table({"target", "agents", "steps", "commits", "conflicts", "scr", "commits/s",
                     "p50 ms", "p99 ms", "round trips", "type1"});
  for (const Line& line : lines) {
    const sbus::BenchRow& r = line.row;
    table.add(
        {line.target + (line.client_bound ? " (client-bound)" : ""), std::to_string(line.agents),
         std::to_string(r.attempts), std::to_string(r.success), std::to_string(r.conflicts),
         core::format_fixed(ratio(r.conflicts, r.attempts + r.retries), 3),
         core::format_fixed(line.commits_per_s(), 0), core::format_fixed(r.p50_ms, 3),
         core::format_fixed(r.p99_ms, 3), std::to_string(line.round_trips), r.type1() ? "1" : "0"});
  }
  table.print(out);
}

// A connection string may hold a password.
std::string shown_target(const std::string& target) {
  return target.starts_with("pg:") ? "pg" : target;
}

int bench(BenchCommand o, const core::Io& io) {
  io.require_json_target(o.output == "-");
  sbus::BenchOptions options;
  options.topology = sbus::topology_by_name(o.topology);
  options.attempts = o.attempts;
  options.retry_budget = o.retry_budget;
  options.keys = o.keys;
  options.seed = io.seed;
  options.record = o.record.has_value();
  if (o.duration) options.duration_ns = o.duration->ns;
  parse_jitter(o.jitter_ms, options);
  std::vector<std::string> targets = o.targets;
  const bool has_null = std::find(targets.begin(), targets.end(), "null") != targets.end();
  if (o.null_rows && !has_null && !o.record) targets.insert(targets.begin(), "null");

  std::vector<std::unique_ptr<sbus::BenchTarget>> opened;
  for (const std::string& target : targets) {
    opened.push_back(sbus::open_target(target, options.record));
  }
  std::optional<Recorder> recorder;
  if (o.record) recorder.emplace(io.open_output(*o.record));
  const auto out = io.open_output(o.output);
  const bool table = core::wants_table(o.table, o.output == "-" && io.out_is_terminal);
  core::JsonlWriter writer(*out, {false});
  writer.line_buffered(true);
  std::vector<Line> lines;
  bool type1 = false;
  // Targets take turns within a repeat, so that a machine that slows down slows all of them.
  for (const std::int64_t agents : o.agents) {
    options.agents = static_cast<std::uint64_t>(agents);
    for (std::uint64_t repeat = 0; repeat < o.repeats; ++repeat) {
      double ceiling = 0;
      for (std::size_t t = 0; t < targets.size(); ++t) {
        sbus::BenchRun run = sbus::run_bench(*opened[t], options);
        if (recorder) recorder->add(run);
        Line line{shown_target(targets[t]), options.agents, repeat,
                  opened[t]->round_trips(), false,          run.row};
        if (targets[t] == "null") {
          ceiling = line.commits_per_s();
        } else {
          line.client_bound = line.commits_per_s() > kClientBound * ceiling && ceiling > 0;
        }
        type1 |= run.row.type1();
        if (!table) put_json(writer, o, line);
        lines.push_back(std::move(line));
      }
    }
  }
  if (table) put_table(*out, lines);
  if (recorder) recorder->finish();
  out->commit();
  if (io.json) {
    nlohmann::ordered_json values;
    values["rows"] = lines.size();
    values["type1"] = type1;
    io.summary(values);
  }
  return type1 ? 1 : 0;
}

}  // namespace

void register_bench(core::Tool& tool) {
  auto o = std::make_shared<BenchCommand>();
  auto cmd = tool.subcommand("bench", "measure commits of many agents against a server");
  cmd.option("--target", &o->targets,
             "http://HOST:PORT, pg:CONNINFO, redis:HOST:PORT or null; may be repeated")
      .required()
      .value_name("TARGET");
  cmd.option("--agents", &o->agents, "agents at a time, each with a connection; a list is a sweep")
      .comma_list()
      .range(1, 10'000)
      .default_text("4,8,16,32")
      .value_name("N,...");
  cmd.option("--repeats", &o->repeats, "rows for each number of agents").range(1, 1e6);
  cmd.option("--attempts", &o->attempts, "steps that each agent starts").range(1, 1e12);
  cmd.option("--duration", &o->duration, "start steps for so long instead").value_name("TIME");
  cmd.option("--retry-budget", &o->retry_budget, "retries of a step after conflicts");
  cmd.option("--topology", &o->topology, "who reads and writes what")
      .one_of({"shared", "hot-side", "dedicated", "cross"});
  cmd.option("--keys", &o->keys, "keys of the topology cross").range(1, 1000);
  cmd.option("--jitter-ms", &o->jitter_ms, "pause before a retry, evenly from LOW to HIGH")
      .value_name("LOW:HIGH");
  cmd.option("--record", &o->record, "write what the agents saw as an operation log")
      .value_name("FILE");
  cmd.option("--null,!--no-null", &o->null_rows,
             "measure the client alone beside the targets, by a store in this process");
  cmd.option("--table", &o->table, "text for people instead of JSON Lines")
      .one_of({"auto", "always", "never"});
  cmd.option("-o,--output", &o->output, "write to FILE").value_name("FILE");
  cmd.run([o](core::Io& io) { return bench(*o, io); });
}

}  // namespace stateutils::sbus_check
