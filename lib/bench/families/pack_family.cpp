#include "bench/families/pack_family.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "bench/families/stream.hpp"
#include "bench/world/text.hpp"

namespace stateutils::bench {
// An object that lies in a task's first state.
struct Preset {
  std::string_view table, kind;
  std::string key, json;
  [[nodiscard]] bool is_cell() const { return table == "config" || table == "files"; }
};

namespace {

void append_filled(std::string& out, const SlotText& text, const std::vector<std::string>& values) {
  for (const SlotText::Piece& piece : text.pieces) {
    out += piece.hole >= 0 ? values[static_cast<std::size_t>(piece.hole)] : piece.literal;
  }
}

std::string filled(const SlotText& text, const std::vector<std::string>& values) {
  std::string out;
  append_filled(out, text, values);
  return out;
}

// The inside of a JSON string.
std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  out.pop_back();
  out.erase(0, 1);
  return out;
}

// A comma, unless something was just opened.
void separate(std::string& out) {
  if (out.back() != '[' && out.back() != '{') out.push_back(',');
}

std::string four_hex(core::Rng& rng) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  const std::uint64_t bits = rng.below(65536);
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[(bits >> shift) & 15]);
  return out;
}

// What a slot was drawn as: which choice, or which minute.
struct Drawn {
  std::size_t choice = 0;
  std::int64_t minutes = 0;
};

// The zone that a field "local.ZONE" or "local.SLOT.FIELD" names.
std::string zone_of(std::string_view field, const std::vector<Slot>& slots,
                    const std::vector<Drawn>& drawn) {
  field.remove_prefix(kLocal.size());
  const std::size_t dot = field.find('.');
  if (dot == std::string_view::npos) return std::string(field);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].name != field.substr(0, dot)) continue;
    return slots[i].from[drawn[i].choice].at(std::string(field.substr(dot + 1)));
  }
  throw std::logic_error("a zone of no slot");
}

// JSON-escaped; empty where the choice drawn has no such field.
std::string field_value(const Slot& slot, const Drawn& drawn, const std::string& field) {
  if (!slot.dates) {
    const auto& choice = slot.from[drawn.choice];
    const auto found = choice.find(field);
    return found == choice.end() ? std::string() : escaped(found->second);
  }
  if (field == "text") return format_datetime_text(drawn.minutes);
  const std::string iso = format_datetime(drawn.minutes);
  return field == "date" ? iso.substr(0, 10) : iso;
}

bool in_order(const Preset& a, const Preset& b) {
  return a.table != b.table ? a.table < b.table : a.key < b.key;
}

// {"TABLE":[row...], "config":{"path":value}}, or the keys alone: {"TABLE":["key"...]}.
void append_by_table(std::string& out, const std::vector<const Preset*>& objects, bool keys_only) {
  out.push_back('{');
  for (std::size_t i = 0; i < objects.size();) {
    const std::string_view table = objects[i]->table;
    const bool cells = objects[i]->is_cell() && !keys_only;
    separate(out);
    append_json_string(out, table);
    out += cells ? ":{" : ":[";
    for (; i < objects.size() && objects[i]->table == table; ++i) {
      separate(out);
      if (cells || keys_only) out.append(1, '"').append(objects[i]->key).append(1, '"');
      if (cells) out.push_back(':');
      if (!keys_only) out += objects[i]->json;
    }
    out.push_back(cells ? '}' : ']');
  }
  out.push_back('}');
}

}  // namespace

PackFamily::PackFamily(const Pack& pack, PackOptions options)
    : pack_(pack), options_(std::move(options)) {
  // Each scenario's pairs are spread evenly: place k of n stands at (2k+1)/2n of the schedule.
  struct Spread {
    std::uint64_t numerator, denominator;
    Place place;
  };
  std::vector<Spread> spread;
  for (std::size_t s = 0; s < pack.scenarios.size(); ++s) {
    const Scenario& scenario = pack.scenarios[s];
    if (options_.scenario && scenario.slug != *options_.scenario) continue;
    if (options_.variant && std::find(scenario.variants.begin(), scenario.variants.end(),
                                      *options_.variant) == scenario.variants.end()) {
      continue;
    }
    const std::uint64_t pairs = (scenario.count + 1) / 2;
    for (std::uint64_t k = 0; k < pairs; ++k) spread.push_back({2 * k + 1, pairs, {s, k}});
  }
  std::stable_sort(spread.begin(), spread.end(), [](const Spread& a, const Spread& b) {
    return a.numerator * b.denominator < b.numerator * a.denominator;
  });
  for (const Spread& s : spread) schedule_.push_back(s.place);
  for (const Scenario& s : pack.scenarios) sources_.push_back(find_sources(pack, s));
}

std::vector<PackFamily::Source> PackFamily::find_sources(const Pack& pack, const Scenario& s) {
  std::vector<Source> out;
  for (std::size_t h = 0; h < pack.holes.size(); ++h) {
    const Hole& hole = pack.holes[h];
    const bool id = hole.slot == "id";
    const std::size_t n = id ? s.ids.size() : s.slots.size();
    for (std::size_t i = 0; i < n; ++i) {
      if (id ? s.ids[i] == hole.field : s.slots[i].name == hole.slot) out.push_back({h, i, id});
    }
  }
  return out;
}

PackFamily::Values PackFamily::draw_values(const Scenario& s, std::uint64_t pair,
                                           std::uint64_t round, std::size_t* instruction) const {
  core::Rng rng = task_stream(pack_.sha256, options_.family, options_.seed, 2 * pair, round);
  *instruction = rng.below(s.instruction.size());
  std::vector<Drawn> drawn(s.slots.size());
  for (std::size_t i = 0; i < s.slots.size(); ++i) {
    const Slot& slot = s.slots[i];
    const auto same = [&](std::size_t other) {
      const bool related = slot.like >= 0 && (static_cast<int>(other) == slot.like ||
                                              s.slots[other].like == slot.like);
      return related && drawn[other].choice == drawn[i].choice &&
             drawn[other].minutes == drawn[i].minutes;
    };
    // A list that is too short to differ keeps its last draw; lint says so.
    for (int attempt = 0; attempt < 1000; ++attempt) {
      if (slot.dates) {
        const auto days =
            static_cast<std::uint64_t>((slot.dates->second - slot.dates->first) / 1440);
        drawn[i].minutes = slot.dates->first +
                           1440 * static_cast<std::int64_t>(rng.below(days + 1)) +
                           slot.times[rng.below(slot.times.size())];
      } else {
        drawn[i].choice = rng.below(slot.from.size());
      }
      bool clash = false;
      for (std::size_t other = 0; other < i; ++other) clash = clash || same(other);
      if (!clash) break;
    }
  }
  std::vector<std::string> ids;
  while (ids.size() < s.ids.size()) {
    std::string id = four_hex(rng);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
  }
  Values values(pack_.holes.size());
  for (const Source& source : sources_[static_cast<std::size_t>(&s - pack_.scenarios.data())]) {
    const std::string& field = pack_.holes[source.hole].field;
    const Slot* slot = source.id ? nullptr : &s.slots[source.index];
    std::string& value = values[source.hole];
    if (slot == nullptr) {
      value = ids[source.index];
    } else if (slot->dates && field.starts_with(kLocal)) {
      value = pack_.zones.local(zone_of(field, s.slots, drawn), drawn[source.index].minutes);
    } else {
      value = field_value(*slot, drawn[source.index], field);
    }
  }
  return values;
}

// The preset objects of one branch in order of table and key; a later item replaces an earlier
// one.
struct PackFamily::Overlay {
  std::vector<Preset> objects;
};

PackFamily::Overlay PackFamily::overlay(const Scenario& s, const Branch* branch,
                                        const Values& v) const {
  std::vector<Preset> out;
  const auto put = [&](const InitItem& item) {
    if (!item.variant.empty() && branch != nullptr && item.variant != branch->variant) return;
    Preset object{item.table, item.kind, filled(item.key, v), filled(item.row, v)};
    for (Preset& earlier : out) {
      if (earlier.table != object.table || earlier.key != object.key) continue;
      return static_cast<void>(earlier = std::move(object));
    }
    out.push_back(std::move(object));
  };
  const auto count = pack_.noise_counts.find(options_.difficulty);
  const std::size_t noise = count == pack_.noise_counts.end() ? 0 : count->second;
  for (std::size_t i = 0; i < std::min(noise, pack_.noise.size()); ++i) put(pack_.noise[i]);
  for (const InitItem& item : s.common.init) put(item);
  if (branch != nullptr) {
    for (const Part& part : branch->parts) {
      for (const InitItem& item : part.init) put(item);
    }
  }
  std::sort(out.begin(), out.end(), in_order);
  return {std::move(out)};
}

std::string PackFamily::init_json(const Overlay& here) const {
  std::vector<const Preset*> objects;
  std::map<std::string_view, std::string_view> kinds;  // rows carry theirs
  for (const Preset& object : here.objects) {
    objects.push_back(&object);
    if (object.is_cell() && !object.kind.empty()) kinds[object.key] = object.kind;
  }
  std::string out = "{";
  for (const auto& [path, kind] : kinds) {
    out += out.size() == 1 ? "\"_kinds\":{\"" : ",\"";
    out.append(path).append("\":\"").append(kind).append(1, '"');
  }
  if (!kinds.empty()) out += "},";
  out += "\"base\":" + pack_.base_json + ",\"clock\":" + pack_.clock_json + ",\"overlay\":";
  append_by_table(out, objects, false);
  out.push_back('}');
  return out;
}

std::string PackFamily::contract_json(const Scenario& s, const Branch* branch, const Values& v) {
  std::string require = "[", allow = "[", answer, alternatives;
  const auto take = [&](const Part& part) {
    for (const SlotText& c : part.require) separate(require), append_filled(require, c, v);
    for (const SlotText& a : part.allow) separate(allow), append_filled(allow, a, v);
    if (part.answer) answer = filled(*part.answer, v);
    if (part.alternatives) alternatives = filled(*part.alternatives, v);
  };
  take(s.common);
  if (branch != nullptr) {
    for (const Part& part : branch->parts) take(part);
  }
  if (!alternatives.empty()) return "{\"alternatives\":" + alternatives + "}";
  return "{" + (answer.empty() ? "" : "\"answer\":" + answer + ",") +
         "\"frame\":{\"allow\":" + allow + "],\"default\":\"deny\"},\"require\":" + require + "]}";
}

// What there is to see that tells a task from its twin.
std::string PackFamily::evidence_json(const Overlay& here, const Overlay& there) {
  std::vector<const Preset*> set, gone;
  auto mine = here.objects.begin();
  for (const Preset& object : there.objects) {
    while (mine != here.objects.end() && in_order(*mine, object)) gone.push_back(&*mine++);
    const bool both = mine != here.objects.end() && !in_order(object, *mine);
    if (!both || mine->json != object.json) set.push_back(&object);
    if (both) ++mine;
  }
  while (mine != here.objects.end()) gone.push_back(&*mine++);
  std::string out = "{\"del\":";
  append_by_table(out, gone, true);
  out += ",\"set\":";
  append_by_table(out, set, false);
  return out + "}";
}

TaskRecord PackFamily::record(const Scenario& s, const Branch* branch, const Overlay& here,
                              const Overlay* there, const Values& v, std::size_t instruction,
                              std::uint64_t index) const {
  TaskRecord task;
  task.set("gb", "1");
  task.set_text("family", options_.family);
  task.set_text("scenario", s.slug);
  task.set_text("variant", branch == nullptr ? "" : branch->variant);
  task.set_text("ability", s.ability);
  std::string list = "[";
  for (const std::string& tag : s.tags) separate(list), append_json_string(list, tag);
  task.set("tags", list + "]");
  task.set("seed", std::to_string(options_.seed));
  task.set("index", std::to_string(index));
  task.set_text("pack_sha256", pack_.sha256);
  if (!pack_.shipped) task.set("world", pack_.world_json);
  task.set("instruction", "\"" + filled(s.instruction[instruction], v) + "\"");
  list = "[";
  for (std::size_t i = 0; i < s.instruction.size(); ++i) {
    if (i == instruction) continue;
    separate(list);
    list.push_back('"');
    append_filled(list, s.instruction[i], v);
    list.push_back('"');
  }
  task.set("instruction_variants", list + "]");
  task.set_text("surface", "sim");
  task.set("init", init_json(here));
  task.set("tools", pack_.world.tools_json);
  task.set(
      "limits",
      R"({"episode_timeout_ms":300000,"output_bytes":65536,"step_timeout_ms":10000,"steps":20})");
  task.set("contract", contract_json(s, branch, v));
  if (there != nullptr) task.set("evidence", evidence_json(here, *there));
  task.set_text("canary", pack_.canary);
  task.seal();
  return task;
}

Draw PackFamily::draw(std::uint64_t pair, std::uint64_t round, bool shortcuts) const {
  Draw out;
  if (schedule_.empty()) return out;
  const Place& place = schedule_[pair % schedule_.size()];
  const Scenario& s = pack_.scenarios[place.scenario];
  std::size_t instruction = 0;
  const Values v = draw_values(s, pair, round, &instruction);
  const auto alone = [&](const Branch* branch, const Values& values, std::uint64_t index) {
    return record(s, branch, overlay(s, branch, values), nullptr, values, instruction, index);
  };
  if (options_.branch) {
    const Branch* chosen = nullptr;
    for (const Branch& b : s.branches) {
      if (b.id == *options_.branch) chosen = &b;
    }
    if (*options_.branch == "clean" && s.clean) chosen = &*s.clean;
    if (*options_.branch == "complete" && s.complete) chosen = &*s.complete;
    if (chosen != nullptr) out.tasks.push_back(alone(chosen, v, 2 * pair));
    return out;
  }
  if (s.clean && shortcuts) out.clean = alone(&*s.clean, v, 2 * pair);
  if (s.complete && shortcuts) out.complete = alone(&*s.complete, v, 2 * pair);
  std::vector<std::pair<std::size_t, std::size_t>> twins;
  for (const auto& t : s.twins) {
    if (!options_.variant || s.branches[t.first].variant == *options_.variant) twins.push_back(t);
  }
  if (!twins.empty()) {
    // Turns walk through all twin pairs of the scenario, so that every branch is met.
    const std::uint64_t turn = place.turn + pair / schedule_.size() * ((s.count + 1) / 2) + round;
    const auto [first, second] = twins[turn % twins.size()];
    const Branch *a = &s.branches[first], *b = &s.branches[second];
    const Overlay of_a = overlay(s, a, v), of_b = overlay(s, b, v);
    out.twins = true;
    out.tasks.push_back(record(s, a, of_a, &of_b, v, instruction, 2 * pair));
    out.tasks.push_back(record(s, b, of_b, &of_a, v, instruction, 2 * pair + 1));
    out.tasks[0].set("twin_of", *out.tasks[1].find("task_id"));
    out.tasks[1].set("twin_of", *out.tasks[0].find("task_id"));
  } else {
    const Branch* only = s.branches.empty() ? nullptr : &s.branches[place.turn % s.branches.size()];
    out.tasks.push_back(alone(only, v, 2 * pair));
    if (s.count == 1) return out;  // a scenario that is one task
    const Values next = draw_values(s, pair, round + (1ull << 32), &instruction);
    out.tasks.push_back(alone(only, next, 2 * pair + 1));
  }
  return out;
}

}  // namespace stateutils::bench
