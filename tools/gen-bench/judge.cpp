#include "bench/judge/judge.hpp"

#include <unistd.h>

#include "bench/judge/probe.hpp"
#include "bench/run/episode.hpp"
#include "commands.hpp"
#include "core/input.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct JudgeOptions {
  std::string task, state, journal, answer, shared_base, output = "-";
};

// Files of a DIR state are virtual files; state.json in it, where present, holds the tables.
std::string state_file(const std::string& path) {
  const std::string inside = path + "/state.json";
  return ::access(inside.c_str(), F_OK) == 0 ? inside : path;
}

// Applies a journal's effects to the initial state.
bench::Id replay_journal(const std::string& path, core::Io& io, bench::Store& store,
                         bench::Id state) {
  const auto source = io.open_input(path);
  core::JsonlReader reader(*source);
  while (const core::Record* record = reader.next()) {
    const RecordCursor at(*record);
    at.cursor().at("effects").items([&](const bench::Cursor& effect) {
      const bench::Id table = store.table(effect.at("table").string());
      const bench::Id key = bench::intern_value(store.atoms, effect.at("key").element());
      if (effect.at("op").string() == "delete") {
        state = store.without_row(state, table, key);
        return;
      }
      bench::Fields fields;
      effect.at("new").members([&](std::string_view name, const bench::Cursor& value) {
        const bench::Id field = store.atoms.string(name);
        if (field == store.info(table).key_field) return;
        fields.emplace_back(field, bench::intern_value(store.atoms, value.element()));
      });
      state = store.with_row(state, table, store.row(key, std::move(fields)));
    });
  }
  return state;
}

// A hand-written task may be one document over many lines, with comments; else the first record.
std::string task_text(const std::string& path, core::Io& io) {
  const auto source = io.open_input(path);
  std::string text = core::read_all(*source, 64u << 20);
  if (!text.starts_with("{\"format\"") && text.find("}\n{") == std::string::npos) return text;
  const auto lines = core::memory_input(text, path);
  core::JsonlReader reader(*lines, {.format = "tasks", .tail = true});
  const core::Record* record = reader.next();
  if (record == nullptr) throw core::input_error({path}, "holds no task");
  return std::string(record->text());
}

// A recorded sequence, one state per tick, against the probes of a contract.
int judge_sequence(const JudgeOptions& o, core::Io& io, const bench::Cursor& probes) {
  bench::Store store;
  const std::vector<bench::Probe> wanted = read_probes(probes, store);
  const auto source = io.open_input(o.state);
  core::JsonlReader reader(*source);
  std::vector<bench::Id> states;
  while (const core::Record* record = reader.next()) {
    const RecordCursor at(*record);
    refuse_doubled_keys(at.cursor());
    states.push_back(store.read_state(at.cursor(), store.empty_state()));
  }
  if (states.empty()) throw core::input_error({o.state}, "holds no states");
  std::string text;
  core::JsonWriter json(text);
  std::size_t held = 0;
  json.begin_object().key("clauses").begin_array();
  for (const bench::Probe& p : wanted) {
    const auto tick = first_failure(p, states, store);
    held += !tick;
    json.begin_object().field("id", p.id).field("holds", !tick);
    if (tick) json.field("tick", *tick);
    json.end_object();
  }
  const bool strict = held == wanted.size();
  json.end_array().key("frame").raw("[]").field("strict", strict);
  json.key("scores").begin_object();
  json.field("progress",
             wanted.empty() ? 0 : static_cast<double>(held) / static_cast<double>(wanted.size()));
  json.end_object().end_object();
  const auto out = io.open_output(o.output);
  out->write(text + "\n");
  out->commit();
  summarize(io, o.output, {{"strict", strict ? 1u : 0u}});
  return strict ? 0 : 1;
}

int judge(const JudgeOptions& o, core::Io& io) {
  const bench::Document document_of_task{task_text(o.task, io), o.task, true};
  const bench::Cursor root = document_of_task.root();
  if (const auto contract = root.find("contract"); contract && contract->is_object()) {
    if (const auto probes = contract->find("probe")) return judge_sequence(o, io, *probes);
  }
  bench::Library library;
  add_shared_base(library, o.shared_base);
  const bench::Task& task = library.read(root);
  bench::Store& store = library.store();
  const std::string path = state_file(o.state);
  const bench::Document document{core::read_file(path, 64u << 20), path, false};
  const bench::Id state = store.read_state(document.root(), store.empty_state());
  if (!o.journal.empty() && replay_journal(o.journal, io, store, task.initial) != state) {
    throw core::input_error({o.journal},
                            "replayed from init, the journal does not end in the state given");
  }
  const bench::Judge judge(task.contract, store, task.initial);
  const bench::Verdict verdict = judge.judge(state, bench::canonical_answer(o.answer));
  const auto out = io.open_output(o.output);
  std::string text = bench::verdict_json(verdict, task.contract, store);
  text.pop_back();
  text += ",\"scores\":";
  core::JsonWriter json(text);
  json.begin_object()
      .field("progress", verdict.scores.progress)
      .field("partial", verdict.scores.partial);
  json.field("partial_plain", verdict.scores.partial_plain).end_object();
  out->write(text + "}\n");
  out->commit();
  summarize(io, o.output, {{"strict", verdict.strict ? 1u : 0u}});
  return verdict.strict ? 0 : 1;
}

}  // namespace

void register_judge(core::Tool& tool) {
  auto o = std::make_shared<JudgeOptions>();
  auto cmd = tool.subcommand("judge", "the verdict on one final state; exit 0 pass, 1 fail");
  cmd.option("--task", &o->task, "a file whose first record is the task")
      .value_name("FILE")
      .required();
  cmd.option("--state", &o->state,
             "the final state, or a folder with state.json; with probes, a state per line")
      .value_name("FILE")
      .required();
  cmd.option("--journal", &o->journal, "must lead from the initial state to the final one")
      .value_name("FILE");
  cmd.option("--answer", &o->answer, "the agent's answer").value_name("JSON");
  shared_base_option(cmd, o->shared_base);
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return judge(*o, io); });
}

}  // namespace stateutils::tools
