#include "bench/families/pack_family.hpp"

#include <algorithm>
#include <map>

#include "bench/families/stream.hpp"
#include "bench/world/text.hpp"

namespace stateutils::bench {
namespace {

std::string fill(const SlotText& text, const std::vector<std::string>& values) {
  const auto part = [&](const SlotText::Piece& piece) -> const std::string& {
    return piece.hole >= 0 ? values[static_cast<std::size_t>(piece.hole)] : piece.literal;
  };
  std::size_t size = 0;
  for (const SlotText::Piece& piece : text.pieces) size += part(piece).size();
  std::string out;
  out.reserve(size);
  for (const SlotText::Piece& piece : text.pieces) out += part(piece);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out.substr(1, out.size() - 2);
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

std::string field_value(const Slot& slot, const Drawn& drawn, const std::string& field) {
  if (!slot.dates) return slot.from[drawn.choice].at(field);
  const std::string iso = format_datetime(drawn.minutes);
  if (field == "iso") return iso;
  if (field == "date") return iso.substr(0, 10);
  return format_datetime_text(drawn.minutes);
}

void join(std::string& out, const std::string& json) {
  if (out.back() != '[' && out.back() != '{') out.push_back(',');
  out += json;
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
  std::map<std::string, std::string> ids;
  for (const std::string& name : s.ids) {
    std::string id;
    do {
      id = four_hex(rng);
    } while (
        std::any_of(ids.begin(), ids.end(), [&](const auto& known) { return known.second == id; }));
    ids[name] = id;
  }
  Values values(pack_.holes.size());
  for (std::size_t h = 0; h < pack_.holes.size(); ++h) {
    const Hole& hole = pack_.holes[h];
    if (hole.slot == "id") {
      const auto id = ids.find(hole.field);
      if (id != ids.end()) values[h] = id->second;
      continue;
    }
    for (std::size_t i = 0; i < s.slots.size(); ++i) {
      const Slot& slot = s.slots[i];
      if (slot.name != hole.slot) continue;
      const bool known = slot.dates || slot.from[drawn[i].choice].contains(hole.field);
      if (known) values[h] = escaped(field_value(slot, drawn[i], hole.field));
    }
  }
  return values;
}

// The preset objects of one branch, by table and key; a later item replaces an earlier one.
struct PackFamily::Overlay {
  std::map<std::string, std::map<std::string, std::string>> tables;  // table -> key -> JSON
  std::map<std::string, std::string> kinds;                          // config and file paths
};

PackFamily::Overlay PackFamily::overlay(const Scenario& s, const Branch* branch,
                                        const Values& v) const {
  Overlay out;
  const auto put = [&](const InitItem& item) {
    if (!item.variant.empty() && branch != nullptr && item.variant != branch->variant) return;
    const std::string key = fill(item.key, v);
    out.tables[item.table][key] = fill(item.row, v);
    const bool cell = item.table == "config" || item.table == "files";
    if (cell && !item.kind.empty()) out.kinds[key] = item.kind;
  };
  const auto count = pack_.noise_counts.find(options_.difficulty);
  for (std::size_t i = 0; i < pack_.noise.size(); ++i) {
    if (count != pack_.noise_counts.end() && i < count->second) put(pack_.noise[i]);
  }
  for (const InitItem& item : s.common.init) put(item);
  if (branch != nullptr) {
    for (const Part& part : branch->parts) {
      for (const InitItem& item : part.init) put(item);
    }
  }
  return out;
}

TaskRecord PackFamily::record(const Scenario& s, const Branch* branch, const Branch* twin,
                              const Values& v, std::size_t instruction, std::uint64_t index) const {
  TaskRecord task;
  task.set("gb", "1");
  task.set_text("family", options_.family);
  task.set_text("scenario", s.slug);
  task.set_text("variant", branch == nullptr ? "" : branch->variant);
  task.set_text("ability", s.ability);
  std::string list = "[";
  for (const std::string& tag : s.tags) join(list, "\"" + escaped(tag) + "\"");
  task.set("tags", list + "]");
  task.set("seed", std::to_string(options_.seed));
  task.set("index", std::to_string(index));
  task.set_text("pack_sha256", pack_.sha256);
  if (!pack_.shipped) task.set("world", pack_.world_json);
  task.set("instruction", "\"" + fill(s.instruction[instruction], v) + "\"");
  list = "[";
  for (std::size_t i = 0; i < s.instruction.size(); ++i) {
    if (i != instruction) join(list, "\"" + fill(s.instruction[i], v) + "\"");
  }
  task.set("instruction_variants", list + "]");
  task.set_text("surface", "sim");

  const auto write_tables = [](const std::map<std::string, std::map<std::string, std::string>>& t) {
    std::string out = "{";
    for (const auto& [table, rows] : t) {
      if (rows.empty()) continue;
      const bool cells = table == "config" || table == "files";
      std::string body = cells ? "{" : "[";
      for (const auto& [key, json] : rows) join(body, cells ? "\"" + key + "\":" + json : json);
      join(out, "\"" + escaped(table) + "\":" + body + (cells ? "}" : "]"));
    }
    return out + "}";
  };
  const Overlay here = overlay(s, branch, v);
  std::string init = "{";
  if (!here.kinds.empty()) {
    std::string kinds = "{";
    for (const auto& [path, kind] : here.kinds) join(kinds, "\"" + path + "\":\"" + kind + "\"");
    join(init, "\"_kinds\":" + kinds + "}");
  }
  join(init, "\"base\":" + pack_.base_json);
  join(init, "\"clock\":" + pack_.clock_json);
  join(init, "\"overlay\":" + write_tables(here.tables));
  task.set("init", init + "}");
  task.set("tools", pack_.world.tools_json);
  task.set(
      "limits",
      R"({"episode_timeout_ms":300000,"output_bytes":65536,"step_timeout_ms":10000,"steps":20})");

  std::string require = "[", allow = "[";
  std::string answer, alternatives;
  const auto take = [&](const Part& part) {
    for (const SlotText& c : part.require) join(require, fill(c, v));
    for (const SlotText& a : part.allow) join(allow, fill(a, v));
    if (part.answer) answer = fill(*part.answer, v);
    if (part.alternatives) alternatives = fill(*part.alternatives, v);
  };
  take(s.common);
  if (branch != nullptr) {
    for (const Part& part : branch->parts) take(part);
  }
  std::string contract = "{";
  if (!alternatives.empty()) {
    join(contract, "\"alternatives\":" + alternatives);
  } else {
    if (!answer.empty()) join(contract, "\"answer\":" + answer);
    join(contract, "\"frame\":{\"allow\":" + allow + "],\"default\":\"deny\"}");
    join(contract, "\"require\":" + require + "]");
  }
  task.set("contract", contract + "}");

  if (twin != nullptr) {
    const Overlay there = overlay(s, twin, v);
    std::map<std::string, std::map<std::string, std::string>> set;
    std::string gone = "{";
    for (const auto& [table, rows] : there.tables) {
      for (const auto& [key, json] : rows) {
        const auto mine = here.tables.find(table);
        if (mine == here.tables.end() || !mine->second.contains(key) ||
            mine->second.at(key) != json) {
          set[table][key] = json;
        }
      }
    }
    for (const auto& [table, rows] : here.tables) {
      std::string keys = "[";
      for (const auto& [key, json] : rows) {
        const auto other = there.tables.find(table);
        if (other == there.tables.end() || !other->second.contains(key))
          join(keys, "\"" + key + "\"");
      }
      if (keys.size() > 1) join(gone, "\"" + escaped(table) + "\":" + keys + "]");
    }
    task.set("evidence", "{\"del\":" + gone + "},\"set\":" + write_tables(set) + "}");
  }
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
  if (options_.branch) {
    const Branch* chosen = nullptr;
    for (const Branch& b : s.branches) {
      if (b.id == *options_.branch) chosen = &b;
    }
    if (*options_.branch == "clean" && s.clean) chosen = &*s.clean;
    if (*options_.branch == "complete" && s.complete) chosen = &*s.complete;
    if (chosen != nullptr)
      out.tasks.push_back(record(s, chosen, nullptr, v, instruction, 2 * pair));
    return out;
  }
  if (s.clean && shortcuts) out.clean = record(s, &*s.clean, nullptr, v, instruction, 2 * pair);
  if (s.complete && shortcuts)
    out.complete = record(s, &*s.complete, nullptr, v, instruction, 2 * pair);
  std::vector<std::pair<std::size_t, std::size_t>> twins;
  for (const auto& t : s.twins) {
    if (!options_.variant || s.branches[t.first].variant == *options_.variant) twins.push_back(t);
  }
  if (!twins.empty()) {
    // Turns walk through all twin pairs of the scenario, so that every branch is met.
    const std::uint64_t turn = place.turn + pair / schedule_.size() * ((s.count + 1) / 2) + round;
    const auto [a, b] = twins[turn % twins.size()];
    out.twins = true;
    out.tasks.push_back(record(s, &s.branches[a], &s.branches[b], v, instruction, 2 * pair));
    out.tasks.push_back(record(s, &s.branches[b], &s.branches[a], v, instruction, 2 * pair + 1));
    for (int i = 0; i < 2; ++i) {
      const std::string* other = out.tasks[static_cast<std::size_t>(1 - i)].find("task_id");
      out.tasks[static_cast<std::size_t>(i)].set("twin_of", *other);
    }
  } else {
    const Branch* only = s.branches.empty() ? nullptr : &s.branches[place.turn % s.branches.size()];
    out.tasks.push_back(record(s, only, nullptr, v, instruction, 2 * pair));
    if (s.count == 1) return out;  // a scenario that is one task
    const Values next = draw_values(s, pair, round + (1ull << 32), &instruction);
    out.tasks.push_back(record(s, only, nullptr, next, instruction, 2 * pair + 1));
  }
  return out;
}

}  // namespace stateutils::bench
