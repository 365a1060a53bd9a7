#include "bench/world/state.hpp"

#include <algorithm>
#include <iterator>

namespace stateutils::bench {

Store::Store() {
  id_ = atoms.string("id");
  path_ = atoms.string("path");
  value_ = atoms.string("value");
  text_ = atoms.string("text");
  empty_table_ = tables_.intern({});
  empty_ = states_.intern({});
  (void)table("config");
  (void)table("files");
  infos_[kFiles].fields.emplace_back(text_, FieldType::kBytes);
}

Id Store::find_table(std::string_view name) const {
  for (Id i = 0; i < infos_.size(); ++i) {
    if (infos_[i].name == name) return i;
  }
  return kNone;
}

Id Store::table(std::string_view name) {
  const Id known = find_table(name);
  if (known != kNone) return known;
  TableInfo added;
  added.name = std::string(name);
  added.name_atom = atoms.string(name);
  added.key_field = infos_.size() < 2 ? path_ : id_;
  infos_.push_back(std::move(added));
  return static_cast<Id>(infos_.size() - 1);
}

Id Store::sorted_row(Id key, Fields& fields) {
  const auto by_name = [&](const auto& a, const auto& b) {
    return a.first != b.first && atoms.text_less(a.first, b.first);
  };
  // Rows come from canonical JSON or from other rows: most are in order already.
  if (!std::is_sorted(fields.begin(), fields.end(), by_name)) {
    std::sort(fields.begin(), fields.end(), by_name);
  }
  items_.clear();
  items_.push_back(key);
  for (const auto& [name, value] : fields) {
    items_.push_back(name);
    items_.push_back(value);
  }
  return rows_.intern(items_);
}

Id Store::value_of(Id row, Id name) const {
  const auto items = rows_[row];
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (items[i] == name) return items[i + 1];
  }
  return kNone;
}

Fields Store::fields_of(Id row) const {
  const auto items = rows_[row];
  Fields out;
  out.reserve(items.size() / 2);
  for (std::size_t i = 1; i < items.size(); i += 2) out.emplace_back(items[i], items[i + 1]);
  return out;
}

Id Store::table_id(Id state, Id table) const {
  const auto tables = states_[state];
  return table < tables.size() ? tables[table] : empty_table_;
}

std::span<const Id> Store::rows_of(Id state, Id table) const {
  return tables_[table_id(state, table)];
}

bool Store::key_less(Id a, Id b) const {
  if (a == b) return false;
  return atoms.text_less(a, b) || (!atoms.text_less(b, a) && atoms.kind(a) < atoms.kind(b));
}

Id Store::find_row(Id state, Id table, Id key) const {
  const auto rows = rows_of(state, table);
  if (rows.size() <= 16) {
    for (const Id row : rows) {
      if (key_of(row) == key) return row;
    }
    return kNone;
  }
  const auto at = std::lower_bound(rows.begin(), rows.end(), key,
                                   [&](Id row, Id k) { return key_less(key_of(row), k); });
  return at != rows.end() && key_of(*at) == key ? *at : kNone;
}

Id Store::with_table(Id state, Id table, Id content) {
  const auto tables = states_[state];
  std::vector<Id>& next = next_tables_;
  next.assign(tables.begin(), tables.end());
  if (next.size() <= table) next.resize(table + 1, empty_table_);
  next[table] = content;
  while (!next.empty() && next.back() == empty_table_) next.pop_back();
  return states_.intern(next);
}

Id Store::with_row(Id state, Id table, Id row) {
  const auto rows = rows_of(state, table);
  std::vector<Id>& next = next_rows_;
  next.assign(rows.begin(), rows.end());
  const Id key = key_of(row);
  const auto at = std::lower_bound(next.begin(), next.end(), key,
                                   [&](Id r, Id k) { return key_less(key_of(r), k); });
  if (at != next.end() && key_of(*at) == key) {
    *at = row;
  } else {
    next.insert(at, row);
  }
  return with_table(state, table, tables_.intern(next));
}

Id Store::without_row(Id state, Id table, Id key) {
  std::vector<Id>& next = next_rows_;
  next.clear();
  for (const Id row : rows_of(state, table)) {
    if (key_of(row) != key) next.push_back(row);
  }
  return with_table(state, table, tables_.intern(next));
}

Id Store::with_rows(Id state, Id table, std::vector<Id> rows) {
  std::sort(rows.begin(), rows.end(), [&](Id a, Id b) { return key_less(key_of(a), key_of(b)); });
  return with_table(state, table, tables_.intern(rows));
}

Id Store::normal(Id table, Id field, Id value) const {
  if (value == kNone) return kNone;
  for (const auto& [name, type] : infos_[table].fields) {
    if (name != field) continue;
    if (type == FieldType::kBytes) return value;
    if (type == FieldType::kText) return atoms.as_text(value);
    break;
  }
  return atoms.as_any(value);
}

void Store::compare(Id before, Id after, std::vector<Change>& changes) const {
  changes.clear();
  if (before == after) return;
  const auto count = static_cast<Id>(std::max(states_[before].size(), states_[after].size()));
  for (Id t = 0; t < count; ++t) {
    if (table_id(before, t) == table_id(after, t)) continue;
    const auto a = rows_of(before, t), b = rows_of(after, t);
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
      if (i < a.size() && j < b.size() && a[i] == b[j]) {
        ++i, ++j;
      } else if (j == b.size() || (i < a.size() && key_less(key_of(a[i]), key_of(b[j])))) {
        changes.push_back({t, ChangeKind::kDelete, key_of(a[i]), a[i], kNone});
        ++i;
      } else if (i == a.size() || key_less(key_of(b[j]), key_of(a[i]))) {
        changes.push_back({t, ChangeKind::kInsert, key_of(b[j]), kNone, b[j]});
        ++j;
      } else {
        changes.push_back({t, ChangeKind::kUpdate, key_of(a[i]), a[i], b[j]});
        ++i, ++j;
      }
    }
  }
}

// The fields that a world declares are few: finding one among them costs less than hashing it.
Id Store::field_named(Id table, std::string_view name) {
  const TableInfo& info = infos_[table];
  if (atoms.is_text(info.key_field, name)) return info.key_field;
  for (const auto& [field, type] : info.fields) {
    if (atoms.is_text(field, name)) return field;
  }
  return atoms.string(name);
}

Id Store::read_row(Id table, const Cursor& json, const KindVisitor* visit) {
  fields_.clear();
  Id key = kNone;
  std::optional<Cursor> kind;
  json.members([&](std::string_view name, const Cursor& value) {
    if (name.starts_with('_')) {
      if (visit != nullptr && name == "_kind") kind.emplace(value);
      return;
    }
    const Id field = field_named(table, name);
    const Id atom = intern_value(atoms, value.element());
    if (field == infos_[table].key_field) {
      if (atoms.kind(atom) == AtomKind::kNull || atoms.kind(atom) == AtomKind::kJson) {
        throw value.error("a row's key must be a text or a number");
      }
      key = atom;
    } else {
      fields_.emplace_back(field, atom);
    }
  });
  if (key == kNone) {
    throw json.error("row without its key " + core::quoted(atoms.text(infos_[table].key_field)));
  }
  if (kind) (*visit)(table, key, *kind);
  return sorted_row(key, fields_);
}

Id Store::read_state(const Cursor& json, Id base) {
  return read_tables(json, base, nullptr);
}

Id Store::read_preset(const Cursor& json, Id base, const KindVisitor& visit) {
  refuse_doubled_keys(json);
  return read_tables(json, base, &visit);
}

Id Store::read_tables(const Cursor& json, Id base, const KindVisitor* visit) {
  Id state = base;
  json.members([&](std::string_view name, const Cursor& value) {
    if (name.starts_with('_')) return;
    const Id t = table(name);
    std::vector<Id>& added = added_;
    added.clear();
    if (t == kConfig || t == kFiles) {
      value.members([&](std::string_view path, const Cursor& cell) {
        if (path.starts_with('_')) return;
        if (t == kFiles && !cell.is_string()) throw cell.error("a file's content must be a text");
        const Id key = atoms.string(path);
        fields_.assign(1, {value_field(t), intern_value(atoms, cell.element())});
        added.push_back(sorted_row(key, fields_));
      });
    } else {
      value.items([&](const Cursor& item) { added.push_back(read_row(t, item, visit)); });
    }
    const auto by_key = [&](Id a, Id b) { return key_less(key_of(a), key_of(b)); };
    if (!std::is_sorted(added.begin(), added.end(), by_key)) {
      std::sort(added.begin(), added.end(), by_key);
    }
    for (std::size_t i = 1; i < added.size(); ++i) {
      if (key_of(added[i]) == key_of(added[i - 1])) {
        throw value.error("two rows have the key " + core::quoted(atoms.text(key_of(added[i]))));
      }
    }
    // Of rows with the same key set_union keeps the first list's, which is the new one.
    const auto old = rows_of(state, t);
    next_rows_.clear();
    std::set_union(added.begin(), added.end(), old.begin(), old.end(),
                   std::back_inserter(next_rows_), by_key);
    state = with_table(state, t, tables_.intern(next_rows_));
  });
  return state;
}

void Store::write_row(Id table, Id row, std::string& out) const {
  const Id key_field = infos_[table].key_field;
  const auto items = rows_[row];
  bool key_done = false;
  out.push_back('{');
  const auto field = [&](Id name, Id value) {
    if (out.back() != '{') out.push_back(',');
    atoms.write_key(name, out);
    atoms.write_json(value, out);
  };
  for (std::size_t i = 1; i < items.size(); i += 2) {
    if (!key_done && atoms.text_less(key_field, items[i])) {
      field(key_field, items[0]);
      key_done = true;
    }
    field(items[i], items[i + 1]);
  }
  if (!key_done) field(key_field, items[0]);
  out.push_back('}');
}

void Store::write_rows(Id table, std::span<const Id> rows, std::string& out) const {
  out.push_back('[');
  for (const Id row : rows) {
    if (out.back() != '[') out.push_back(',');
    write_row(table, row, out);
  }
  out.push_back(']');
}

std::string Store::write_state(Id state) const {
  std::vector<Id> order;
  for (Id t = 0; t < infos_.size(); ++t) {
    if (!rows_of(state, t).empty()) order.push_back(t);
  }
  std::sort(order.begin(), order.end(),
            [&](Id a, Id b) { return infos_[a].name < infos_[b].name; });
  std::string out = "{";
  for (const Id t : order) {
    if (out.back() != '{') out.push_back(',');
    append_json_string(out, infos_[t].name);
    out.push_back(':');
    if (t != kConfig && t != kFiles) {
      write_rows(t, rows_of(state, t), out);
      continue;
    }
    out.push_back('{');
    for (const Id row : rows_of(state, t)) {
      if (out.back() != '{') out.push_back(',');
      append_json_string(out, atoms.text(key_of(row)));
      out.push_back(':');
      atoms.write_json(value_of(row, value_field(t)), out);
    }
    out.push_back('}');
  }
  out.push_back('}');
  return out;
}

Store::Mark Store::mark() const {
  return {atoms.mark(), rows_.mark(), tables_.mark(), states_.mark(), infos_.size()};
}

void Store::rollback(const Mark& m) {
  ++epoch_;
  infos_.resize(m.infos);
  states_.rollback(m.states);
  tables_.rollback(m.tables);
  rows_.rollback(m.rows);
  atoms.rollback(m.atoms);
}

}  // namespace stateutils::bench
