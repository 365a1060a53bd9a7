#include "bench/task/task.hpp"

#include <array>

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

// Remembers which rows were preset as what.
void note_kind(Task& task, Id table, Id key, std::string_view kind) {
  task.preset.push_back({table, ChangeKind::kInsert, key, kNone, kNone});
  task.preset_kinds.emplace_back(kind);
}

// The state at first; rows tell their kind, config and files have theirs in init._kinds.
void read_initial(const Cursor& init, Store& store, Task& task) {
  task.initial = task.base;
  if (const auto overlay = init.find("overlay")) {
    task.initial = store.read_preset(
        *overlay, task.base,
        [&](Id table, Id key, const Cursor& kind) { note_kind(task, table, key, kind.string()); });
  }
  if (const auto kinds = init.find("_kinds")) {
    kinds->members([&](std::string_view path, const Cursor& kind) {
      const Id key = store.atoms.string(path);
      const bool file = store.find_row(task.initial, Store::kFiles, key) != kNone;
      note_kind(task, file ? Store::kFiles : Store::kConfig, key, kind.string());
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

// The members of a record that a task is read from, found in one pass.
class TaskMembers {
 public:
  enum Name : std::size_t {  // in the order of the schema
    kId,
    kFamily,
    kScenario,
    kVariant,
    kAbility,
    kTags,
    kSeed,
    kIndex,
    kPack,
    kWorld,
    kInstruction,
    kInit,
    kLimits,
    kContract,
    kTwinOf,
    kEvidence,
    kShortcuts,
    kReference,
    kSteps,
    kCount
  };

  explicit TaskMembers(const Cursor& json) : json_(json) {
    std::size_t likely = 0;  // writers keep the order: the next member is the one behind the last
    json.members([&](std::string_view key, const Cursor& value) {
      for (std::size_t tried = 0; tried < kCount; ++tried) {
        const std::size_t name = likely;
        likely = likely + 1 == kCount ? 0 : likely + 1;
        if (kNames[name] != key) continue;
        if (found_[name]) throw value.error("key " + core::quoted(key) + " stands twice");
        return static_cast<void>(found_[name].emplace(value));
      }
    });
  }

  [[nodiscard]] const Cursor& json() const { return json_; }
  // nullptr when it is absent or null.
  [[nodiscard]] const Cursor* find(Name name) const {
    return found_[name] && !found_[name]->is_null() ? &*found_[name] : nullptr;
  }
  [[nodiscard]] bool has(Name name) const { return found_[name].has_value(); }
  [[nodiscard]] const Cursor& at(Name name) const {
    if (!found_[name]) throw json_.error("\"" + std::string(kNames[name]) + "\" is missing");
    return *found_[name];
  }
  [[nodiscard]] std::string_view text(Name name) const {
    const Cursor* value = find(name);
    return value == nullptr ? std::string_view() : value->string();
  }

 private:
  static constexpr std::array<std::string_view, kCount> kNames = {
      "task_id", "family",      "scenario",  "variant",     "ability",      "tags",   "seed",
      "index",   "pack_sha256", "world",     "instruction", "init",         "limits", "contract",
      "twin_of", "evidence",    "shortcuts", "reference",   "optimal_steps"};
  const Cursor& json_;
  std::array<std::optional<Cursor>, kCount> found_;
};

namespace {

void read_head(const TaskMembers& members, Task& task) {
  using M = TaskMembers;
  task.id = members.text(M::kId);
  task.family = members.text(M::kFamily);
  task.scenario = members.text(M::kScenario);
  task.variant = members.text(M::kVariant);
  task.ability = members.text(M::kAbility);
  task.instruction = members.text(M::kInstruction);
  task.twin_of = members.text(M::kTwinOf);
  task.pack_sha256 = members.text(M::kPack);
  if (members.has(M::kTags)) {
    members.at(M::kTags).items([&](const Cursor& t) { task.tags.emplace_back(t.string()); });
  }
  if (members.has(M::kSeed)) {
    task.seed = static_cast<std::uint64_t>(members.at(M::kSeed).integer());
  }
  if (members.has(M::kIndex)) {
    task.index = static_cast<std::uint64_t>(members.at(M::kIndex).integer());
  }
  if (members.has(M::kLimits)) read_limits(members.at(M::kLimits), task.limits);
}

void read_plans(const TaskMembers& members, Task& task) {
  using M = TaskMembers;
  if (members.has(M::kReference)) {
    members.at(M::kReference).items([&](const Cursor& plan) {
      task.reference.push_back(read_plan(plan));
    });
  }
  if (const Cursor* steps = members.find(M::kSteps)) {
    task.optimal_steps = static_cast<int>(steps->integer());
  }
  if (!members.has(M::kShortcuts)) return;
  const Cursor& shortcuts = members.at(M::kShortcuts);
  if (const auto blind = shortcuts.find("blind")) task.blind = read_plan(*blind);
  if (const auto stale = shortcuts.find("stale")) task.stale = read_plan(*stale);
}

// `known_base` is the state that init.base describes, where the caller has it already.
void read_on_base(const TaskMembers& members, Store& store, const World* world,
                  std::optional<Id> known_base, Task& task) {
  using M = TaskMembers;
  task = Task{};
  task.world = world;
  read_head(members, task);
  if (read_family_task(members.json(), store, task)) return;
  const Cursor& init = members.at(M::kInit);
  task.base = known_base.value_or(store.empty_state());
  if (const auto base = known_base ? std::nullopt : init.find("base")) {
    refuse_doubled_keys(*base);
    task.base = store.read_state(*base, task.base);
  }
  read_initial(init, store, task);
  read_clock(init, store);
  const Cursor& contract = members.at(M::kContract);
  refuse_doubled_keys(contract);
  task.contract = read_contract(contract, store);
  keep_constrained_clocks(store, task.contract);
  if (const Cursor* evidence = members.find(M::kEvidence)) {
    task.twin = read_evidence(*evidence, store, task.initial);
  }
  read_plans(members, task);
}

}  // namespace

void read_task(const Cursor& json, Store& store, const World* world, Task& task) {
  read_on_base(TaskMembers(json), store, world, {}, task);
}

struct Library::Room {
  Store store;
  std::optional<World> world;
  Store::Mark start;
  // What the first task brought as its base stays in the store for the others.
  std::unique_ptr<Document> base_json;
  std::string base_text;
  Id base = 0;
  std::uint64_t known_base = 0;  // generation of the known text that says the same
};

void Library::add_base(std::string json) {
  const std::string hash = core::sha256_hex(json);
  bases_.emplace(hash, std::move(json));
}

// The text of a base that a record names by its hash.
const std::string& Library::named_base(const Cursor& base, std::string_view pack) {
  const std::string hash(base.string());
  if (const auto known = bases_.find(hash); known != bases_.end()) return known->second;
  if (const ShippedPack* shipped = find_shipped_by_hash(pack)) {
    const Document document{std::string(shipped->text), std::string(shipped->name), true};
    Store store;
    add_base(read_pack(document, store).base_json);
  }
  const auto known = bases_.find(hash);
  if (known == bases_.end()) throw base.error("no base has this hash (see --shared-base)");
  return known->second;
}

std::optional<Id> Library::base_of(const TaskMembers& members, Room& room) {
  const Cursor* init = members.find(TaskMembers::kInit);
  const auto base = init != nullptr && init->is_object() ? init->find("base") : std::nullopt;
  if (!base) return {};
  if (known_.is_mark(KnownTexts::kBase, base->element())) {
    if (room.known_base == known_.generation(KnownTexts::kBase)) return room.base;
    // The first time in this room.
    const Document document{std::string(known_.text(KnownTexts::kBase)), "base", false};
    if (!room.base_json) keep_base(document.root(), room);
    if (!same_value(document.root().element(), room.base_json->root().element())) {
      return room.store.read_state(document.root(), room.store.empty_state());
    }
    room.known_base = known_.generation(KnownTexts::kBase);
    return room.base;
  }
  if (base->is_string()) {
    const std::string& text = named_base(*base, members.text(TaskMembers::kPack));
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

// The room of a world that a record carries.
Library::Room& Library::room_of_world(std::string_view pack, const Cursor& world) {
  if (known_.is_mark(KnownTexts::kWorld, world.element())) {
    const std::uint64_t generation = known_.generation(KnownTexts::kWorld);
    if (known_world_.generation != generation || known_world_.pack != pack) {
      const Document document{std::string(known_.text(KnownTexts::kWorld)), "world", false};
      known_world_ = {&room_of_world(pack, document.root()), std::string(pack), generation};
    }
    return *known_world_.room;
  }
  const std::string key = std::string(pack) + "+" + canonical(world.element());
  if (!rooms_.contains(key)) {
    refuse_doubled_keys(world);
    add_pack(key, world);
  }
  return *rooms_.at(key);
}

Library::Room& Library::room_for(const TaskMembers& members) {
  using M = TaskMembers;
  const std::string_view pack = members.text(M::kPack);
  if (const Cursor* carried = members.find(M::kWorld)) return room_of_world(pack, *carried);
  const std::string_view family = members.text(M::kFamily);
  const std::string_view own_world =
      members.has(M::kWorld) ? std::string_view() : family_world(family);
  const std::string key = own_world.empty() ? std::string(pack) : "family " + std::string(family);
  const auto known = rooms_.find(key);
  if (known != rooms_.end()) return *known->second;
  if (!own_world.empty()) {
    const Document document{std::string(own_world), std::string(family), false};
    add_pack(key, document.root());
  } else if (const ShippedPack* shipped = key.empty() ? nullptr : find_shipped_by_hash(key)) {
    const Document document{std::string(shipped->text), std::string(shipped->name), true};
    add_pack(key, document.root().at("world"));
  } else if (key.empty()) {
    auto room = std::make_unique<Room>();
    room->start = room->store.mark();
    rooms_[key] = std::move(room);
  } else {
    throw members.at(M::kPack).error(
        "no shipped pack has this hash, and the task carries no \"world\"");
  }
  return *rooms_.at(key);
}

Task& Library::read_members(const TaskMembers& members, std::size_t kept) {
  Room& room = room_for(members);
  Store& store = room.store;
  // Tasks in a row share many texts and rows, twins nearly all: forgetting them all together now
  // and then costs less than reading each anew.
  const bool forget =
      store.size() > room.start.size() + kept || store.table_count() != room.start.infos;
  if (forget) store.rollback(room.start);
  for (Id t = 0; t < store.table_count(); ++t) store.info(t).clock.clear();
  current_store_ = &store;
  read_on_base(members, store, room.world ? &*room.world : nullptr, base_of(members, room), task_);
  return task_;
}

Task& Library::read(const Cursor& json) {
  return read_members(TaskMembers(json), 0);
}

Task& Library::read_line(const Cursor& json, std::string_view line) {
  static constexpr std::size_t kKept = 1000;
  Task& task = read_members(TaskMembers(json), kKept);
  known_.learn(line);
  return task;
}

void Library::read_beside(const Cursor& json, Task& task) {
  const TaskMembers members(json);
  Room& room = room_for(members);
  read_on_base(members, room.store, task_.world, base_of(members, room), task);
}

}  // namespace stateutils::bench
