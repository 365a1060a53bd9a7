// A world: typed tables and the verbs that read and change them. No scripting: a verb is guards,
// effects and an output template, so every verb can be analysed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/world/state.hpp"

namespace stateutils::bench {

enum class ParamType { kText, kDatetime, kInteger, kNumber, kBool, kEnum };
enum class Role { kUnset, kGrounded, kFree, kKey };

struct Param {
  std::string flag;
  ParamType type = ParamType::kText;
  Role role = Role::kUnset;
  bool optional = false;
  std::vector<std::string> values;  // of an enum
};

// A text with references: {--flag} {new.id} {now} {$.table} {$.table[key]} {$.table[key].field}
// {$.config.path} {$.files[path]}; "{{" is a brace.
struct Template;
enum class PieceKind { kLiteral, kParam, kNewId, kNow, kTable, kRow, kCell };
struct Piece {
  PieceKind kind = PieceKind::kLiteral;
  Id atom = kNone;                      // literal text; field name of a cell
  std::size_t param = 0;                // kParam
  Id table = kNone;                     // kTable, kRow, kCell
  std::shared_ptr<const Template> key;  // kRow, kCell
};
struct Template {
  std::vector<Piece> pieces;
  std::optional<Id> constant;  // a value that is no text: number, truth value, null, nested JSON
};

enum class Condition { kExists, kNotNull, kEq, kNeq, kGt, kGte, kLt, kLte, kLenGt, kIn, kMatch };
struct Guard {
  Piece path;
  Condition condition = Condition::kExists;
  std::vector<Template> values;  // one, or the list of `in`
  std::string text;              // the path as written, for messages and lint
};

enum class EffectOp { kInsert, kUpdate, kDelete, kInc, kAppendUnique, kWrite, kAppend, kClear };
struct Effect {
  EffectOp op = EffectOp::kInsert;
  Id table = 0;
  std::optional<Template> key;                 // absent: `where`, or a generated id for insert
  std::vector<std::pair<Id, Template>> where;  // field, value
  std::vector<std::pair<Id, Template>> set;    // field, value
  Id field = kNone;                            // inc, append_unique
};

struct Verb {
  std::string name;
  std::vector<Param> params;
  std::vector<Guard> guards;
  std::vector<Effect> effects;
  Template out;
  std::vector<std::pair<Id, Template>> where;  // filters {$.table} in `out`
  [[nodiscard]] bool mutates() const { return !effects.empty(); }
};

struct World {
  std::vector<Verb> verbs;
  std::unordered_map<std::string, std::size_t> verb_index;
  std::string tools_json;         // with roles, as in task records
  std::string public_tools_json;  // as agents see it

  [[nodiscard]] const Verb* find(std::string_view name) const;
  // Fields that only free parameters write: (table, field) pairs left out of comparisons.
  [[nodiscard]] bool is_free(Id table, Id field) const;
  std::vector<std::pair<Id, Id>> free_fields;
};

// Reads the "world" object of a pack or task; table and field names go to the store.
[[nodiscard]] World read_world(const Cursor& json, Store& store);

// A verb with its arguments: one atom per parameter, kNone where an optional one is left out.
struct Call {
  std::size_t verb = 0;
  std::vector<Id> args;
  friend bool operator==(const Call&, const Call&) = default;
};

struct Result {
  int exit = 0;
  Id state = 0;
  std::string out, error;
};

// Runs commands on states. Nothing is kept between calls but the store's pools.
class Machine {
 public:
  // Ids of `initial` are never given to new rows, even after their rows are gone.
  Machine(const World& world, Store& store, Id initial)
      : world_(world), store_(store), initial_(initial) {}

  // Exit 0; guard or key 1; bad arguments 2; unknown command 127. On failure the state is `state`.
  // `now` is the world's clock in minutes.
  void run(Id state, std::string_view line, std::int64_t now, Result& result);
  void run(Id state, const Call& call, std::int64_t now, Result& result);
  // Exit 0 with `call` filled, else 2 or 127 with a message.
  [[nodiscard]] int parse(std::string_view line, Call& call, std::string& error);
  [[nodiscard]] std::string text(const Call& call) const;
  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] Store& store() { return store_; }
  [[nodiscard]] Id initial() const { return initial_; }

 private:
  struct Frame;
  [[nodiscard]] Id evaluate(const Template& t, Frame& frame);
  [[nodiscard]] Id evaluate(const Piece& piece, Frame& frame);
  void render(const Template& t, Frame& frame, const Verb& verb, std::string& out);
  void render_table(const Piece& piece, Frame& frame, const Verb& verb, std::string& out);
  [[nodiscard]] bool holds(const Guard& guard, Frame& frame);
  [[nodiscard]] bool apply(const Effect& effect, Frame& frame, std::string& error);
  [[nodiscard]] bool insert(const Effect& effect, Frame& frame, std::string& error);
  [[nodiscard]] bool change_row(const Effect& effect, Frame& frame, Id row, std::string& error);
  [[nodiscard]] bool row_matches(const std::vector<std::pair<Id, Template>>& where, Id table,
                                 Id row, Frame& frame);
  [[nodiscard]] bool fits(const Param& param, std::string_view value, Id& atom);
  [[nodiscard]] Id new_id(Id state, Id table);

  const World& world_;
  Store& store_;
  Id initial_;
  std::vector<std::string> words_;
  std::vector<Id> wanted_;
  Call call_;
};

// Whether a guard's condition holds between the value found (kNone: there is none) and the values
// it names; `exists` and `not_null` name none.
[[nodiscard]] bool condition_holds(const AtomPool& atoms, Condition condition, Id found,
                                   std::span<const Id> wanted);

// Three-way comparison as guards see it: numbers by value, date-times by time, else bytes.
[[nodiscard]] int compare_values(const AtomPool& atoms, Id a, Id b);

}  // namespace stateutils::bench
