#include "sbus/model.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "core/heap.hpp"
#include "core/jsonl.hpp"
#include "core/table.hpp"
#include "core/tool.hpp"
#include "core/usage.hpp"
#include "sbus/memory_limit.hpp"
#include "subcommands.hpp"

namespace stateutils::sbus_check {
namespace {

struct ModelOptions {
  sbus::ModelParams params;
  std::string spec = "ori", history = "full", symmetry = "agents", reach, table = "auto",
              output = "-";
  std::vector<std::string> mutants, invariants;
  std::optional<std::uint64_t> max_states;
  std::optional<core::ByteSize> memory;
  std::optional<std::string> spill;
  bool trace = false, stats = false;
};

sbus::ModelParams params_of(const ModelOptions& o) {
  sbus::ModelParams p = o.params;
  if (o.spec == "distributed") p.spec = sbus::Spec::kDistributed;
  if (o.history == "inline") p.history = sbus::History::kInline;
  if (o.history == "none") p.history = sbus::History::kNone;
  if (o.symmetry == "none") p.symmetry = sbus::Symmetry::kNone;
  if (o.symmetry == "agents+shards") p.symmetry = sbus::Symmetry::kAgentsShards;
  for (const std::string& name : o.mutants) p.mutants |= sbus::mutant_by_name(name);
  for (const std::string& name : o.invariants) p.invariants |= sbus::invariant_by_name(name);
  p.reach_non_fresh_commit = !o.reach.empty();
  sbus::check_params(p);
  return p;
}

void write_trace(core::JsonWriter& json, const std::vector<sbus::TraceStep>& trace) {
  json.key("trace").begin_array();
  for (const sbus::TraceStep& step : trace) {
    json.begin_object().field("action", step.action);
    if (step.action != "Init") {
      json.key("args").begin_array();
      for (const std::string& arg : step.args) json.value(arg);
      json.end_array();
    }
    json.key("state").raw(step.state).end_object();
  }
  json.end_array();
}

void write_params(core::JsonWriter& json, const ModelOptions& o) {
  json.key("params").begin_object();
  if (o.spec == "distributed") json.field("nodes", o.params.nodes);
  json.field("agents", o.params.agents).field("shards", o.params.shards);
  json.field("max_version", o.params.max_version);
  if (o.spec == "distributed") {
    json.field("max_term", o.params.max_term);
  } else {
    json.field("retry_budget", o.params.retry_budget).field("history", o.history);
  }
  json.field("symmetry", o.symmetry);
  if (o.spec == "ori") {
    json.key("mutants").begin_array();
    for (const std::string& name : o.mutants) json.value(name);
    json.end_array();
  }
  json.end_object();
}

std::string_view bit_name(unsigned bit) {
  int index = 0;
  while ((bit >> index) > 1) ++index;
  return sbus::invariant_name(index);
}

void write_stats(core::JsonWriter& json, const sbus::ModelResult& result) {
  json.key("actions").begin_object();
  for (std::size_t i = 0; i < result.actions.size(); ++i) {
    if (result.actions[i] == 0) continue;
    json.field(sbus::action_name(static_cast<sbus::ActionKind>(i)), result.actions[i]);
  }
  json.end_object();
  json.field("table_load", result.table_load);
  json.field("memory_peak", result.memory_peak);
  json.field("peak_rss", core::process_usage().peak_rss);
}

std::string to_json(const ModelOptions& o, const sbus::ModelResult& result, double seconds) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("spec", o.spec);
  write_params(json, o);
  json.field("distinct", result.distinct).field("generated", result.generated);
  json.field("depth", result.levels.size()).key("levels").begin_array();
  for (const std::uint64_t level : result.levels) json.value(level);
  json.end_array().field("exact", result.exact);
  if (!result.exact) json.field("collision_bound", result.collision_bound);
  json.field("seconds", seconds);
  json.field("states_per_s", static_cast<double>(result.distinct) / std::max(seconds, 1e-9));
  json.field("complete", result.complete);
  if (!result.complete) json.field("cut_by", result.cut_by);
  if (!o.reach.empty()) {
    json.field("goal", o.reach).field("reached", result.reached);
    if (result.reached && o.trace) write_trace(json, result.goal_trace);
    if (result.reached && !o.trace) json.field("goal_depth", result.goal_depth);
  }
  json.key("violations").begin_array();
  for (const sbus::ModelViolation& violation : result.violations) {
    json.begin_object().field("invariant", bit_name(violation.invariant));
    if (o.trace) {
      write_trace(json, violation.trace);
    } else {
      json.field("depth", violation.depth);
    }
    json.end_object();
  }
  json.end_array();
  if (o.stats) write_stats(json, result);
  json.end_object();
  return text;
}

void print_trace(core::Output& out, const std::string& title,
                 const std::vector<sbus::TraceStep>& trace) {
  out.write(title + "\n");
  for (std::size_t i = 0; i < trace.size(); ++i) {
    std::string call = trace[i].action;
    if (!trace[i].args.empty()) {
      call += '(';
      for (const std::string& arg : trace[i].args) call += (call.back() == '(' ? "" : ", ") + arg;
      call += ')';
    }
    call.resize(std::max<std::size_t>(call.size(), 20), ' ');
    out.write("  " + std::to_string(i + 1) + "  " + call + "  " + trace[i].state + "\n");
  }
}

void print_table(core::Output& out, const ModelOptions& o, const sbus::ModelResult& result,
                 double seconds) {
  core::Table table({"figure", "value"});
  table.add({"distinct states", core::format_grouped(result.distinct)});
  table.add({"generated", core::format_grouped(result.generated)});
  table.add({"depth", std::to_string(result.levels.size())});
  table.add({"exact", result.exact ? "yes" : "no (128-bit hashes)"});
  table.add({"seconds", core::format_fixed(seconds, 3)});
  table.add({"complete", result.complete ? "yes" : "no (" + result.cut_by + ")"});
  if (!o.reach.empty()) table.add({o.reach, result.reached ? "reached" : "not reached"});
  if (result.violations.empty()) table.add({"violations", "none"});
  for (const sbus::ModelViolation& violation : result.violations) {
    table.add({"violated", std::string(bit_name(violation.invariant)) + ", " +
                               std::to_string(violation.depth) + " states"});
  }
  table.print(out);
  if (!o.trace) return;
  if (result.reached) print_trace(out, "\n" + o.reach, result.goal_trace);
  for (const sbus::ModelViolation& violation : result.violations) {
    print_trace(out, "\n" + std::string(bit_name(violation.invariant)), violation.trace);
  }
}

int model(const ModelOptions& o, const core::Io& io) {
  io.require_json_target(o.output == "-");
  const sbus::ModelParams params = params_of(o);
  sbus::ModelLimits limits;
  limits.max_states = o.max_states.value_or(0);
  limits.memory = o.memory ? o.memory->bytes : sbus::default_memory_limit();
  limits.spill = o.spill.value_or("");
  limits.threads = io.threads;
  limits.trace = o.trace;
  // Sets and queues grow all the time. The heap gets more in large steps, and keeps what one of
  // them gives back for the next: else threads wait for each other in page faults.
  constexpr std::uint64_t kLargestStep = 64 << 20, kMapped = 32 << 20, kKept = 1 << 30;
  core::set_heap(
      {.step = std::min(kLargestStep, limits.memory / 16), .mapped = kMapped, .kept = kKept});
  const auto start = std::chrono::steady_clock::now();
  const sbus::ModelResult result = sbus::explore(params, limits);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const std::string json = to_json(o, result, elapsed.count());
  const auto out = io.open_output(o.output);
  if (core::wants_table(o.table, o.output == "-" && io.out_is_terminal)) {
    print_table(*out, o, result, elapsed.count());
  } else {
    out->write(json + "\n");
  }
  out->commit();
  if (io.json) io.summary(nlohmann::ordered_json::parse(json));
  if (!result.violations.empty()) return 1;
  if (!result.complete && !(result.reached)) {
    io.log.error("cut short by --" + result.cut_by + ": the counts are those of whole levels");
    return 4;
  }
  return !o.reach.empty() && !result.reached ? 1 : 0;
}

}  // namespace

void register_model(core::Tool& tool) {
  auto o = std::make_shared<ModelOptions>();
  auto cmd = tool.subcommand("model", "explore the commit protocol exhaustively");
  cmd.option("--agents", &o->params.agents, "agents that read and commit").range(1, 16);
  cmd.option("--shards", &o->params.shards, "shards with a version each").range(1, 16);
  cmd.option("--max-version", &o->params.max_version, "largest version of a shard").range(1, 255);
  cmd.option("--retry-budget", &o->params.retry_budget, "failed commits an agent may have")
      .range(0, 255);
  cmd.option("--history", &o->history,
             "keep the commit history in the state, check it on the way, or not at all")
      .one_of({"full", "inline", "none"});
  cmd.option("--symmetry", &o->symmetry, "states that count as one")
      .one_of({"agents", "agents+shards", "none"});
  cmd.option("--mutant", &o->mutants, "change the protocol (repeatable)")
      .one_of(sbus::mutant_names())
      .comma_list();
  cmd.option("--invariant", &o->invariants, "check only this invariant (repeatable)")
      .one_of(sbus::invariant_names())
      .comma_list();
  cmd.option("--spec", &o->spec, "the protocol, or its replicated delivery logs")
      .one_of({"ori", "distributed"});
  cmd.option("--nodes", &o->params.nodes, "nodes of the distributed spec").range(1, 16);
  cmd.option("--max-term", &o->params.max_term, "elections of the distributed spec").range(0, 255);
  cmd.option("--reach", &o->reach, "look for a state instead: exit 0 when it is reachable")
      .one_of({"NonFreshCommit"});
  cmd.option("--max-states", &o->max_states, "stop before this many distinct states are exceeded")
      .at_least(1);
  cmd.option("--mem", &o->memory, "memory for visited set and frontier")
      .default_text("the smaller of 8Gi and 80 % of the machine");
  cmd.option("--spill", &o->spill, "keep what --mem does not hold in files below DIR")
      .value_name("DIR");
  cmd.option("--trace", &o->trace, "print a shortest trace to each violation");
  cmd.option("--stats", &o->stats, "add generated states per action, table load and peak memory");
  cmd.option("--table", &o->table, "a table for people instead of JSON")
      .one_of({"auto", "always", "never"});
  cmd.option("-o,--output", &o->output, "write to FILE").value_name("FILE");
  cmd.run([o](core::Io& io) { return model(*o, io); });
}

}  // namespace stateutils::sbus_check
