#include "bench/pack/pack.hpp"

#include <algorithm>

#include "bench/world/text.hpp"
#include "core/hash.hpp"

namespace stateutils::bench {
namespace {

using ObjectStates = std::map<std::string, Part>;

class PackReader {
 public:
  PackReader(Pack& pack, Store& store) : pack_(pack), store_(store) {}

  void read(const Cursor& json) {
    json.only({"gb", "pack", "version", "canary", "world", "base", "clock", "slots", "objects",
               "noise", "scenarios", "notes"});
    if (json.at("gb").integer() != 1) throw json.at("gb").error("this program reads version 1");
    pack_.name = std::string(json.at("pack").string());
    if (const auto version = json.find("version")) pack_.version = std::string(version->string());
    pack_.sha256 = core::sha256_hex(canonical(json.element()));
    const auto canary = json.find("canary");
    pack_.canary = canary ? std::string(canary->string())
                          : "gb-canary-" + core::sha256_hex("canary " + pack_.sha256).substr(0, 32);
    pack_.world_json = canonical(json.at("world").element());
    pack_.world = read_world(json.at("world"), store_);
    if (const auto zones = json.at("world").find("zones")) pack_.zones = Zones(*zones);
    read_base(json);
    if (const auto slots = json.find("slots")) {
      slots->members([&](std::string_view name, const Cursor& s) { read_slot(name, s, slots_); });
    }
    scope_ = slots_;
    if (const auto objects = json.find("objects")) read_objects(*objects, objects_);
    if (const auto noise = json.find("noise")) {
      noise->only({"easy", "medium", "hard", "items"});
      noise->members([&](std::string_view name, const Cursor& value) {
        if (name != "items")
          pack_.noise_counts[std::string(name)] = static_cast<std::size_t>(value.integer());
      });
      noise->at("items").items([&](const Cursor& i) { pack_.noise.push_back(read_init(i)); });
    }
    if (const auto scenarios = json.find("scenarios")) {
      scenarios->items([&](const Cursor& s) { read_scenario(s); });
    }
  }

 private:
  void read_base(const Cursor& json) {
    pack_.base_json = "{}";
    pack_.clock_json = "[]";
    if (const auto base = json.find("base")) {
      const Id state = store_.read_state(*base, store_.empty_state());
      pack_.base_json = store_.write_state(state);
    }
    if (const auto clock = json.find("clock")) pack_.clock_json = canonical(clock->element());
  }

  void read_slot(std::string_view name, const Cursor& json, std::vector<Slot>& slots) {
    json.only({"from", "date", "times", "like"});
    Slot slot;
    slot.name = std::string(name);
    if (name == "id" || name.find_first_of(".{}") != std::string_view::npos) {
      throw json.error("a slot cannot have this name");
    }
    if (const auto like = json.find("like")) {
      const auto other = std::find_if(slots.begin(), slots.end(),
                                      [&](const Slot& s) { return s.name == like->string(); });
      if (other == slots.end()) throw like->error("no earlier slot has this name");
      slot.from = other->from;
      slot.dates = other->dates;
      slot.times = other->times;
      slot.like = other->like >= 0 ? other->like : static_cast<int>(other - slots.begin());
    } else if (const auto from = json.find("from")) {
      from->items([&](const Cursor& choice) { slot.from.push_back(read_choice(choice)); });
      if (slot.from.empty()) throw from->error("nothing to choose from");
    } else {
      read_dates(json, slot);
    }
    std::erase_if(slots, [&](const Slot& s) { return s.name == slot.name; });
    slots.push_back(std::move(slot));
  }

  [[nodiscard]] static std::map<std::string, std::string> read_choice(const Cursor& choice) {
    std::map<std::string, std::string> fields;
    if (choice.is_string()) {
      fields[""] = std::string(choice.string());
    } else {
      choice.members([&](std::string_view field, const Cursor& value) {
        fields[std::string(field)] =
            value.is_string() ? std::string(value.string()) : canonical(value.element());
      });
    }
    return fields;
  }

  void read_dates(const Cursor& json, Slot& slot) {
    const Cursor date = json.at("date");
    const std::string_view range = date.string();
    const std::size_t dots = range.find("..");
    if (dots == std::string_view::npos) throw date.error("expected YYYY-MM-DD..YYYY-MM-DD");
    const auto first = parse_date(range.substr(0, dots)), last = parse_date(range.substr(dots + 2));
    if (!first || !last || *first > *last) throw date.error("no range of real dates");
    slot.dates = {*first, *last};
    slot.times = {9 * 60};
    if (const auto times = json.find("times")) {
      slot.times.clear();
      times->items([&](const Cursor& t) {
        const auto minutes = parse_datetime("1970-01-01T" + std::string(t.string()));
        if (!minutes) throw t.error("expected HH:MM");
        slot.times.push_back(*minutes);
      });
      if (slot.times.empty()) throw times->error("nothing to choose from");
    }
  }

  int hole(std::string_view name, const Cursor& at) {
    const std::size_t dot = name.find('.');
    const std::string slot(name.substr(0, dot));
    const std::string field(dot == std::string_view::npos ? "" : name.substr(dot + 1));
    if (slot == "id" && !field.empty()) {
      if (std::find(ids_.begin(), ids_.end(), field) == ids_.end()) ids_.push_back(field);
    } else {
      const auto found =
          std::find_if(scope_.begin(), scope_.end(), [&](const Slot& s) { return s.name == slot; });
      if (found == scope_.end()) throw at.error("no slot " + core::quoted(slot));
      const bool known = found->dates
                             ? field == "iso" || field == "text" || field == "date" ||
                                   (field.starts_with(kLocal) && names_zone(field, at))
                             : std::all_of(found->from.begin(), found->from.end(),
                                           [&](const auto& c) { return c.contains(field); });
      if (!known) throw at.error("slot " + core::quoted(slot) + " has no " + core::quoted(field));
    }
    for (std::size_t i = 0; i < pack_.holes.size(); ++i) {
      if (pack_.holes[i].slot == slot && pack_.holes[i].field == field) return static_cast<int>(i);
    }
    pack_.holes.push_back({slot, field});
    return static_cast<int>(pack_.holes.size() - 1);
  }

  // Behind "local." stands a zone, or a slot's field of which every choice is one.
  [[nodiscard]] bool names_zone(std::string_view field, const Cursor& at) const {
    field.remove_prefix(kLocal.size());
    const std::size_t dot = field.find('.');
    const auto known = [&](std::string_view zone) {
      if (!pack_.zones.has(zone)) throw at.error("no zone " + core::quoted(zone));
      return true;
    };
    if (dot == std::string_view::npos) return known(field);
    const auto slot = std::find_if(scope_.begin(), scope_.end(),
                                   [&](const Slot& s) { return s.name == field.substr(0, dot); });
    const std::string choice(field.substr(dot + 1));
    return slot != scope_.end() && !slot->dates &&
           std::all_of(slot->from.begin(), slot->from.end(),
                       [&](const auto& c) { return c.contains(choice) && known(c.at(choice)); });
  }

  static void literal(SlotText& out, std::string_view text) {
    if (out.pieces.empty() || out.pieces.back().hole >= 0) out.pieces.emplace_back();
    out.pieces.back().literal += text;
  }

  // "{slot.field}" are holes, "{{" is a brace; literals are JSON-escaped so that the whole is the
  // inside of a JSON string.
  void text_holes(std::string_view text, const Cursor& at, SlotText& out) {
    std::string plain;
    const auto flush = [&] {
      std::string escaped;
      append_json_string(escaped, plain);
      literal(out, std::string_view(escaped).substr(1, escaped.size() - 2));
      plain.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{') {
        plain.push_back(text[i]);
      } else if (i + 1 < text.size() && text[i + 1] == '{') {
        plain.push_back(text[i++]);
      } else {
        const std::size_t end = text.find('}', i);
        if (end == std::string_view::npos) throw at.error("a { has no }");
        flush();
        SlotText::Piece piece;
        piece.hole = hole(text.substr(i + 1, end - i - 1), at);
        out.pieces.push_back(std::move(piece));
        i = end;
      }
    }
    flush();
  }

  // Any JSON value in canonical form, its strings with holes. `extra` joins an object's members.
  void json_holes(const Cursor& json, SlotText& out,
                  const std::vector<std::pair<std::string, std::string>>& extra = {}) {
    if (json.is_string()) {
      literal(out, "\"");
      text_holes(json.string(), json, out);
      literal(out, "\"");
    } else if (json.is_array()) {
      literal(out, "[");
      bool first = true;
      json.items([&](const Cursor& item) {
        if (!first) literal(out, ",");
        first = false;
        json_holes(item, out);
      });
      literal(out, "]");
    } else if (json.is_object()) {
      std::vector<std::string> names;
      json.members([&](std::string_view key, const Cursor&) { names.emplace_back(key); });
      for (const auto& e : extra) names.push_back(e.first);
      std::sort(names.begin(), names.end());
      literal(out, "{");
      for (std::size_t i = 0; i < names.size(); ++i) {
        std::string key = i == 0 ? "" : ",";
        append_json_string(key, names[i]);
        literal(out, key + ":");
        const auto own = std::find_if(extra.begin(), extra.end(),
                                      [&](const auto& e) { return e.first == names[i]; });
        if (own != extra.end()) {
          literal(out, own->second);
        } else {
          json_holes(json.at(names[i]), out);
        }
      }
      literal(out, "}");
    } else {
      literal(out, canonical(json.element()));
    }
  }

  SlotText compiled(const Cursor& json) {
    SlotText out;
    json_holes(json, out);
    return out;
  }

  InitItem read_init(const Cursor& json) {
    static constexpr std::string_view kKinds[] = {"none",  "complete", "partial", "stale",
                                                  "wrong", "conflict", "blocker", "decoy"};
    json.only({"kind", "table", "row", "config", "value", "file", "text", "variant"});
    InitItem item;
    if (const auto kind = json.find("kind")) {
      item.kind = std::string(kind->string());
      if (std::find(std::begin(kKinds), std::end(kKinds), item.kind) == std::end(kKinds)) {
        throw kind->error("unknown kind " + core::quoted(item.kind));
      }
    }
    if (const auto variant = json.find("variant")) item.variant = std::string(variant->string());
    const auto config = json.find("config"), file = json.find("file");
    if (config || file) {
      item.table = config ? "config" : "files";
      text_holes((config ? *config : *file).string(), config ? *config : *file, item.key);
      item.row = compiled(json.at(config ? "value" : "text"));
      return item;
    }
    item.table = std::string(json.at("table").string());
    const Id table = store_.find_table(item.table);
    if (table == kNone || table <= Store::kFiles) {
      throw json.at("table").error("no table " + core::quoted(item.table));
    }
    const Cursor row = json.at("row");
    const std::string key_name(store_.atoms.text(store_.info(table).key_field));
    check_fields(table, key_name, row);
    text_holes(row.at(key_name).string(), row.at(key_name), item.key);
    std::vector<std::pair<std::string, std::string>> extra;
    if (!item.kind.empty()) extra.emplace_back("_kind", "\"" + item.kind + "\"");
    json_holes(row, item.row, extra);
    return item;
  }

  void check_fields(Id table, const std::string& key_name, const Cursor& row) const {
    row.members([&](std::string_view name, const Cursor& value) {
      if (name == key_name || name.starts_with('_')) return;
      for (const auto& [field, type] : store_.info(table).fields) {
        if (store_.atoms.text(field) == name) return;
      }
      throw value.error("table has no field " + core::quoted(name));
    });
  }

  // "require", "allow", "init" of an object's state; "contract" of branches is split likewise.
  Part read_part(const Cursor& json) {
    json.only({"init", "require", "allow"});
    Part part;
    if (const auto init = json.find("init")) {
      init->items([&](const Cursor& i) { part.init.push_back(read_init(i)); });
    }
    if (const auto require = json.find("require")) {
      require->items([&](const Cursor& c) { part.require.push_back(compiled(c)); });
    }
    if (const auto allow = json.find("allow")) {
      allow->items([&](const Cursor& c) { part.allow.push_back(compiled(c)); });
    }
    return part;
  }

  void read_contract_part(const Cursor& json, Part& part) {
    json.only({"require", "answer", "frame", "alternatives"});
    if (const auto require = json.find("require")) {
      require->items([&](const Cursor& c) { part.require.push_back(compiled(c)); });
    }
    if (const auto answer = json.find("answer")) part.answer = compiled(*answer);
    if (const auto alternatives = json.find("alternatives"))
      part.alternatives = compiled(*alternatives);
    if (const auto frame = json.find("frame")) {
      frame->only({"default", "allow"});
      if (const auto allow = frame->find("allow")) {
        allow->items([&](const Cursor& c) { part.allow.push_back(compiled(c)); });
      }
    }
  }

  void read_objects(const Cursor& json, std::map<std::string, ObjectStates>& objects) {
    json.members([&](std::string_view name, const Cursor& states) {
      ObjectStates& known = objects[std::string(name)];
      states.members([&](std::string_view state, const Cursor& part) {
        known[std::string(state)] = read_part(part);
      });
    });
  }

  // The parts of a branch: each object in the state given, then its own.
  Branch read_branch(const Cursor& json, const Scenario& scenario) {
    json.only({"id", "variant", "objects", "init", "contract"});
    Branch branch;
    branch.id = std::string(json.at("id").string());
    if (const auto variant = json.find("variant")) {
      branch.variant = std::string(variant->string());
      if (std::find(scenario.variants.begin(), scenario.variants.end(), branch.variant) ==
          scenario.variants.end()) {
        throw variant->error("the scenario has no such variant");
      }
    }
    if (const auto objects = json.find("objects")) {
      objects->members([&](std::string_view name, const Cursor& state) {
        branch.parts.push_back(object_part(std::string(name), state));
      });
    }
    Part own;
    if (const auto init = json.find("init")) {
      init->items([&](const Cursor& i) { own.init.push_back(read_init(i)); });
    }
    if (const auto contract = json.find("contract")) read_contract_part(*contract, own);
    branch.parts.push_back(std::move(own));
    return branch;
  }

  const Part& object_part(const std::string& name, const Cursor& state) const {
    const auto object = scenario_objects_.find(name);
    if (object == scenario_objects_.end()) throw state.error("no object " + core::quoted(name));
    const auto part = object->second.find(std::string(state.string()));
    if (part == object->second.end()) {
      throw state.error("object " + core::quoted(name) + " has no state " +
                        core::quoted(state.string()));
    }
    return part->second;
  }

  static void append(Part& to, const Part& from) {
    to.init.insert(to.init.end(), from.init.begin(), from.init.end());
    to.require.insert(to.require.end(), from.require.begin(), from.require.end());
    to.allow.insert(to.allow.end(), from.allow.begin(), from.allow.end());
  }

  void read_branches(const Cursor& json, Scenario& scenario) {
    const auto branches = json.find("branches");
    if (!branches) return;
    branches->items([&](const Cursor& b) {
      Branch branch = read_branch(b, scenario);
      const auto taken = [&](const Branch& other) { return other.id == branch.id; };
      if (std::any_of(scenario.branches.begin(), scenario.branches.end(), taken)) {
        throw b.error("branch " + core::quoted(branch.id) + " stands twice");
      }
      if (branch.id == "clean") {
        scenario.clean = std::move(branch);
      } else if (branch.id == "complete") {
        scenario.complete = std::move(branch);
      } else {
        scenario.branches.push_back(std::move(branch));
      }
    });
    if (const auto twins = json.find("twins")) {
      twins->items([&](const Cursor& pair) { read_twins(pair, scenario); });
    } else {
      for (std::size_t i = 0; i + 1 < scenario.branches.size(); ++i) {
        if (scenario.branches[i].variant == scenario.branches[i + 1].variant) {
          scenario.twins.emplace_back(i, i + 1);
        }
      }
    }
  }

  static void read_twins(const Cursor& pair, Scenario& scenario) {
    if (!pair.is_array() || pair.size() != 2) throw pair.error("expected two branch ids");
    std::vector<std::size_t> found;
    pair.items([&](const Cursor& id) {
      for (std::size_t i = 0; i < scenario.branches.size(); ++i) {
        if (scenario.branches[i].id == id.string()) return found.push_back(i);
      }
      throw id.error("no such branch");
    });
    if (found[0] == found[1]) throw pair.error("a twin is another branch");
    scenario.twins.emplace_back(found[0], found[1]);
  }

  void read_scenario(const Cursor& json) {
    json.only({"slug", "ability", "tags", "count", "variants", "slots", "objects", "init",
               "instruction", "contract", "branches", "twins", "notes", "always"});
    Scenario s;
    s.slug = std::string(json.at("slug").string());
    s.ability = std::string(json.at("ability").string());
    const auto list = [&](std::string_view key, std::vector<std::string>& out) {
      if (const auto values = json.find(key)) {
        values->items([&](const Cursor& v) { out.emplace_back(v.string()); });
      }
    };
    list("tags", s.tags);
    list("variants", s.variants);
    if (const auto count = json.find("count")) {
      if (count->integer() < 0 || count->integer() > 1'000'000) throw count->error("0 to 1000000");
      s.count = static_cast<std::uint64_t>(count->integer());
    }
    scope_ = slots_;
    if (const auto slots = json.find("slots")) {
      slots->members(
          [&](std::string_view name, const Cursor& slot) { read_slot(name, slot, scope_); });
    }
    s.slots = scope_;
    scenario_objects_ = objects_;
    if (const auto objects = json.find("objects")) read_objects(*objects, scenario_objects_);
    if (const auto always = json.find("always")) {
      always->members([&](std::string_view name, const Cursor& state) {
        append(s.common, object_part(std::string(name), state));
      });
    }
    if (const auto init = json.find("init")) {
      init->items([&](const Cursor& i) { s.common.init.push_back(read_init(i)); });
    }
    const Cursor instruction = json.at("instruction");
    const auto add_text = [&](const Cursor& text) {
      if (text.string().empty()) throw text.error("an instruction is not empty");
      text_holes(text.string(), text, s.instruction.emplace_back());
    };
    if (instruction.is_string()) {
      add_text(instruction);
    } else {
      instruction.items(add_text);
    }
    if (s.instruction.empty()) throw instruction.error("no instruction is given");
    if (const auto contract = json.find("contract")) read_contract_part(*contract, s.common);
    read_branches(json, s);
    s.ids = ids_;
    pack_.scenarios.push_back(std::move(s));
  }

  Pack& pack_;
  Store& store_;
  std::vector<Slot> slots_, scope_;
  std::vector<std::string> ids_;
  std::map<std::string, ObjectStates> objects_, scenario_objects_;
};

}  // namespace

Pack read_pack(const Document& document, Store& store) {
  Pack pack;
  PackReader(pack, store).read(document.root());
  return pack;
}

}  // namespace stateutils::bench
