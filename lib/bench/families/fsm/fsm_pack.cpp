#include <algorithm>

#include "bench/families/fsm/fsm_model.hpp"
#include "bench/solve/packed.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

// Texts of packs and worlds are templates: a brace is doubled.
std::string braced(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out.push_back(c);
    if (c == '{') out.push_back(c);
  }
  return out;
}

// A JSON value as the world's templates want it.
std::string template_json(const std::string& value) {
  return value.starts_with('"') ? braced(value) : value;
}

std::string atom_json(const Store& store, Id atom) {
  std::string out;
  store.atoms.write_json(atom, out);
  return out;
}

void write_verb(core::JsonWriter& json, const FsmAction& action) {
  json.begin_object().field("name", action.command).key("guard").begin_array();
  for (const FsmGuard& g : action.guards) {
    json.begin_object().field("path", "$.config." + braced(g.variable)).field("cond", g.condition);
    if (!g.value.empty()) json.key("value").raw(template_json(g.value));
    json.end_object();
  }
  json.end_array().key("effects").begin_array();
  for (const auto& [name, value] : action.set) {
    json.begin_object().field("op", "set_config").field("path", braced(name));
    json.key("value").raw(template_json(value)).end_object();
  }
  for (const std::string& name : action.clear) {
    json.begin_object().field("op", "clear").field("path", braced(name)).end_object();
  }
  json.end_array().field("out", action.output.empty() ? "ok" : braced(action.output));
  json.end_object();
}

std::string world_json(const FsmModel& model) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("config").begin_object();
  for (const auto& [name, value] : model.initial) json.field(name, "any");
  json.end_object();
  json.key("tables").raw(R"({"places":{"fields":{"goal":"bool","rank":"int"}}})");
  json.key("verbs").begin_array();
  json.begin_object().field("name", "show").field("out", "{$.config}").end_object();
  json.begin_object().field("name", "places").field("out", "{$.places}").end_object();
  for (const FsmAction& action : model.actions) write_verb(json, action);
  json.end_array().end_object();
  return out;
}

// The places are listed in the world; nothing may change them.
std::string base_json(const FsmModel& model) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("config").begin_object();
  for (const auto& [name, value] : model.initial) json.key(name).raw(value);
  json.end_object().key("places").begin_array();
  for (std::size_t i = 0; i < model.places.size(); ++i) {
    const bool goal =
        std::find(model.goals.begin(), model.goals.end(), model.places[i]) != model.goals.end();
    json.begin_object().field("goal", goal).field("id", model.places[i]).field("rank", i);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

// A goal state said in full: its values must hold, and nothing else may change.
class GoalScenario {
 public:
  GoalScenario(const Store& store, Id initial, Id goal)
      : store_(store), initial_(initial), goal_(goal) {}

  void write(core::JsonWriter& json, const std::string& slug, const std::string& place) {
    store_.compare(initial_, goal_, changes_);
    json.begin_object().field("slug", slug).field("ability", "navigation").field("count", 1);
    json.key("tags").raw(R"(["navigation"])").field("instruction", instruction(place));
    json.key("contract").begin_object().key("require").begin_array();
    for (const Change& c : changes_) clause(json, c);
    json.end_array().key("frame").begin_object().field("default", "deny");
    json.key("allow").begin_array();
    for (const Change& c : changes_) rule(json, c);
    json.end_array().end_object().end_object().end_object();
  }

 private:
  [[nodiscard]] std::string key(const Change& c) const { return braced(store_.atoms.text(c.key)); }
  [[nodiscard]] std::string value(const Change& c) const {
    return template_json(
        atom_json(store_, store_.value_of(c.new_row, store_.value_field(Store::kConfig))));
  }

  [[nodiscard]] std::string instruction(const std::string& place) const {
    std::string text = "Bring it to " + braced(place) + ". In the end";
    const char* joint = " ";
    for (const Change& c : changes_) {
      text += joint + key(c) + (c.kind == ChangeKind::kDelete ? " is gone" : " is " + value(c));
      joint = ", ";
    }
    return text + ", and every other value is what it is now.";
  }

  void clause(core::JsonWriter& json, const Change& c) const {
    json.begin_object().field("id", key(c)).field("config", key(c));
    if (c.kind == ChangeKind::kDelete) {
      json.key("count").raw(R"({"eq":0})");
    } else {
      json.key("match").begin_object().key("value").raw(value(c)).end_object();
    }
    json.end_object();
  }

  void rule(core::JsonWriter& json, const Change& c) const {
    json.begin_object().field("table", "config");
    json.field("op", op_name(c.kind));
    json.key("match").begin_object().field("key", key(c));
    if (c.kind != ChangeKind::kDelete) json.key("value").raw(value(c));
    json.end_object().end_object();
  }

  const Store& store_;
  Id initial_, goal_;
  std::vector<Change> changes_;
};

}  // namespace

std::string fsm_pack(const FsmModel& model, std::uint64_t max_states, std::string& facts) {
  const std::string world = world_json(model), base = base_json(model);
  Store store;
  const Document world_text{world, model.name, false}, base_text{base, model.name, false};
  const World parsed = read_world(world_text.root(), store);
  const Id initial = store.read_state(base_text.root(), store.empty_state());
  const auto system = PackedSystem::compile(parsed, store, initial);
  if (!system) throw core::input_error({model.name}, "its variables need more than 64 bits");
  const Reached reached = reach_all(*system, max_states);
  if (!reached.complete) {
    throw core::environment_error("more than " + std::to_string(max_states) +
                                  " states can be reached; see --max-states");
  }
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("gb", 1).field("pack", model.name).field("version", "1.0.0");
  json.key("world").raw(world).key("base").raw(base).key("scenarios").begin_array();
  const Id place_key = store.atoms.string(model.place);
  int shortest = -1;
  std::uint64_t scenarios = 0;
  for (const std::string& goal : model.goals) {
    std::uint64_t mask = 0, bits = 0;
    if (!system->equality(place_key, store.atoms.string(goal), store, mask, bits)) continue;
    int last = 0;  // the start itself is no goal
    for (std::size_t i = 0; i < reached.states.size(); ++i) {
      if ((reached.states[i] & mask) != bits || reached.depths[i] == last) continue;
      last = reached.depths[i];
      if (shortest < 0 || last < shortest) shortest = last;
      const Id state = system->unpack(reached.states[i], store);
      GoalScenario(store, initial, state)
          .write(json, braced(goal) + "_" + std::to_string(last), goal);
      ++scenarios;
    }
  }
  json.end_array().end_object();
  if (facts.empty()) {
    core::JsonWriter f(facts);
    f.begin_object().field("states", reached.states.size()).key("shortest_goal_steps");
    shortest < 0 ? f.null() : f.value(shortest);
    f.field("places", model.places.size()).field("actions", model.actions.size());
    f.field("scenarios", scenarios).end_object();
  }
  return out;
}

}  // namespace stateutils::bench
