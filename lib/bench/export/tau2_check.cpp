#include <algorithm>

#include "bench/export/selftest.hpp"
#include "bench/world/text.hpp"
#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kMaxTau2File = 64u << 20;

// {TABLE: {KEY: row}} laid over a state; config and files have values in place of rows.
Id lay_over(const Cursor& tables, Store& store, Id state) {
  tables.members([&](std::string_view name, const Cursor& rows) {
    const Id table = store.table(name);
    rows.members([&](std::string_view key, const Cursor& row) {
      Fields fields;
      if (table <= Store::kFiles) {
        fields.emplace_back(store.value_field(table), intern_value(store.atoms, row.element()));
      } else {
        row.members([&](std::string_view field, const Cursor& value) {
          const Id id = store.atoms.string(field);
          if (id == store.info(table).key_field) return;
          fields.emplace_back(id, intern_value(store.atoms, value.element()));
        });
      }
      state = store.with_row(state, table, store.row(store.atoms.string(key), std::move(fields)));
    });
  });
  return state;
}

std::string plain(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  name.erase(0, name.find_first_not_of('_'));
  return name;
}

// The command line of an action.
std::string line_of(const Cursor& action, const World& world) {
  for (const Verb& verb : world.verbs) {
    if (plain(verb.name) != action.at("name").string()) continue;
    std::string line = verb.name;
    const Cursor arguments = action.at("arguments");
    for (const Param& p : verb.params) {
      if (const auto value = arguments.find(plain(p.flag))) {
        line += " " + p.flag + " " +
                quote_word(value->is_string() ? std::string(value->string())
                                              : canonical(value->element()));
      }
    }
    return line;
  }
  throw action.error("names no tool");
}

}  // namespace

bool tau2_verdict(const ExportTask& task, Store& store, const Plan& plan,
                  const std::string& folder) {
  const std::string db_file = folder + "/db.json", tasks_file = folder + "/tasks.json";
  const Document db{core::read_file(db_file, kMaxTau2File), db_file, false};
  const Document tasks{core::read_file(tasks_file, kMaxTau2File), tasks_file, false};
  const Id base = lay_over(db.root(), store, store.empty_state());
  Plan actions;
  Id initial = base;
  bool found = false;
  tasks.root().items([&](const Cursor& t) {
    if (t.at("id").string() != task.task.id) return;
    found = true;
    initial =
        lay_over(t.at("initial_state").at("initialization_data").at("agent_data"), store, base);
    t.at("evaluation_criteria").at("actions").items([&](const Cursor& action) {
      actions.push_back(line_of(action, *task.task.world));
    });
  });
  if (!found) throw core::input_error({tasks_file}, "holds no task " + task.task.id);
  const auto play = [&](const Plan& lines) {
    Machine machine(*task.task.world, store, initial);
    Result result;
    result.state = initial;
    std::int64_t step = 0;
    for (const std::string& line : lines) {
      if (line.starts_with("done")) break;
      machine.run(result.state, line, step++, result);
    }
    return result.state;
  };
  return play(plan) == play(actions);
}

}  // namespace stateutils::bench
