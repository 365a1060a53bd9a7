// Packs: a world, slots to draw values from, and scenarios whose branches differ in hidden state.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/world/json.hpp"
#include "bench/world/world.hpp"
#include "bench/world/zones.hpp"

namespace stateutils::bench {

// Text with holes for slot values, both JSON-escaped.
struct SlotText {
  struct Piece {
    std::string literal;
    int hole = -1;  // index into Pack::holes
  };
  std::vector<Piece> pieces;
};

// One slot value that some text of the pack asks for: {city.name}, {when.iso}, {id.task}.
struct Hole {
  std::string slot, field;
};
inline constexpr std::string_view kLocal = "local.";  // {when.local.ZONE}, {when.local.SLOT.FIELD}

struct Slot {
  std::string name;
  std::vector<std::map<std::string, std::string>> from;  // one of these; "" is a bare text's name
  std::optional<std::pair<std::int64_t, std::int64_t>> dates;  // minutes at midnight, inclusive
  std::vector<std::int64_t> times;                             // minutes of day
  int like = -1;  // drawn as that slot is, and different from it and its other likes
};

struct InitItem {
  std::string kind, table, variant;
  SlotText key, row;  // row: canonical JSON with its key and _kind; config and files: the value
};

// A piece of contract: clauses, frame rules and perhaps an answer, as canonical JSON.
struct Part {
  std::vector<InitItem> init;
  std::vector<SlotText> require, allow;
  std::optional<SlotText> answer, alternatives;
};

struct Branch {
  std::string id, variant;
  std::vector<Part> parts;  // of the objects in their states, then the branch's own
};

struct Scenario {
  std::string slug, ability;
  std::vector<std::string> tags, variants;
  std::uint64_t count = 2;
  std::vector<SlotText> instruction;
  std::vector<Slot> slots;       // the pack's, then the scenario's own
  std::vector<std::string> ids;  // names asked for as {id.NAME}
  Part common;
  std::vector<Branch> branches;  // drawn from
  std::optional<Branch> clean, complete;
  std::vector<std::pair<std::size_t, std::size_t>> twins;
};

struct Pack {
  std::string name, version, sha256, canary;
  bool shipped = false;
  std::string world_json, base_json, clock_json;
  World world;
  Zones zones;
  std::vector<Hole> holes;
  std::vector<Scenario> scenarios;
  std::map<std::string, std::size_t> noise_counts;
  std::vector<InitItem> noise;
};

// Reads and checks a pack; unknown keys and dangling names are kInput with pointer and line.
[[nodiscard]] Pack read_pack(const Document& document, Store& store);

}  // namespace stateutils::bench
