#include "bench/families/multiagent.hpp"
#include "bench/families/small/routing.hpp"
#include "bench/families/stream.hpp"
#include "bench/run/agents.hpp"
#include "bench/run/trial.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct RunOptions {
  StreamOptions stream;
  std::string input = "-", agent, surface = "sim", keep_states, bug;
  core::Count trials{1};
  std::vector<std::string> limits;
  bool keep_output = false;
};

void apply_limits(const RunOptions& o, bench::Limits& limits) {
  for (const auto& [name, value] : parse_params(o.limits)) {
    const auto n = core::parse_i64(value);
    if (!n || *n < 1 || *n > 1'000'000'000) {
      throw core::usage_error("--limit " + name + " wants a number from 1 to 10^9");
    }
    if (name == "steps")
      limits.steps = static_cast<int>(*n);
    else if (name == "step_timeout_ms")
      limits.step_timeout_ms = *n;
    else if (name == "episode_timeout_ms")
      limits.episode_timeout_ms = *n;
    else if (name == "output_bytes")
      limits.output_bytes = *n;
    else
      throw core::usage_error("unknown limit " + core::quoted(name) +
                              "; steps, step_timeout_ms, episode_timeout_ms or output_bytes");
  }
}

void keep(const RunOptions& o, core::Io& io, bench::Episode& episode, int trial) {
  if (o.keep_states.empty()) return;
  const std::string& id = episode.task().id;
  if (id.empty() || id.find('/') != std::string::npos || id[0] == '.') {
    throw core::usage_error("--keep-states: the task id " + core::quoted(id) + " names no file");
  }
  const std::string stem = o.keep_states + "/" + id + "." + std::to_string(trial);
  const auto state = io.open_output(stem + ".state.json");
  state->write(episode.machine().store().write_state(episode.state()) + "\n");
  state->commit();
  const auto journal = io.open_output(stem + ".journal.jsonl");
  for (std::size_t i = 0; i < episode.steps().size(); ++i) {
    journal->write(episode.journal_line(i) + "\n");
  }
  journal->commit();
}

// Scripted agents bring their own store: the trial carries its operations and what an audit of them
// must count. Which agent was asked for makes no difference, the script is the agents.
void run_shared_store(const RunOptions& o, core::Io& io, const bench::Cursor& task,
                      core::JsonlWriter& writer) {
  bench::MultiagentScript script = read_script(task);
  if (!o.bug.empty()) script.bug = bench::parse_store_bug(o.bug);
  for (std::uint64_t trial = 0; trial < o.trials.value; ++trial) {
    const auto index = static_cast<std::uint64_t>(task.at("index").integer());
    const bench::StoreRun result = run_script(script, io.seed + (index << 20) + trial);
    core::JsonWriter& json = writer.begin();
    json.field("task_id", task.at("task_id").string())
        .field("scenario", task.at("scenario").string());
    json.field("ability", "coordination").key("tags").raw("[\"coordination\"]");
    json.field("agent", o.agent).field("trial", trial).field("seed", io.seed);
    json.key("ops").begin_array();
    for (const bench::StoreOp& op : result.ops) {
      std::string text;
      append_op(text, op);
      json.raw(text);
    }
    json.end_array().key("expected").raw(result.expected.json());
    json.key("verdict").begin_object().field("strict", result.clean).key("clauses").raw("[]");
    json.key("frame").raw("[]").end_object();
    const double clean = result.clean ? 1 : 0;
    json.key("scores").begin_object().field("progress", clean).field("partial", clean);
    json.field("partial_plain", clean)
        .field("efficiency", clean)
        .field("inspected", true)
        .end_object();
    json.field("end", "done").field("sandbox", "sim");
    writer.end();
  }
}

int run(const RunOptions& o, core::Io& io) {
  // Families whose agents are part of the task, or of the family, need none of the others.
  const bool strategy = o.agent == "builtin:scripted" || bench::is_routing_strategy(o.agent);
  const auto agent = strategy ? nullptr : bench::make_agent(o.agent);
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "tasks"});
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  writer.header("trials", 1, [&](core::JsonWriter& json) {
    identify(json, io, "0/1", "run " + o.agent + " " + std::to_string(o.trials.value));
  });
  bench::Library library;
  while (const core::Record* record = reader.next()) {
    const RecordCursor at(*record);
    if (record->opt_string("family").value_or("") == "multiagent") {
      run_shared_store(o, io, at.cursor(), writer);
      continue;
    }
    if (record->opt_string("family").value_or("") == "routing") {
      for (std::uint64_t trial = 0; trial < o.trials.value; ++trial) {
        writer.record(routing_trial_json(at.cursor(), o.agent, io.seed, trial));
      }
      continue;
    }
    if (agent == nullptr) {
      throw core::usage_error(o.agent + " plays tasks of its own family only");
    }
    bench::Task& task = library.read(at.cursor());
    if (task.world == nullptr) throw record->error("a task without a world cannot be run");
    apply_limits(o, task.limits);
    const bench::Judge judge(task.contract, library.store(), task.initial);
    for (int trial = 0; trial < static_cast<int>(o.trials.value); ++trial) {
      if (!agent->plays(task, trial)) continue;
      bench::Episode episode(task, library.store(), judge);
      core::Rng rng =
          bench::task_stream(task.id, agent->name(), io.seed, static_cast<std::uint64_t>(trial));
      const std::string end = agent->play(episode, trial, rng);
      writer.record(
          trial_json(episode, end, {agent->name(), io.version, io.seed, trial, o.keep_output}));
      keep(o, io, episode, trial);
    }
  }
  writer.trailer();
  out->commit();
  summarize(io, o.stream.output, {{"trials", writer.records()}});
  return 0;
}

}  // namespace

void register_run(core::Tool& tool) {
  auto o = std::make_shared<RunOptions>();
  auto cmd = tool.subcommand("run", "let an agent work on tasks, step by step");
  cmd.option("--agent", &o->agent,
             "builtin:oracle, noop, random, blind, stale-trust, inspect-first, flaky:P, scripted, "
             "router, static, react; replay:FILE")
      .value_name("SPEC")
      .required();
  cmd.option("TASKS", &o->input, "task records; - is stdin").value_name("TASKS");
  cmd.option("--trials", &o->trials, "trials of each task").value_name("K");
  cmd.option("--surface", &o->surface, "where commands run").one_of({"sim"});
  cmd.option("--bug", &o->bug,
             "multiagent: what the scripted store gets wrong, in place of the task's own")
      .one_of({"none", "ww", "xs", "blind"});
  cmd.option("--limit", &o->limits, "steps, step_timeout_ms, episode_timeout_ms or output_bytes")
      .value_name("NAME=V");
  cmd.option("--keep-states", &o->keep_states, "leave final state and journal of each trial in DIR")
      .value_name("DIR");
  cmd.option("--keep-output", &o->keep_output, "put what each step printed into the trial");
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return run(*o, io); });
}

}  // namespace stateutils::tools
