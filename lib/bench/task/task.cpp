#include "bench/task/task.hpp"

#include "bench/families/small/small.hpp"
#include "bench/pack/pack.hpp"
#include "bench/pack/shipped.hpp"
#include "core/hash.hpp"

namespace stateutils::bench {
namespace {

bool same_value(simdjson::dom::element a, simdjson::dom::element b);

bool same_items(simdjson::dom::array a, simdjson::dom::array b) {
  auto other = b.begin();
  for (const auto item : a) {
    if (other == b.end() || !same_value(item, *other)) return false;
    ++other;
  }
  return other == b.end();
}

// Members in the same order: records of one writer.
bool same_members(simdjson::dom::object a, simdjson::dom::object b) {
  auto other = b.begin();
  for (const auto field : a) {
    if (other == b.end() || field.key != other.key() || !same_value(field.value, other.value())) {
      return false;
    }
    ++other;
  }
  return other == b.end();
}

bool same_value(simdjson::dom::element a, simdjson::dom::element b) {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case simdjson::dom::element_type::OBJECT:
      return same_members(simdjson::dom::object(a), simdjson::dom::object(b));
    case simdjson::dom::element_type::ARRAY:
      return same_items(simdjson::dom::array(a), simdjson::dom::array(b));
    case simdjson::dom::element_type::STRING:
      return std::string_view(a) == std::string_view(b);
    default:
      return canonical(a) == canonical(b);
  }
}

std::string text_of(const Cursor& json, std::string_view key) {
  const auto found = json.find(key);
  return found && !found->is_null() ? std::string(found->string()) : std::string();
}

void read_limits(const Cursor& json, Limits& limits) {
  const auto positive = [&](std::string_view key, auto& target) {
    if (const auto value = json.find(key)) {
      const std::int64_t n = value->integer();
      if (n < 1 || n > 1'000'000'000) throw value->error("a limit is from 1 to 10^9");
      target = static_cast<std::remove_reference_t<decltype(target)>>(n);
    }
  };
  positive("steps", limits.steps);
  positive("step_timeout_ms", limits.step_timeout_ms);
  positive("episode_timeout_ms", limits.episode_timeout_ms);
  positive("output_bytes", limits.output_bytes);
}

// Remembers which rows were preset as what; config and files have theirs in init._kinds.
void read_kinds(const Cursor& init, Store& store, Task& task) {
  const auto note = [&](Id table, Id key, std::string_view kind) {
    task.preset.push_back({table, ChangeKind::kInsert, key, kNone, kNone});
    task.preset_kinds.emplace_back(kind);
    task.kinds.emplace_back(kind);
  };
  if (const auto overlay = init.find("overlay")) {
    overlay->members([&](std::string_view name, const Cursor& rows) {
      if (name.starts_with('_') || !rows.is_array()) return;
      const Id table = store.table(name);
      const std::string key_name(store.atoms.text(store.info(table).key_field));
      rows.items([&](const Cursor& row) {
        if (const auto kind = row.find("_kind")) {
          note(table, intern_value(store.atoms, row.at(key_name).element()), kind->string());
        }
      });
    });
  }
  if (const auto kinds = init.find("_kinds")) {
    kinds->members([&](std::string_view path, const Cursor& kind) {
      const Id key = store.atoms.string(path);
      const bool file = store.find_row(task.initial, Store::kFiles, key) != kNone;
      note(file ? Store::kFiles : Store::kConfig, key, kind.string());
    });
  }
}

void read_clock(const Cursor& init, Store& store) {
  const auto clock = init.find("clock");
  if (!clock) return;
  clock->items([&](const Cursor& name) {
    const std::string_view text = name.string();
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) throw name.error("expected TABLE.FIELD");
    const Id table = store.table(text.substr(0, dot)),
             field = store.atoms.string(text.substr(dot + 1));
    auto& known = store.info(table).clock;
    for (const Id f : known) {
      if (f == field) return;
    }
    known.push_back(field);
  });
}

// A field of the world clock stays in comparisons where the contract constrains it.
void keep_constrained_clocks(Store& store, const Contract& contract) {
  const auto constrained = [&](Id table, Id field) {
    for (const Option& option : contract.options) {
      for (const Clause& c : option.require) {
        for (const auto& [f, v] : c.match) {
          if (c.table == table && f == field) return true;
        }
      }
      for (const Allow& a : option.allow) {
        for (const auto& [f, v] : a.match) {
          if (a.table == table && f == field) return true;
        }
      }
    }
    return false;
  };
  for (Id t = 0; t < store.table_count(); ++t) {
    std::erase_if(store.info(t).clock, [&](Id field) { return constrained(t, field); });
  }
}

Id read_evidence(const Cursor& json, Store& store, Id initial) {
  Id state = initial;
  if (const auto set = json.find("set")) state = store.read_state(*set, state);
  if (const auto del = json.find("del")) {
    del->members([&](std::string_view name, const Cursor& keys) {
      const Id table = store.table(name);
      keys.items([&](const Cursor& key) {
        state = store.without_row(state, table, intern_value(store.atoms, key.element()));
      });
    });
  }
  return state;
}

}  // namespace

Plan read_plan(const Cursor& json) {
  Plan plan;
  json.items([&](const Cursor& line) { plan.emplace_back(line.string()); });
  return plan;
}

void append_plan(std::string& out, const Plan& plan) {
  out.push_back('[');
  for (const std::string& line : plan) {
    if (out.back() != '[') out.push_back(',');
    append_json_string(out, line);
  }
  out.push_back(']');
}

namespace {

// The members of a record that a task is read from, found in one pass; texts go to the task.
class TaskMembers {
 public:
  std::optional<Cursor> tags, seed, index, limits, init, contract, evidence, reference, steps,
      shortcuts;

  TaskMembers(const Cursor& json, Task& task) : json_(json) {
    const std::pair<std::string_view, std::string*> texts[] = {
        {"task_id", &task.id},        {"family", &task.family},
        {"scenario", &task.scenario}, {"variant", &task.variant},
        {"ability", &task.ability},   {"instruction", &task.instruction},
        {"twin_of", &task.twin_of},   {"pack_sha256", &task.pack_sha256}};
    const std::pair<std::string_view, std::optional<Cursor>*> others[] = {
        {"tags", &tags},          {"seed", &seed},           {"index", &index},
        {"limits", &limits},      {"init", &init},           {"contract", &contract},
        {"evidence", &evidence},  {"reference", &reference}, {"optimal_steps", &steps},
        {"shortcuts", &shortcuts}};
    json.members([&](std::string_view key, const Cursor& value) {
      for (const auto& [name, target] : texts) {
        if (name != key) continue;
        if (!value.is_null()) *target = std::string(value.string());
        return;
      }
      for (const auto& [name, target] : others) {
        if (name != key) continue;
        if (*target) throw value.error("key " + core::quoted(key) + " stands twice");
        return static_cast<void>(target->emplace(value));
      }
    });
  }

  [[nodiscard]] const Cursor& needed(const std::optional<Cursor>& member,
                                     std::string_view name) const {
    if (!member) throw json_.error("\"" + std::string(name) + "\" is missing");
    return *member;
  }

 private:
  const Cursor& json_;
};

// `known_base` is the state that init.base describes, where the caller has it already.
void read_on_base(const Cursor& json, Store& store, const World* world,
                  std::optional<Id> known_base, Task& task) {
  task = Task{};
  task.world = world;
  const TaskMembers members(json, task);
  if (members.tags) {
    members.tags->items([&](const Cursor& tag) { task.tags.emplace_back(tag.string()); });
  }
  if (members.seed) task.seed = static_cast<std::uint64_t>(members.seed->integer());
  if (members.index) task.index = static_cast<std::uint64_t>(members.index->integer());
  if (members.limits) read_limits(*members.limits, task.limits);
  if (read_family_task(json, store, task)) return;
  const Cursor& init = members.needed(members.init, "init");
  task.base = known_base.value_or(store.empty_state());
  if (const auto base = init.find("base"); base && !known_base) {
    refuse_doubled_keys(*base);
    task.base = store.read_state(*base, task.base);
  }
  task.initial = task.base;
  if (const auto overlay = init.find("overlay")) {
    refuse_doubled_keys(*overlay);
    task.initial = store.read_state(*overlay, task.base);
  }
  read_clock(init, store);
  read_kinds(init, store, task);
  const Cursor& contract = members.needed(members.contract, "contract");
  refuse_doubled_keys(contract);
  task.contract = read_contract(contract, store);
  keep_constrained_clocks(store, task.contract);
  if (members.evidence && !members.evidence->is_null()) {
    task.twin = read_evidence(*members.evidence, store, task.initial);
  }
  if (members.reference) {
    members.reference->items(
        [&](const Cursor& plan) { task.reference.push_back(read_plan(plan)); });
  }
  if (members.steps && !members.steps->is_null()) {
    task.optimal_steps = static_cast<int>(members.steps->integer());
  }
  if (members.shortcuts) {
    if (const auto blind = members.shortcuts->find("blind")) task.blind = read_plan(*blind);
    if (const auto stale = members.shortcuts->find("stale")) task.stale = read_plan(*stale);
  }
}

}  // namespace

void read_task(const Cursor& json, Store& store, const World* world, Task& task) {
  read_on_base(json, store, world, {}, task);
}

struct Library::Room {
  Store store;
  std::optional<World> world;
  Store::Mark start;
  // What the first task brought as its base stays in the store for the others.
  std::unique_ptr<Document> base_json;
  std::string base_text;
  Id base = 0;
};

void Library::add_base(std::string json) {
  const std::string hash = core::sha256_hex(json);
  bases_.emplace(hash, std::move(json));
}

// The text of a base that a record names by its hash.
const std::string& Library::named_base(const Cursor& base, const Cursor& json) {
  const std::string hash(base.string());
  if (const auto known = bases_.find(hash); known != bases_.end()) return known->second;
  if (const ShippedPack* shipped = find_shipped_by_hash(text_of(json, "pack_sha256"))) {
    const Document document{std::string(shipped->text), std::string(shipped->name), true};
    Store store;
    add_base(read_pack(document, store).base_json);
  }
  const auto known = bases_.find(hash);
  if (known == bases_.end()) throw base.error("no base has this hash (see --shared-base)");
  return known->second;
}

std::optional<Id> Library::base_of(const Cursor& json, Room& room) {
  const auto init = json.find("init");
  const auto base = init && init->is_object() ? init->find("base") : std::nullopt;
  if (!base) return {};
  if (base->is_string()) {
    const std::string& text = named_base(*base, json);
    if (room.base_text == text) return room.base;
    const Document document{text, "base", false};
    if (room.base_json) return room.store.read_state(document.root(), room.store.empty_state());
    keep_base(document.root(), room);
    return room.base;
  }
  if (!base->is_object()) return {};
  if (room.base_json == nullptr) {
    refuse_doubled_keys(*base);
    keep_base(*base, room);
    return room.base;
  }
  const bool same = same_value(base->element(), room.base_json->root().element());
  return same ? std::optional(room.base) : std::nullopt;
}

void Library::keep_base(const Cursor& base, Room& room) {
  room.base = room.store.read_state(base, room.store.empty_state());
  room.base_text = canonical(base.element());
  room.base_json = std::make_unique<Document>(room.base_text, "base", false);
  room.start = room.store.mark();
}

Library::Library() = default;
Library::~Library() = default;

void Library::add_pack(const std::string& sha256, const Cursor& world) {
  auto room = std::make_unique<Room>();
  room->world = read_world(world, room->store);
  room->start = room->store.mark();
  rooms_[sha256] = std::move(room);
}

Library::Room& Library::room_for(const Cursor& json) {
  const auto carried = json.find("world");
  std::string key = text_of(json, "pack_sha256");
  if (carried && !carried->is_null()) key += "+" + canonical(carried->element());
  const std::string family = text_of(json, "family");
  const std::string_view own_world = carried ? std::string_view() : family_world(family);
  if (!own_world.empty()) key = "family " + family;
  const auto known = rooms_.find(key);
  if (known != rooms_.end()) return *known->second;
  if (carried && !carried->is_null()) {
    refuse_doubled_keys(*carried);
    add_pack(key, *carried);
  } else if (!own_world.empty()) {
    const Document document{std::string(own_world), family, false};
    add_pack(key, document.root());
  } else if (const ShippedPack* pack = key.empty() ? nullptr : find_shipped_by_hash(key)) {
    const Document document{std::string(pack->text), std::string(pack->name), true};
    add_pack(key, document.root().at("world"));
  } else if (key.empty()) {
    auto room = std::make_unique<Room>();
    room->start = room->store.mark();
    rooms_[key] = std::move(room);
  } else {
    throw json.at("pack_sha256")
        .error(
            "no shipped pack has this hash, and the task carries no "
            "\"world\"");
  }
  return *rooms_.at(key);
}

Task& Library::read(const Cursor& json) {
  Room& room = room_for(json);
  room.store.rollback(room.start);
  for (Id t = 0; t < room.store.table_count(); ++t) room.store.info(t).clock.clear();
  current_store_ = &room.store;
  read_on_base(json, room.store, room.world ? &*room.world : nullptr, base_of(json, room), task_);
  return task_;
}

void Library::read_beside(const Cursor& json, Task& task) {
  Room& room = room_for(json);
  read_on_base(json, room.store, task_.world, base_of(json, room), task);
}

}  // namespace stateutils::bench
