#include "bench/trace/trace.hpp"

#include <cmath>
#include <map>
#include <vector>

#include "bench/families/stream.hpp"
#include "core/hash.hpp"

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

double model_duration_ms(std::string_view verb, core::Rng& rng) {
  const double median = 10 + static_cast<double>(core::xxh3_64(verb.data(), verb.size()) % 491);
  // Twelve uniform numbers less 6 are near to normal (Irwin-Hall), and need no library.
  double z = -6;
  for (int i = 0; i < 12; ++i) z += rng.unit();
  // exp(z/2) as the 16th power of its series at z/32: additions and products alone.
  const double x = z / 32;
  double series = 1;
  for (int k = 10; k >= 1; --k) series = 1 + series * x / k;
  for (int i = 0; i < 4; ++i) series *= series;
  return std::round(median * series * 1000) / 1000;
}

namespace {

// Tokens of a context that grows: counted piece by piece, or by its bytes.
class ContextTokens {
 public:
  ContextTokens(const core::Record& trial, TokenCounter* counter)
      : counter_(counter), bytes_(trial.opt_u64("prompt_bytes").value_or(0)) {
    counted_ = (bytes_ + 3) / 4;  // the trial has no text of the prompt
  }
  [[nodiscard]] std::uint64_t now() const {
    return counter_ == nullptr ? (bytes_ + 3) / 4 : counted_;
  }
  std::uint64_t say(std::string_view text) { return grow(text.size(), &text); }
  // What a step printed, which the trial has as a text only when it was kept.
  std::uint64_t print(const core::Record& step) {
    const std::uint64_t bytes = step.opt_u64("stdout_bytes").value_or(0);
    if (counter_ == nullptr || bytes == 0) return grow(bytes, nullptr);
    const auto text = step.opt_string("stdout");
    if (!text) throw step.error("--tokens with a command needs trials of run --keep-output");
    return grow(bytes, &*text);
  }

 private:
  std::uint64_t grow(std::uint64_t bytes, const std::string_view* text) {
    bytes_ += bytes;
    if (counter_ == nullptr || text == nullptr) return (bytes + 3) / 4;
    const std::uint64_t n = counter_->count(*text);
    counted_ += n;
    return n;
  }

  TokenCounter* counter_;
  std::uint64_t bytes_, counted_ = 0;
};

}  // namespace

void add_requests(const core::Record& trial, const RequestOptions& options,
                  core::JsonlWriter& writer) {
  const std::int64_t number = trial.opt_i64("trial").value_or(0);
  const std::string session = std::string(trial.string("task_id")) + "." + std::to_string(number);
  ContextTokens context(trial, options.tokens);
  core::Rng rng = task_stream("durations", session, options.seed, 0);
  std::uint64_t turn = 0;
  double t = 0, gap = 0;
  std::vector<core::Record> steps;
  for (const auto element : trial.array("steps")) {
    simdjson::dom::object object;
    if (element.get(object) != simdjson::SUCCESS) throw trial.error("\"steps\" holds objects");
    steps.push_back(trial.nested(object));
  }
  for (const core::Record& step : steps) {
    const std::string_view cmd = step.string("cmd"), verb = cmd.substr(0, cmd.find(" --"));
    const std::uint64_t in = context.now(), out = context.say(cmd), printed = context.print(step);
    const double ms =
        options.model_durations ? model_duration_ms(verb, rng) : step.opt_number("ms").value_or(0);
    const bool last = &step == &steps.back();
    core::JsonWriter& json = writer.begin();
    json.field("id", session + "/" + std::to_string(turn)).field("session", session);
    json.field("scope", "session").field("agent", "main").field("turn", turn).field("t", t);
    json.field("model", "scripted").field("in", in).field("out", out);
    json.field("api_s", 0.0).field("gap_s", gap).field("stop", last ? "end_turn" : "tool_use");
    json.key("hash_runs").begin_array();
    if (in >= kBlockTokens) json.begin_array().value(1).value(in / kBlockTokens).end_array();
    json.end_array().key("parents").begin_array();
    if (turn > 0) json.value(session + "/" + std::to_string(turn - 1));
    json.end_array().key("tools").begin_array();
    if (!last) {
      json.begin_object().field("name", verb).field("duration_ms", ms);
      json.field("result_tokens", printed).field("exit", step.opt_i64("exit").value_or(0));
      json.end_object();
    }
    json.end_array();
    writer.end();
    gap = ms / 1000;
    t += gap;
    ++turn;
  }
}

}  // namespace stateutils::bench
