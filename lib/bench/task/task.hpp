// A task ready to run: its world, initial state, contract and plans, bound to one store.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/judge/contract.hpp"
#include "bench/task/known_texts.hpp"
#include "bench/world/world.hpp"

namespace stateutils::bench {

struct Limits {
  int steps = 20;
  std::int64_t step_timeout_ms = 10000, episode_timeout_ms = 300000, output_bytes = 65536;
};

using Plan = std::vector<std::string>;  // command lines; "done JSON" sends the answer

struct Task {
  std::string id, family, scenario, variant, ability, instruction, twin_of, pack_sha256;
  std::vector<std::string> tags;
  std::uint64_t seed = 0, index = 0;
  Limits limits;
  const World* world = nullptr;
  Id base = 0, initial = 0;
  std::optional<Id> twin;  // the twin's initial state, from `evidence`
  Contract contract;
  std::vector<Plan> reference;
  std::optional<int> optimal_steps;
  std::optional<Plan> blind, stale;  // shortcuts
  std::vector<Change> preset;        // rows with a kind: (table, key), kind in `preset_kinds`
  std::vector<std::string> preset_kinds;
};

class TaskMembers;

// Holds the worlds of packs and one store per world; a task's own content is forgotten when the
// next one of the same world is read.
class Library {
 public:
  Library();
  ~Library();
  // Worlds of shipped packs are built in; another pack must be added, or the task must carry
  // "world". An unknown pack_sha256 without world is kInput. Task and store are valid until the
  // next call.
  [[nodiscard]] Task& read(const Cursor& json);
  // The same of a stream whose reader asks shortener() about every line: what one line says as
  // those before is neither parsed nor read again.
  [[nodiscard]] Task& read_line(const Cursor& json, std::string_view line);
  [[nodiscard]] core::LineShortener& shortener() { return known_; }
  // The twin of the task read last, in the same store.
  void read_beside(const Cursor& json, Task& task);
  // A hand-written task may come without any world: then only judging works.
  [[nodiscard]] Store& store() { return *current_store_; }
  void add_pack(const std::string& sha256, const Cursor& world);
  // A base state, as text, that records name by its SHA-256 in place of "init.base"; those of
  // shipped packs are known.
  void add_base(std::string json);

 private:
  struct Room;
  // Forgets what earlier tasks brought once that is more than `kept` things.
  Task& read_members(const TaskMembers& members, std::size_t kept);
  Room& room_for(const TaskMembers& members);
  Room& room_of_world(std::string_view pack, const Cursor& world);
  [[nodiscard]] const std::string& named_base(const Cursor& base, std::string_view pack);
  // The state of init.base where it is named, or known already.
  [[nodiscard]] std::optional<Id> base_of(const TaskMembers& members, Room& room);
  static void keep_base(const Cursor& base, Room& room);
  std::map<std::string, std::unique_ptr<Room>> rooms_;
  std::map<std::string, std::string> bases_;  // by SHA-256
  KnownTexts known_;
  struct {
    Room* room = nullptr;
    std::string pack;
    std::uint64_t generation = 0;
  } known_world_;  // the room of the world that a mark stands for
  Store* current_store_ = nullptr;
  Task task_;
};

// Reads the members of a task against a world that is already known.
void read_task(const Cursor& json, Store& store, const World* world, Task& task);

// Plans as JSON and back.
[[nodiscard]] Plan read_plan(const Cursor& json);
void append_plan(std::string& out, const Plan& plan);

}  // namespace stateutils::bench
