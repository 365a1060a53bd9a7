// States of a world: tables of rows, all interned. A state is one id; forking it is copying the id.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/world/intern.hpp"
#include "bench/world/json.hpp"

namespace stateutils::bench {

enum class FieldType { kAny, kText, kDatetime, kInteger, kNumber, kBool, kBytes };

struct TableInfo {
  std::string name;
  Id name_atom = kNone;
  Id key_field = kNone;  // "id" unless the world says otherwise; "path" of config and files
  bool journal = false;  // append-only
  std::vector<std::pair<Id, FieldType>> fields;
  std::vector<Id> clock;  // fields written by the world clock
};

using Fields = std::vector<std::pair<Id, Id>>;  // name atom, value atom

// One difference between two states: a row inserted, deleted, or updated in some fields.
enum class ChangeKind : std::uint8_t { kInsert, kUpdate, kDelete };
[[nodiscard]] constexpr std::string_view op_name(ChangeKind kind) {
  return kind == ChangeKind::kInsert ? "insert" : kind == ChangeKind::kUpdate ? "update" : "delete";
}
struct Change {
  Id table = 0;
  ChangeKind kind = ChangeKind::kInsert;
  Id key = kNone, old_row = kNone, new_row = kNone;
};

class Store {
 public:
  Store();

  AtomPool atoms;

  // Tables by name; a name not seen before is added (hand-written tasks need no world).
  [[nodiscard]] Id table(std::string_view name);
  [[nodiscard]] Id find_table(std::string_view name) const;
  [[nodiscard]] TableInfo& info(Id table) { return infos_[table]; }
  [[nodiscard]] const TableInfo& info(Id table) const { return infos_[table]; }
  [[nodiscard]] std::size_t table_count() const { return infos_.size(); }
  static constexpr Id kConfig = 0, kFiles = 1;  // always present
  [[nodiscard]] Id value_field(Id table) const { return table == kConfig ? value_ : text_; }
  [[nodiscard]] Id field_named(Id table, std::string_view name);  // its atom

  // Rows: a key and named values; fields are kept in byte order of their names.
  [[nodiscard]] Id row(Id key, Fields fields) { return sorted_row(key, fields); }
  [[nodiscard]] Id key_of(Id row) const { return rows_[row][0]; }
  [[nodiscard]] Id value_of(Id row, Id name) const;  // kNone when absent
  [[nodiscard]] Fields fields_of(Id row) const;
  [[nodiscard]] std::size_t width(Id row) const { return rows_[row].size() / 2; }
  [[nodiscard]] std::span<const Id> raw_row(Id row) const { return rows_[row]; }

  // Tables of a state, rows in key order.
  [[nodiscard]] Id empty_state() const { return empty_; }
  [[nodiscard]] std::span<const Id> rows_of(Id state, Id table) const;
  [[nodiscard]] Id table_id(Id state, Id table) const;  // equal ids: equal contents
  [[nodiscard]] Id find_row(Id state, Id table, Id key) const;
  // The state with `row` put in place of (or beside) the row of equal key.
  [[nodiscard]] Id with_row(Id state, Id table, Id row);
  [[nodiscard]] Id without_row(Id state, Id table, Id key);
  [[nodiscard]] Id with_rows(Id state, Id table, std::vector<Id> rows);  // replaces; sorts

  // Equality of values as the judge sees it: by the field's type, or guessed where none is known.
  [[nodiscard]] Id normal(Id table, Id field, Id value) const;

  // Differences in order of table and key.
  void compare(Id before, Id after, std::vector<Change>& changes) const;

  // {TABLE: [row...], "config": {path: value}, "files": {path: text}} laid over `base`; names
  // starting with "_" are ignored, repeated keys are kInput.
  [[nodiscard]] Id read_state(const Cursor& json, Id base);
  // The same, telling of every row with a member "_kind": visit(table, key, cursor of the kind).
  // Keys that stand twice anywhere are kInput.
  using KindVisitor = std::function<void(Id, Id, const Cursor&)>;
  [[nodiscard]] Id read_preset(const Cursor& json, Id base, const KindVisitor& visit);
  void write_row(Id table, Id row, std::string& out) const;
  void write_rows(Id table, std::span<const Id> rows, std::string& out) const;
  [[nodiscard]] std::string write_state(Id state) const;  // canonical

  struct Mark {
    AtomPool::Mark atoms;
    SequencePool::Mark rows, tables, states;
    std::size_t infos = 0;
    [[nodiscard]] std::size_t size() const {
      return atoms.count + rows.count + tables.count + states.count;
    }
  };
  [[nodiscard]] Mark mark() const;
  void rollback(const Mark& m);
  [[nodiscard]] std::size_t size() const { return mark().size(); }  // things that are interned
  // Counts the rollbacks: an id keeps its meaning as long as this stays the same.
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }

 private:
  [[nodiscard]] bool key_less(Id a, Id b) const;
  [[nodiscard]] Id with_table(Id state, Id table, Id content);
  [[nodiscard]] Id sorted_row(Id key, Fields& fields);
  [[nodiscard]] Id read_row(Id table, const Cursor& json, const KindVisitor* visit);
  [[nodiscard]] Id read_tables(const Cursor& json, Id base, const KindVisitor* visit);

  SequencePool rows_, tables_, states_;
  std::vector<TableInfo> infos_;
  std::uint64_t epoch_ = 0;
  Id value_ = kNone, text_ = kNone, path_ = kNone, id_ = kNone, empty_table_ = 0, empty_ = 0;
  // Rooms for what is about to be interned.
  std::vector<Id> items_, next_rows_, next_tables_, added_;
  Fields fields_;
};

}  // namespace stateutils::bench
