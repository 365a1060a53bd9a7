#include "bench/judge/contract.hpp"

#include <algorithm>
#include <cmath>

#include "bench/world/text.hpp"
#include "core/dom.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

Id match_value(Store& store, Id table, Id field, const Cursor& value) {
  return store.normal(table, field, intern_value(store.atoms, value.element()));
}

void read_count(const Cursor& json, Clause& clause) {
  json.only({"eq", "ge", "le"});
  if (json.size() != 1) throw json.error("one of eq, ge, le");
  json.members([&](std::string_view op, const Cursor& n) {
    clause.op = op == "eq" ? CountOp::kEq : op == "ge" ? CountOp::kGe : CountOp::kLe;
    clause.count = n.integer();
    if (clause.count < 0) throw n.error("a count is not negative");
  });
}

Clause read_clause(const Cursor& json, Store& store, std::size_t index) {
  std::optional<Cursor> config, count, file, id, match, table, w;
  json.pick({{"config", config},
             {"count", count},
             {"file", file},
             {"id", id},
             {"match", match},
             {"table", table},
             {"w", w}});
  Clause clause;
  clause.id = id ? std::string(id->string()) : "c" + std::to_string(index);
  if (w) {
    clause.weight = w->number();
    if (!(clause.weight > 0)) throw w->error("a weight is above 0");
  }
  if (int{table.has_value()} + int{config.has_value()} + int{file.has_value()} != 1) {
    throw json.error("one of table, config, file");
  }
  if (table) {
    clause.table = store.table(table->string());
  } else {
    clause.table = config ? Store::kConfig : Store::kFiles;
    clause.key = store.atoms.string((config ? *config : *file).string());
  }
  if (match) {
    clause.match.reserve(match->size());
    match->members([&](std::string_view name, const Cursor& value) {
      const Id field = store.field_named(clause.table, name);
      if (field == store.info(clause.table).key_field) {
        clause.key = intern_value(store.atoms, value.element());
      } else {
        clause.match.emplace_back(field, match_value(store, clause.table, field, value));
      }
    });
  }
  if (count) read_count(*count, clause);
  return clause;
}

Answer read_answer(const Cursor& json) {
  json.only({"type", "value", "tol"});
  static constexpr std::pair<std::string_view, AnswerType> kTypes[] = {
      {"enum", AnswerType::kEnum}, {"int", AnswerType::kInteger}, {"number", AnswerType::kNumber},
      {"text", AnswerType::kText}, {"set", AnswerType::kSet},     {"list", AnswerType::kList},
      {"json", AnswerType::kJson}};
  Answer answer;
  const Cursor type = json.at("type");
  const auto* found = std::find_if(std::begin(kTypes), std::end(kTypes),
                                   [&](const auto& t) { return t.first == type.string(); });
  if (found == std::end(kTypes)) {
    throw type.error("unknown answer type " + core::quoted(type.string()));
  }
  answer.type = found->second;
  const Cursor value = json.at("value");
  switch (answer.type) {
    case AnswerType::kInteger:
      (void)value.integer();
      break;
    case AnswerType::kNumber:
      (void)value.number();
      break;
    case AnswerType::kEnum:
    case AnswerType::kText:
      (void)value.string();
      break;
    case AnswerType::kSet:
    case AnswerType::kList:
      if (!value.is_array()) throw value.error("expected an array");
      break;
    case AnswerType::kJson:
      break;
  }
  answer.value = canonical(value.element());
  if (const auto tol = json.find("tol")) {
    answer.tolerance = tol->number();
    if (answer.tolerance < 0) throw tol->error("a tolerance is not negative");
  }
  return answer;
}

ChangeKind read_op(const Cursor& json) {
  const std::string_view op = json.string();
  if (op == "insert") return ChangeKind::kInsert;
  if (op == "update") return ChangeKind::kUpdate;
  if (op == "delete") return ChangeKind::kDelete;
  throw json.error("unknown op " + core::quoted(op) + "; insert, update or delete");
}

const Cursor& required_member(const Cursor& json, const std::optional<Cursor>& member,
                              const char* name) {
  if (!member) throw json.error("\"" + std::string(name) + "\" is missing");
  return *member;
}

Allow read_allow(const Cursor& json, Store& store) {
  std::optional<Cursor> match, max, op, table;
  json.pick({{"match", match}, {"max", max}, {"op", op}, {"table", table}});
  Allow allow;
  allow.table = store.table(required_member(json, table, "table").string());
  allow.op = read_op(required_member(json, op, "op"));
  if (match) {
    match->members([&](std::string_view name, const Cursor& value) {
      const Id key_field = store.info(allow.table).key_field;
      if (name == "key" || name == store.atoms.text(key_field)) {
        allow.key = intern_value(store.atoms, value.element());
      } else if (name == "fields") {
        allow.fields.emplace();
        value.items([&](const Cursor& f) {
          allow.fields->push_back(store.field_named(allow.table, f.string()));
        });
      } else {
        const Id field = store.field_named(allow.table, name);
        allow.match.emplace_back(field, match_value(store, allow.table, field, value));
      }
    });
  }
  if (max) {
    allow.max = max->integer();
    if (allow.max < 0) throw max->error("a capacity is not negative");
  }
  return allow;
}

void read_option(const Cursor& json, Store& store, Option& option) {
  if (const auto require = json.find("require")) {
    option.require.reserve(require->size());
    require->items([&](const Cursor& clause) {
      option.require.push_back(read_clause(clause, store, option.require.size()));
    });
  }
  if (const auto answer = json.find("answer"); answer && !answer->is_null()) {
    option.answer = read_answer(*answer);
  }
  if (const auto frame = json.find("frame")) {
    frame->only({"default", "allow"});
    if (const auto def = frame->find("default")) {
      if (def->string() != "deny" && def->string() != "allow") throw def->error("deny or allow");
      option.deny = def->string() == "deny";
    }
    if (const auto allow = frame->find("allow")) {
      option.allow.reserve(allow->size());
      allow->items([&](const Cursor& a) { option.allow.push_back(read_allow(a, store)); });
    }
  }
}

// An answer document given by an agent; parsed anew because answers are rare and small.
std::optional<simdjson::dom::element> parse_answer(simdjson::dom::parser& parser,
                                                   std::string_view text) {
  simdjson::dom::element element;
  if (core::parse_json(parser, text).get(element) != simdjson::SUCCESS) return {};
  return element;
}

std::string normal_item(simdjson::dom::element element) {
  if (!element.is_string()) return canonical(element);
  std::string buffer, out;
  append_json_string(out, normalised_text(std::string_view(element), buffer));
  return out;
}

std::vector<std::string> normal_items(simdjson::dom::element array) {
  std::vector<std::string> out;
  for (const auto item : simdjson::dom::array(array)) out.push_back(normal_item(item));
  return out;
}

}  // namespace

Contract read_contract(const Cursor& json, Store& store) {
  json.only({"require", "answer", "frame", "alternatives", "probe"});
  Contract contract;
  if (const auto alternatives = json.find("alternatives")) {
    alternatives->items([&](const Cursor& alternative) {
      alternative.only({"require", "answer", "frame"});
      read_option(alternative, store, contract.options.emplace_back());
    });
    if (contract.options.empty()) throw alternatives->error("no alternative is given");
    return contract;
  }
  read_option(json, store, contract.options.emplace_back());
  return contract;
}

bool answer_holds(const Answer& wanted, std::string_view given) {
  if (given.empty()) return false;
  if (given == wanted.value) return true;
  simdjson::dom::parser wanted_parser, given_parser;
  const auto w = parse_answer(wanted_parser, wanted.value), g = parse_answer(given_parser, given);
  if (!w || !g) return false;
  switch (wanted.type) {
    case AnswerType::kInteger:
      return false;  // canonical integers are equal or different
    case AnswerType::kNumber: {
      double x = 0, y = 0;
      return w->get(x) == simdjson::SUCCESS && g->get(y) == simdjson::SUCCESS &&
             std::abs(x - y) <= wanted.tolerance;
    }
    case AnswerType::kEnum:
    case AnswerType::kText:
      return g->is_string() && normal_item(*w) == normal_item(*g);
    case AnswerType::kSet:
    case AnswerType::kList: {
      if (!g->is_array()) return false;
      auto x = normal_items(*w), y = normal_items(*g);
      if (wanted.type == AnswerType::kSet) {
        std::sort(x.begin(), x.end());
        std::sort(y.begin(), y.end());
      }
      return x == y;
    }
    case AnswerType::kJson:
      return canonical(*w) == canonical(*g);
  }
  return false;
}

}  // namespace stateutils::bench
