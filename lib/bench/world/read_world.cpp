#include <algorithm>

#include "bench/world/condition.hpp"
#include "bench/world/zones.hpp"

namespace stateutils::bench {
namespace {

ParamType param_type(const Cursor& json) {
  const std::string_view name = json.string();
  if (name == "text") return ParamType::kText;
  if (name == "datetime") return ParamType::kDatetime;
  if (name == "int") return ParamType::kInteger;
  if (name == "number") return ParamType::kNumber;
  if (name == "bool") return ParamType::kBool;
  if (name == "enum") return ParamType::kEnum;
  throw json.error("unknown type " + core::quoted(name) +
                   "; one of text, datetime, int, number, bool, enum");
}

const char* type_name(ParamType type) {
  switch (type) {
    case ParamType::kText:
      return "text";
    case ParamType::kDatetime:
      return "datetime";
    case ParamType::kInteger:
      return "int";
    case ParamType::kNumber:
      return "number";
    case ParamType::kBool:
      return "bool";
    default:
      return "enum";
  }
}

const char* role_name(Role role) {
  return role == Role::kFree ? "free" : role == Role::kKey ? "key" : "grounded";
}

FieldType field_type(const Cursor& json) {
  std::string_view name = json.string();
  if (name.ends_with('?')) name.remove_suffix(1);
  if (name == "text" || name == "enum") return FieldType::kText;
  if (name == "datetime") return FieldType::kDatetime;
  if (name == "int") return FieldType::kInteger;
  if (name == "number") return FieldType::kNumber;
  if (name == "bool") return FieldType::kBool;
  if (name == "any" || name == "list" || name == "json") return FieldType::kAny;
  throw json.error("unknown field type " + core::quoted(name));
}

// Reads one world; keeps what verbs need to resolve names.
class WorldReader {
 public:
  explicit WorldReader(Store& store) : store_(store) {}

  World read(const Cursor& json) {
    json.only({"tables", "config", "files", "verbs", "zones"});
    if (const auto tables = json.find("tables")) {
      tables->members([&](std::string_view name, const Cursor& t) { read_table(name, t); });
    }
    if (const auto config = json.find("config")) {
      config->members([](std::string_view, const Cursor& type) { (void)field_type(type); });
    }
    if (const auto files = json.find("files")) (void)files->boolean();
    if (const auto zones = json.find("zones")) (void)Zones(*zones);
    json.at("verbs").items([&](const Cursor& verb) { read_verb(verb); });
    find_free_fields();
    write_tools();
    return std::move(world_);
  }

 private:
  void read_table(std::string_view name, const Cursor& json) {
    json.only({"key", "fields", "journal"});
    if (name == "config" || name == "files") throw json.error("this name is taken");
    const Id t = store_.table(name);
    if (const auto key = json.find("key")) {
      store_.info(t).key_field = store_.atoms.string(key->string());
    }
    if (const auto journal = json.find("journal")) store_.info(t).journal = journal->boolean();
    json.at("fields").members([&](std::string_view field, const Cursor& type) {
      store_.info(t).fields.emplace_back(store_.atoms.string(field), field_type(type));
    });
    tables_.emplace_back(name);
  }

  Id table_named(std::string_view name, const Cursor& at) {
    if (name != "config" && name != "files" &&
        std::find(tables_.begin(), tables_.end(), name) == tables_.end()) {
      throw at.error("no table " + core::quoted(name));
    }
    return store_.table(name);
  }

  Id field_named(Id table, std::string_view name, const Cursor& at) {
    const Id field = store_.atoms.string(name);
    const TableInfo& info = store_.info(table);
    if (field == info.key_field) return field;
    for (const auto& [known, type] : info.fields) {
      if (known == field) return field;
    }
    throw at.error("table " + core::quoted(info.name) + " has no field " + core::quoted(name));
  }

  // "$.table", "$.table[key]", "$.table[key].field", "$.config.path", "$.files[path]".
  Piece read_path(std::string_view text, const Cursor& at) {
    Piece piece;
    text.remove_prefix(2);
    if (text.starts_with("config.")) {
      piece.kind = PieceKind::kCell;
      piece.table = Store::kConfig;
      piece.atom = store_.value_field(Store::kConfig);
      piece.key = std::make_shared<Template>(read_text(text.substr(7), at));
      return piece;
    }
    const std::size_t open = text.find('[');
    piece.table = table_named(text.substr(0, open), at);
    if (open == std::string_view::npos) {
      piece.kind = PieceKind::kTable;
      return piece;
    }
    const std::size_t close = text.rfind(']');
    if (close == std::string_view::npos || close < open) throw at.error("a [ has no ]");
    piece.key = std::make_shared<Template>(read_text(text.substr(open + 1, close - open - 1), at));
    const std::string_view rest = text.substr(close + 1);
    if (piece.table <= Store::kFiles && rest.empty()) {
      piece.kind = PieceKind::kCell;
      piece.atom = store_.value_field(piece.table);
    } else if (rest.empty()) {
      piece.kind = PieceKind::kRow;
    } else {
      if (rest.front() != '.') throw at.error("expected .FIELD after ]");
      piece.kind = PieceKind::kCell;
      piece.atom = field_named(piece.table, rest.substr(1), at);
    }
    return piece;
  }

  Piece read_reference(std::string_view name, const Cursor& at) {
    Piece piece;
    if (name == "new.id") {
      piece.kind = PieceKind::kNewId;
    } else if (name == "now") {
      piece.kind = PieceKind::kNow;
    } else if (name.starts_with("$.")) {
      return read_path(name, at);
    } else {
      piece.kind = PieceKind::kParam;
      const auto& params = verb_.params;
      const auto found = std::find_if(params.begin(), params.end(),
                                      [&](const Param& p) { return p.flag == name; });
      if (found == params.end()) throw at.error("no parameter " + core::quoted(name));
      piece.param = static_cast<std::size_t>(found - params.begin());
    }
    return piece;
  }

  Template read_text(std::string_view text, const Cursor& at) {
    Template out;
    std::string literal;
    const auto flush = [&] {
      if (literal.empty()) return;
      Piece piece;
      piece.atom = store_.atoms.string(literal);
      out.pieces.push_back(std::move(piece));
      literal.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{') {
        literal.push_back(text[i]);
        continue;
      }
      if (i + 1 < text.size() && text[i + 1] == '{') {
        literal.push_back('{');
        ++i;
        continue;
      }
      std::size_t end = i + 1;
      for (int depth = 1; end < text.size(); ++end) {
        if (text[end] == '{') ++depth;
        if (text[end] == '}' && --depth == 0) break;
      }
      if (end >= text.size()) throw at.error("a { has no }");
      flush();
      out.pieces.push_back(read_reference(text.substr(i + 1, end - i - 1), at));
      i = end;
    }
    flush();
    return out;
  }

  Template read_template(const Cursor& json) {
    if (json.is_string()) return read_text(json.string(), json);
    Template out;
    out.constant = intern_value(store_.atoms, json.element());
    return out;
  }

  std::vector<std::pair<Id, Template>> read_assignments(Id table, const Cursor& json) {
    std::vector<std::pair<Id, Template>> out;
    json.members([&](std::string_view field, const Cursor& value) {
      out.emplace_back(field_named(table, field, value), read_template(value));
    });
    return out;
  }

  void read_param(const Cursor& json) {
    json.only({"flag", "type", "role", "optional", "values", "required"});
    Param p;
    p.flag = std::string(json.at("flag").string());
    const bool positional =
        !p.flag.empty() && std::all_of(p.flag.begin(), p.flag.end(),
                                       [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
    if (!positional && (!p.flag.starts_with("--") || p.flag.size() < 3)) {
      throw json.at("flag").error("a flag starts with --, a positional name is in capitals");
    }
    if (const auto type = json.find("type")) p.type = param_type(*type);
    if (const auto role = json.find("role")) {
      const std::string_view name = role->string();
      if (name == "grounded")
        p.role = Role::kGrounded;
      else if (name == "free")
        p.role = Role::kFree;
      else if (name == "key")
        p.role = Role::kKey;
      else
        throw role->error("unknown role " + core::quoted(name) + "; grounded, free or key");
    }
    if (const auto optional = json.find("optional")) p.optional = optional->boolean();
    if (const auto required = json.find("required")) p.optional = !required->boolean();
    if (const auto values = json.find("values")) {
      values->items([&](const Cursor& v) { p.values.emplace_back(v.string()); });
    }
    if (p.type == ParamType::kEnum && p.values.empty()) throw json.error("an enum needs values");
    verb_.params.push_back(std::move(p));
  }

  void read_guard(const Cursor& json) {
    json.only({"path", "cond", "value"});
    Guard g;
    const Cursor path = json.at("path");
    g.text = std::string(path.string());
    if (g.text.starts_with("$.")) {
      g.path = read_path(g.text, path);
    } else if (g.text.starts_with("{--") && g.text.ends_with("}")) {
      g.path = read_reference(std::string_view(g.text).substr(1, g.text.size() - 2), path);
    } else {
      throw path.error("a guard's path starts with $. or is a {--flag}");
    }
    g.condition = read_condition_name(json.at("cond"));
    const auto value = json.find("value");
    const bool wants = g.condition != Condition::kExists && g.condition != Condition::kNotNull;
    if (wants && !value) throw json.error("\"value\" is missing");
    if (value && g.condition == Condition::kIn) {
      value->items([&](const Cursor& v) { g.values.push_back(read_template(v)); });
    } else if (value) {
      g.values.push_back(read_template(*value));
    }
    verb_.guards.push_back(std::move(g));
  }

  void read_effect(const Cursor& json) {
    const std::string_view op = json.at("op").string();
    Effect e;
    const auto keyed = [&](bool where_allowed) {
      e.table = table_named(json.at("table").string(), json.at("table"));
      if (const auto key = json.find("key")) e.key = read_template(*key);
      const auto where = json.find("where");
      if (where && where_allowed) e.where = read_assignments(e.table, *where);
      if (!e.key && (!where_allowed || !where)) throw json.error("\"key\" is missing");
    };
    if (op == "insert") {
      json.only({"op", "table", "set"});
      e.op = EffectOp::kInsert;
      e.table = table_named(json.at("table").string(), json.at("table"));
      e.set = read_assignments(e.table, json.at("set"));
    } else if (op == "update") {
      json.only({"op", "table", "key", "where", "set"});
      e.op = EffectOp::kUpdate;
      keyed(true);
      e.set = read_assignments(e.table, json.at("set"));
      for (const auto& [field, value] : e.set) {
        if (field == store_.info(e.table).key_field) throw json.error("an update keeps the key");
      }
    } else if (op == "delete") {
      json.only({"op", "table", "key", "where"});
      e.op = EffectOp::kDelete;
      keyed(true);
    } else if (op == "inc" || op == "append_unique") {
      json.only({"op", "table", "key", "field", "value"});
      e.op = op == "inc" ? EffectOp::kInc : EffectOp::kAppendUnique;
      keyed(false);
      e.field = field_named(e.table, json.at("field").string(), json.at("field"));
      e.set.emplace_back(e.field, read_template(json.at("value")));
    } else if (op == "set_config" || op == "clear" || op == "write_file" || op == "append_file") {
      const bool config = op == "set_config" || op == "clear";
      json.only({"op", "path", config ? "value" : "text"});
      e.op = op == "clear"         ? EffectOp::kClear
             : op == "append_file" ? EffectOp::kAppend
                                   : EffectOp::kWrite;
      e.table = config ? Store::kConfig : Store::kFiles;
      e.key = read_template(json.at("path"));
      if (e.op != EffectOp::kClear) {
        e.set.emplace_back(store_.value_field(e.table),
                           read_template(json.at(config ? "value" : "text")));
      }
    } else {
      throw json.at("op").error("unknown effect " + core::quoted(op));
    }
    verb_.effects.push_back(std::move(e));
  }

  void read_verb(const Cursor& json) {
    json.only({"name", "params", "guard", "effects", "out", "where"});
    verb_ = Verb{};
    verb_.name = std::string(json.at("name").string());
    if (verb_.name.empty() || verb_.name == "done" || verb_.name.starts_with("done ")) {
      throw json.at("name").error("this name is taken");
    }
    if (const auto params = json.find("params")) {
      params->items([&](const Cursor& p) { read_param(p); });
    }
    if (const auto guards = json.find("guard")) {
      guards->items([&](const Cursor& g) { read_guard(g); });
    }
    if (const auto effects = json.find("effects")) {
      effects->items([&](const Cursor& e) { read_effect(e); });
    }
    if (const auto out = json.find("out")) verb_.out = read_template(*out);
    if (const auto where = json.find("where")) {
      Id table = kNone;
      for (const Piece& piece : verb_.out.pieces) {
        if (piece.kind == PieceKind::kTable) table = piece.table;
      }
      if (table == kNone) throw where->error("\"where\" filters a table, and \"out\" names none");
      verb_.where = read_assignments(table, *where);
    }
    if (!world_.verb_index.emplace(verb_.name, world_.verbs.size()).second) {
      throw json.at("name").error("verb " + core::quoted(verb_.name) + " stands twice");
    }
    world_.verbs.push_back(std::move(verb_));
  }

  // A field is free when some verb writes a free parameter to it.
  void find_free_fields() {
    for (const Verb& verb : world_.verbs) {
      for (const Effect& effect : verb.effects) {
        for (const auto& [field, value] : effect.set) {
          for (const Piece& piece : value.pieces) {
            if (piece.kind == PieceKind::kParam && verb.params[piece.param].role == Role::kFree &&
                !world_.is_free(effect.table, field)) {
              world_.free_fields.emplace_back(effect.table, field);
            }
          }
        }
      }
    }
  }

  void write_tools() {
    for (const bool with_roles : {true, false}) {
      std::string out = "[";
      for (const Verb& verb : world_.verbs) {
        if (out.size() > 1) out.push_back(',');
        out += "{\"name\":";
        append_json_string(out, verb.name);
        out += ",\"params\":[";
        for (const Param& p : verb.params) {
          if (out.back() != '[') out.push_back(',');
          out += "{\"name\":";
          append_json_string(out, p.flag);
          out += std::string(",\"required\":") + (p.optional ? "false" : "true");
          if (with_roles) out += std::string(",\"role\":\"") + role_name(p.role) + "\"";
          out += std::string(",\"type\":\"") + type_name(p.type) + "\"";
          if (!p.values.empty()) {
            out += ",\"values\":[";
            for (const std::string& v : p.values) {
              if (out.back() != '[') out.push_back(',');
              append_json_string(out, v);
            }
            out.push_back(']');
          }
          out.push_back('}');
        }
        out += "]}";
      }
      out.push_back(']');
      (with_roles ? world_.tools_json : world_.public_tools_json) = std::move(out);
    }
  }

  Store& store_;
  World world_;
  Verb verb_;
  std::vector<std::string> tables_;
};

}  // namespace

const Verb* World::find(std::string_view name) const {
  const auto it = verb_index.find(std::string(name));
  return it == verb_index.end() ? nullptr : &verbs[it->second];
}

bool World::is_free(Id table, Id field) const {
  return std::find(free_fields.begin(), free_fields.end(), std::pair(table, field)) !=
         free_fields.end();
}

Condition read_condition_name(const Cursor& json) {
  static constexpr std::pair<std::string_view, Condition> kConditions[] = {
      {"exists", Condition::kExists}, {"not_null", Condition::kNotNull},
      {"eq", Condition::kEq},         {"neq", Condition::kNeq},
      {"gt", Condition::kGt},         {"gte", Condition::kGte},
      {"lt", Condition::kLt},         {"lte", Condition::kLte},
      {"len_gt", Condition::kLenGt},  {"in", Condition::kIn},
      {"match", Condition::kMatch}};
  const auto* found = std::find_if(std::begin(kConditions), std::end(kConditions),
                                   [&](const auto& c) { return c.first == json.string(); });
  if (found == std::end(kConditions)) {
    throw json.error("unknown condition " + core::quoted(json.string()));
  }
  return found->second;
}

World read_world(const Cursor& json, Store& store) {
  return WorldReader(store).read(json);
}

}  // namespace stateutils::bench
