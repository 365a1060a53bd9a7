#include "sbus/history.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/json_writer.hpp"
#include "core/table.hpp"
#include "core/tool.hpp"
#include "core/units.hpp"
#include "sbus/jepsen_invariants.hpp"
#include "sbus/linear_models.hpp"
#include "sbus/txn_check.hpp"
#include "subcommands.hpp"

namespace stateutils::sbus_check {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

struct HistoryCommand {
  std::vector<std::string> files;
  std::string format = "auto", table = "auto", output = "-";
  std::optional<std::string> model, level;
  bool sessions = false, no_solve = false, allow_dup = false, sequential_keys = false,
       linearizable_keys = false;
  core::Count budget{1'000'000'000};
  std::uint64_t max_cycles = 8;
};

// What a run has to say, whichever checker said it.
struct Report {
  sbus::Verdict verdict = sbus::Verdict::kValid;
  std::string level, model;
  std::uint64_t txns = 0, ops = 0;
  std::map<std::string, std::uint64_t> anomalies;
  std::vector<std::string> strongest, fails;
  std::vector<sbus::Cycle> cycles;
  std::vector<std::pair<std::string, std::string>> keys;  // type and key of a bad object
};

std::string guess_format(std::string_view text, const std::string& name) {
  const std::size_t at = text.find_first_not_of(" \t\r\n,");
  if (at == std::string_view::npos) return "edn";
  const std::string_view head = text.substr(at, 4096);
  const std::string_view line = head.substr(0, head.find('\n'));
  if (line.starts_with("r(") || line.starts_with("w(")) return "plume";
  if (line.starts_with("r ") || line.starts_with("w ") || line.starts_with("---") ||
      line.starts_with("===")) {
    return "awdit";
  }
  if (line.find("jepsen.util - ") != std::string_view::npos || name.ends_with(".log"))
    return "jepsen-log";
  const bool json = (head[0] == '{' || head[0] == '[') &&
                    head.find("\":") != std::string_view::npos &&
                    head.find(":type") == std::string_view::npos;
  if (!json) return "edn";
  if (head.find("\"ops\"") != std::string_view::npos ||
      head.find("\"stateutils.") != std::string_view::npos) {
    return "jsonl";
  }
  if (head.find("\"events\"") != std::string_view::npos) return "dbcop";
  return "json";
}

std::string guess_model(const std::vector<sbus::Call>& calls) {
  const auto any = [&](auto&& test) { return std::any_of(calls.begin(), calls.end(), test); };
  const auto has = [&](const char* f) {
    return any([f](const sbus::Call& c) { return c.f == f; });
  };
  if (has("txn") || any([](const sbus::Call& c) { return c.f.empty(); })) return "txn";
  if (has("transfer")) return "bank";
  if (has("add")) {
    const bool lists = any([](const sbus::Call& c) {
      return c.argument.kind == sbus::Value::Kind::kList ||
             c.result.kind == sbus::Value::Kind::kList;
    });
    return lists ? "set-full" : "counter";
  }
  if (has("acquire") || has("release")) return "mutex";
  if (has("get") || has("put") || has("append")) return "kv";
  return "register";
}

void check_transactions(const HistoryCommand& o, const sbus::TxnHistory& history,
                        const std::string& file, Report& report) {
  if (report.model == "txn") report.model = history.list_append ? "list-append" : "rw-register";
  if ((report.model == "list-append") != history.list_append && history.ops > 0) {
    throw core::usage_error("--model " + report.model +
                            ": the operations are those of another model");
  }
  sbus::TxnOptions options;
  report.level = o.level.value_or("ser");
  const auto level = sbus::level_by_name(report.level);
  if (!level) throw core::usage_error("--level " + report.level + " is not for transactions");
  options.level = *level;
  options.sessions = o.sessions;
  options.sequential_keys = o.sequential_keys;
  options.linearizable_keys = o.linearizable_keys;
  options.solve = !o.no_solve;
  options.allow_dup = o.allow_dup;
  options.budget = o.budget.value;
  options.max_cycles = o.max_cycles;
  sbus::TxnResult result = sbus::check_txns(history, options, file);
  report.verdict = result.verdict;
  report.txns = history.txns.size();
  report.ops = history.ops;
  report.anomalies = std::move(result.anomalies);
  report.cycles = std::move(result.cycles);
  for (const sbus::Level held : result.holds) report.strongest.emplace_back(sbus::level_name(held));
  for (const sbus::Level failed : result.fails) report.fails.emplace_back(sbus::level_name(failed));
}

void check_calls(const HistoryCommand& o, const std::vector<sbus::Call>& calls,
                 const std::string& file, Report& report) {
  report.txns = report.ops = calls.size();
  const bool invariant =
      report.model == "bank" || report.model == "counter" || report.model == "set-full";
  if (invariant) {
    sbus::InvariantResult result = report.model == "bank"      ? sbus::check_bank(calls, file)
                                   : report.model == "counter" ? sbus::check_counter(calls, file)
                                                               : sbus::check_set_full(calls, file);
    report.verdict = result.verdict;
    report.anomalies = std::move(result.anomalies);
    return;
  }
  report.level = o.level.value_or("linear");
  if (report.level != "linear") {
    throw core::usage_error("--level " + report.level +
                            " is for transactions; this model has linear");
  }
  const auto model = report.model == "kv"      ? sbus::LinearModel::kKv
                     : report.model == "mutex" ? sbus::LinearModel::kMutex
                                               : sbus::LinearModel::kRegister;
  const sbus::LinearResult result = sbus::check_linear_history(calls, model, o.budget.value, file);
  report.verdict = result.verdict;
  if (!result.bad_keys.empty()) report.anomalies["nonlinearizable"] = result.bad_keys.size();
  if (!result.unknown_keys.empty())
    report.anomalies["budget-exhausted"] = result.unknown_keys.size();
  for (const std::string& key : result.bad_keys) report.keys.emplace_back("nonlinearizable", key);
  for (const std::string& key : result.unknown_keys)
    report.keys.emplace_back("budget-exhausted", key);
  if (report.verdict == sbus::Verdict::kValid) report.strongest.emplace_back("linear");
  if (report.verdict == sbus::Verdict::kInvalid) report.fails.emplace_back("linear");
}

Report check(const HistoryCommand& o, const std::string& text, const std::string& file) {
  Report report;
  const std::string format = o.format == "auto" ? guess_format(text, file) : o.format;
  const bool txns_only =
      format == "jsonl" || format == "dbcop" || format == "plume" || format == "awdit";
  if (txns_only) {
    report.model = o.model.value_or("txn");
    check_transactions(o,
                       format == "jsonl"   ? sbus::txns_from_jsonl(text, file)
                       : format == "dbcop" ? sbus::txns_from_dbcop(text, file)
                       : format == "plume" ? sbus::txns_from_plume(text, file)
                                           : sbus::txns_from_awdit(text, file),
                       file, report);
    return report;
  }
  if (format == "edn" || format == "json") {
    if (auto txns =
            format == "edn" ? sbus::txns_from_edn(text, file) : sbus::txns_from_json(text, file)) {
      report.model = o.model.value_or("txn");
      if (report.model == "txn" || report.model == "list-append" || report.model == "rw-register") {
        check_transactions(o, *txns, file, report);
        return report;
      }
    }
  }
  const std::vector<sbus::Call> calls = format == "edn"    ? sbus::calls_from_edn(text, file)
                                        : format == "json" ? sbus::calls_from_json(text, file)
                                                           : sbus::calls_from_log(text, file);
  report.model = o.model.value_or(calls.empty() ? "txn" : guess_model(calls));
  if (report.model == "txn" || report.model == "list-append" || report.model == "rw-register") {
    check_transactions(o, sbus::txns_from_calls(calls, file), file, report);
  } else {
    check_calls(o, calls, file, report);
  }
  return report;
}

const char* edge_name(sbus::DepKind kind) {
  constexpr const char* kNames[] = {"ww", "wr", "rw", "process", "realtime"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string summary_json(const Report& r) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().key("valid");
  if (r.verdict == sbus::Verdict::kUnknown) {
    json.value("unknown");
  } else {
    json.value(r.verdict == sbus::Verdict::kValid);
  }
  json.key("level");
  if (r.level.empty()) {
    json.null();
  } else {
    json.value(r.level);
  }
  json.field("model", r.model).field("txns", r.txns).field("ops", r.ops);
  json.key("anomalies").begin_object();
  for (const auto& [type, count] : r.anomalies) json.field(type, count);
  json.end_object();
  for (const auto* list : {&r.strongest, &r.fails}) {
    json.key(list == &r.strongest ? "strongest" : "not").begin_array();
    for (const std::string& level : *list) json.value(level);
    json.end_array();
  }
  json.end_object();
  return text;
}

void write_json(core::Output& out, const Report& r, const std::string& summary) {
  out.write(summary + "\n");
  for (const sbus::Cycle& cycle : r.cycles) {
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().field("type", cycle.type).key("steps").begin_array();
    for (const sbus::CycleStep& step : cycle.steps) {
      json.begin_object().field("txn", step.txn).field("edge", edge_name(step.kind)).key("key");
      if (step.key.empty()) {
        json.null();
      } else {
        json.value(step.key);
      }
      json.field("why", step.why).end_object();
    }
    json.end_array().end_object();
    out.write(text + "\n");
  }
  for (const auto& [type, key] : r.keys) {
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().field("type", type).field("key", key).end_object();
    out.write(text + "\n");
  }
}

void write_table(core::Output& out, const Report& r) {
  const auto joined = [](const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& item : list) text += (text.empty() ? "" : " ") + item;
    return text.empty() ? std::string("-") : text;
  };
  core::Table table({"figure", "value"});
  table.add({"valid", r.verdict == sbus::Verdict::kValid     ? "yes"
                      : r.verdict == sbus::Verdict::kInvalid ? "no"
                                                             : "unknown"});
  table.add({"level", r.level.empty() ? r.model : r.level});
  table.add({"transactions", core::format_grouped(r.txns)});
  table.add({"operations", core::format_grouped(r.ops)});
  for (const auto& [type, count] : r.anomalies) table.add({type, core::format_grouped(count)});
  table.add({"holds", joined(r.strongest)});
  table.add({"does not hold", joined(r.fails)});
  table.print(out);
  for (const sbus::Cycle& cycle : r.cycles) {
    out.write("\n" + cycle.type + "\n");
    for (const sbus::CycleStep& step : cycle.steps) {
      out.write("  " + std::string(edge_name(step.kind)) + ": " + step.why + "\n");
    }
  }
  for (const auto& [type, key] : r.keys)
    out.write("\n" + type + ": key " + core::quoted(key) + "\n");
}

int history(HistoryCommand o, const core::Io& io) {
  io.require_json_target(o.output == "-");
  if (o.files.empty()) o.files.emplace_back("-");
  if (o.files.size() > 1) throw core::usage_error("one history at a time");
  const auto source = io.open_input(o.files[0]);
  const std::string text = core::read_all(*source, kMostBytes);
  const Report report = check(o, text, source->name());
  const std::string summary = summary_json(report);
  const auto out = io.open_output(o.output);
  if (core::wants_table(o.table, o.output == "-" && io.out_is_terminal)) {
    write_table(*out, report);
  } else {
    write_json(*out, report, summary);
  }
  out->commit();
  if (io.json) io.summary(nlohmann::ordered_json::parse(summary));
  return report.verdict == sbus::Verdict::kValid     ? 0
         : report.verdict == sbus::Verdict::kInvalid ? 1
                                                     : 4;
}

}  // namespace

void register_history(core::Tool& tool) {
  auto o = std::make_shared<HistoryCommand>();
  auto cmd = tool.subcommand("history", "check the isolation of a transactional or object history");
  cmd.option("FILE", &o->files, "the history; - is stdin");
  cmd.option("--format", &o->format, "form of the history")
      .one_of({"auto", "jsonl", "edn", "json", "dbcop", "plume", "awdit", "jepsen-log"});
  cmd.option("--model", &o->model, "what the operations act on (default: told from them)")
      .one_of(
          {"list-append", "rw-register", "register", "kv", "mutex", "bank", "counter", "set-full"});
  cmd.option("--level", &o->level, "level to check (default: ser; register, kv and mutex: linear)")
      .one_of({"rc", "ra", "cc", "ryw", "mr", "mw", "wfr", "pc", "si", "ser", "strict", "linear"});
  cmd.option("--sessions", &o->sessions, "si and ser keep the order of sessions");
  cmd.option("--sequential-keys", &o->sequential_keys,
             "each register on its own is sequentially consistent");
  cmd.option("--linearizable-keys", &o->linearizable_keys,
             "each register on its own is linearizable");
  cmd.option("--no-solve", &o->no_solve, "unknown instead of a search for the order of writes");
  cmd.option("--allow-dup", &o->allow_dup, "leave out keys with a value written twice");
  cmd.option("--budget", &o->budget, "steps of a search, beyond which the verdict is unknown")
      .default_text("10^9");
  cmd.option("--max-cycles", &o->max_cycles, "cycles to show");
  cmd.option("--table", &o->table, "a table for people instead of JSON")
      .one_of({"auto", "always", "never"});
  cmd.option("-o,--output", &o->output, "write to FILE").value_name("FILE");
  cmd.run([o](core::Io& io) { return history(*o, io); });
}

}  // namespace stateutils::sbus_check
