#include "bench/trace/trace.hpp"

#include <map>
#include <vector>

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kBlockTokens = 64;

std::uint64_t count(const core::Record& record, std::string_view key) {
  return record.opt_u64(key).value_or(0);
}

std::string prefix(std::uint64_t trial) {
  return trial == 0 ? std::string() : std::to_string(trial) + "/";
}

}  // namespace

void OplogTrace::add(const core::Record& trial, core::JsonlWriter& writer) {
  const std::string own = prefix(trials_++);
  const std::uint64_t start = last_ts_;
  for (const auto element : trial.array("ops")) {
    simdjson::dom::object object;
    if (element.get(object) != simdjson::SUCCESS) throw trial.error("\"ops\" holds objects");
    const core::Record op = trial.nested(object);
    StoreOp out;
    out.ts = start + op.u64("ts");
    last_ts_ = out.ts;
    if (const auto agent = op.opt_string("agent")) out.agent = own + std::string(*agent);
    out.op = std::string(op.string("op"));
    out.key = own + std::string(op.string("key"));
    out.status = static_cast<int>(op.i64("status"));
    out.version = op.opt_i64("version").value_or(-1);
    out.expected = op.opt_i64("expected_version").value_or(-1);
    out.error = std::string(op.opt_string("error").value_or(""));
    out.injected = std::string(op.opt_string("injected").value_or(""));
    out.step = static_cast<std::size_t>(op.opt_u64("step").value_or(0));
    std::string text;
    append_op(text, out);
    writer.record(text);
  }
  if (trial.is_null_or_absent("expected")) return;
  const core::Record e = trial.nested(trial.object("expected"));
  expected_.add({count(e, "ops"), count(e, "agents"), count(e, "shards"), count(e, "commits"),
                 count(e, "rejected"), count(e, "ww"), count(e, "xs_commits"),
                 count(e, "xs_pairs")});
}

void HistoryTrace::add(const core::Record& trial, core::JsonlWriter& writer) {
  const std::string own = prefix(trials_++);
  std::map<std::string, std::map<std::string, std::int64_t>> reads;
  for (const auto element : trial.array("ops")) {
    simdjson::dom::object object;
    if (element.get(object) != simdjson::SUCCESS) throw trial.error("\"ops\" holds objects");
    const core::Record op = trial.nested(object);
    const std::string agent(op.opt_string("agent").value_or(""));
    if (agent.empty()) continue;
    const std::string key(op.string("key"));
    if (op.string("op") == "get") {
      reads[agent][key] = op.i64("version");
      continue;
    }
    const bool ok = op.i64("status") / 100 == 2;
    core::JsonWriter& json = writer.begin();
    json.field("session", own + agent).field("txn", ++txn_).field("status", ok ? "ok" : "fail");
    json.key("ops").begin_array();
    for (const auto& [name, version] : reads[agent]) {
      json.begin_array().value("r").value(own + name).value(version).end_array();
    }
    if (ok) json.begin_array().value("w").value(own + key).value(op.i64("version")).end_array();
    json.end_array();
    writer.end();
    reads[agent].clear();
  }
}

void add_requests(const core::Record& trial, core::JsonlWriter& writer) {
  const std::string session = std::string(trial.string("task_id")) + "." +
                              std::to_string(trial.opt_i64("trial").value_or(0));
  std::uint64_t context = trial.opt_u64("prompt_bytes").value_or(0), turn = 0;
  double t = 0, gap = 0;
  std::vector<core::Record> steps;
  for (const auto element : trial.array("steps")) {
    simdjson::dom::object object;
    if (element.get(object) != simdjson::SUCCESS) throw trial.error("\"steps\" holds objects");
    steps.push_back(trial.nested(object));
  }
  for (const core::Record& step : steps) {
    const std::string_view cmd = step.string("cmd");
    const std::uint64_t in = (context + 3) / 4, printed = step.opt_u64("stdout_bytes").value_or(0);
    const double ms = step.opt_number("ms").value_or(0);
    const bool last = &step == &steps.back();
    core::JsonWriter& json = writer.begin();
    json.field("id", session + "/" + std::to_string(turn)).field("session", session);
    json.field("scope", "session").field("agent", "main").field("turn", turn).field("t", t);
    json.field("model", "scripted").field("in", in).field("out", (cmd.size() + 3) / 4);
    json.field("api_s", 0.0).field("gap_s", gap).field("stop", last ? "end_turn" : "tool_use");
    json.key("hash_runs").begin_array();
    if (in >= kBlockTokens) json.begin_array().value(1).value(in / kBlockTokens).end_array();
    json.end_array().key("parents").begin_array();
    if (turn > 0) json.value(session + "/" + std::to_string(turn - 1));
    json.end_array().key("tools").begin_array();
    if (!last) {
      json.begin_object().field("name", cmd.substr(0, cmd.find(" --"))).field("duration_ms", ms);
      json.field("result_tokens", (printed + 3) / 4)
          .field("exit", step.opt_i64("exit").value_or(0));
      json.end_object();
    }
    json.end_array();
    writer.end();
    context += cmd.size() + printed;
    gap = ms / 1000;
    t += gap;
    ++turn;
  }
}

}  // namespace stateutils::bench
