// Inspect and tau2: tasks as records of a data set.
#include <algorithm>

#include "bench/export/form_parts.hpp"
#include "bench/world/text.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

class Inspect : public ExportForm {
 public:
  bool add(const ExportTask& task, Store&, ExportFiles&, std::string&) override {
    core::JsonWriter json(lines_);
    json.begin_object().field("id", task.task.id).field("input", instruction_text(task));
    json.field("target", task.judged).key("metadata").begin_object();
    json.field("family", task.task.family).field("scenario", task.task.scenario);
    json.field("ability", task.task.ability).field("canary", task.canary);
    json.key("reference").raw(plan_json(task)).end_object().key("files").begin_object();
    json.field("/opt/gen-bench/world.json", task.world).end_object();
    json.field("setup", setup(task)).end_object();
    lines_ += "\n";
    return true;
  }
  void finish(ExportFiles& files) override {
    files["samples.jsonl"] = {lines_, false};
    files["README.md"] = {readme("Inspect") +
                              "\nA sample's `target` is the task for the judge: "
                              "write it to a file after the trial "
                              "and run `gen-bench judge --task FILE --state "
                              "/var/lib/gen-bench` in the sandbox (with "
                              "`--answer` and the content of answer.json, where "
                              "there is one); exit 0 is correct. "
                              "The sandbox image needs gen-bench on its PATH.\n",
                          false};
  }
  [[nodiscard]] std::string binary_folder(const std::string&) const override { return ""; }

 private:
  static std::string plan_json(const ExportTask& task) {
    std::string out;
    append_plan(out, task.task.reference.front());
    return out;
  }
  static std::string setup(const ExportTask& task) {
    std::string out =
        "#!/bin/sh\nset -e\nroot=${GEN_BENCH_ROOT:-}\n"
        "export GEN_BENCH_WORLD=\"$root/opt/gen-bench/world.json\" "
        "GEN_BENCH_STATE=\"${GEN_BENCH_STATE:-/var/lib/gen-bench}\"\n"
        "bin=${GEN_BENCH_BIN:-/usr/local/bin}\nself=$(command -v gen-bench)\n";
    for (const std::string& name : task.commands) {
      out += "ln -sf \"$self\" \"$bin/" + name + "\"\n";
    }
    return out + "gen-bench world-exec gb-init\n";
  }
  std::string lines_;
};

std::string tool_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return name;
}

std::string argument_name(const std::string& flag) {
  const std::size_t start = flag.find_first_not_of('-');
  return tool_name(start == std::string::npos ? flag : flag.substr(start));
}

// {TABLE: {KEY: row}}, so that one record can be laid over another.
std::string keyed_rows(const Store& store, Id before, Id state) {
  std::map<std::string, std::string> tables;
  std::vector<Change> changes;
  store.compare(before, state, changes);
  for (const Change& c : changes) {
    if (c.kind == ChangeKind::kDelete) continue;
    std::string& rows = tables[store.info(c.table).name];
    if (!rows.empty()) rows.push_back(',');
    append_json_string(rows, store.atoms.text(c.key));
    rows.push_back(':');
    if (c.table <= Store::kFiles) {
      store.atoms.write_json(store.value_of(c.new_row, store.value_field(c.table)), rows);
    } else {
      store.write_row(c.table, c.new_row, rows);
    }
  }
  std::string out = "{";
  for (const auto& [name, rows] : tables) {
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, name);
    out += ":{" + rows + "}";
  }
  return out + "}";
}

// Rewards are given on the data base alone: what it cannot see cannot be
// carried.
class Tau2 : public ExportForm {
 public:
  bool add(const ExportTask& task, Store& store, ExportFiles& files, std::string& why) override {
    const std::string base = keyed_rows(store, store.empty_state(), task.task.base);
    if (base_.empty()) {
      base_ = base;
      tools_ = tools(*task.task.world);
    }
    if (base != base_) return refuse(why, "its world starts otherwise than the first task's");
    const bool answers =
        std::any_of(task.task.contract.options.begin(), task.task.contract.options.end(),
                    [](const Option& o) { return o.answer.has_value(); });
    if (answers) return refuse(why, "it asks for an answer, which no data base shows");
    Machine machine(*task.task.world, store, task.task.initial);
    Id state = task.task.initial;
    std::string actions;
    std::int64_t step = 0;
    for (const std::string& line : task.task.reference.front()) {
      Result result;
      machine.run(state, line, step++, result);
      state = result.state;
      append_action(actions, machine, line, step);
    }
    if (state == task.task.initial) return refuse(why, "an agent that does nothing would pass");
    if (!tasks_.empty()) tasks_ += ",\n";
    tasks_ += record(task, keyed_rows(store, task.task.base, task.task.initial), actions);
    (void)files;
    return true;
  }
  void finish(ExportFiles& files) override {
    files["tasks.json"] = {"[" + tasks_ + "]\n", false};
    files["db.json"] = {(base_.empty() ? "{}" : base_) + "\n", false};
    files["tools.json"] = {(tools_.empty() ? "[]" : tools_) + "\n", false};
    files["README.md"] = {
        "# gen-bench tasks in the form of tau2\n\nRewards compare the data "
        "base with the one that "
        "the reference actions leave. Tasks that ask for an answer, or that an "
        "agent passes by "
        "doing nothing, are left out. Objects are keyed by their ids; ids of "
        "new objects follow "
        "from the world, so the reference's own order counts.\n",
        false};
  }
  [[nodiscard]] std::string binary_folder(const std::string&) const override { return ""; }

 private:
  static bool refuse(std::string& why, const char* reason) {
    why = reason;
    return false;
  }

  static std::string record(const ExportTask& task, const std::string& data,
                            const std::string& actions) {
    std::string out;
    core::JsonWriter json(out);
    json.begin_object().field("id", task.task.id).key("description").begin_object();
    json.field("purpose", task.task.scenario).field("notes", task.canary).end_object();
    json.key("user_scenario").begin_object().key("persona").null();
    json.field("instructions", task.task.instruction).end_object();
    json.key("initial_state").begin_object().key("initialization_data").begin_object();
    json.key("agent_data").raw(data).end_object().end_object();
    json.key("evaluation_criteria").begin_object().key("actions").raw("[" + actions + "]");
    json.key("reward_basis").raw("[\"DB\"]").end_object().end_object();
    return out;
  }

  static void append_action(std::string& out, Machine& machine, const std::string& line,
                            std::int64_t step) {
    Call call;
    std::string error;
    if (machine.parse(line, call, error) != 0) return;  // `done`
    const Verb& verb = machine.world().verbs[call.verb];
    if (!out.empty()) out.push_back(',');
    std::string arguments = "{";
    for (std::size_t p = 0; p < call.args.size(); ++p) {
      if (call.args[p] == kNone) continue;
      if (arguments.size() > 1) arguments.push_back(',');
      append_json_string(arguments, argument_name(verb.params[p].flag));
      arguments.push_back(':');
      machine.store().atoms.write_json(call.args[p], arguments);
    }
    core::JsonWriter json(out);
    json.begin_object().field("action_id", std::to_string(step - 1));
    json.field("name", tool_name(verb.name)).key("arguments").raw(arguments + "}").end_object();
  }

  static std::string tools(const World& world) {
    std::string out = "[";
    for (const Verb& verb : world.verbs) {
      if (out.size() > 1) out += ",\n";
      core::JsonWriter json(out);
      json.begin_object().field("name", tool_name(verb.name)).field("description", verb.name);
      json.field("mutates", verb.mutates()).key("parameters").begin_object();
      for (const Param& p : verb.params) {
        json.key(argument_name(p.flag)).begin_object().field("required", !p.optional);
        if (!p.values.empty()) {
          json.key("enum").begin_array();
          for (const std::string& v : p.values) json.value(v);
          json.end_array();
        }
        json.end_object();
      }
      json.end_object().end_object();
    }
    return out + "]";
  }

  std::string base_, tools_, tasks_;
};

}  // namespace

std::unique_ptr<ExportForm> inspect_form() {
  return std::make_unique<Inspect>();
}

std::unique_ptr<ExportForm> tau2_form() {
  return std::make_unique<Tau2>();
}

}  // namespace stateutils::bench
