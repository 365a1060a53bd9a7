#include <algorithm>
#include <charconv>

#include "bench/world/text.hpp"
#include "bench/world/world.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

// Ids of new rows: four hex digits that look like those of any other row. SplitMix64 finaliser
// (Steele, Lea, Flood, OOPSLA'14) over (table, attempt).
std::string id_text(std::uint64_t table, std::uint64_t attempt) {
  std::uint64_t z = (table << 32) + attempt * 0x9E3779B97F4A7C15ull + 0x632BE59BD9B4E019ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(4, '0');
  for (std::size_t i = 0; i < 4; ++i) out[i] = kHex[(z >> (4 * i)) & 15];
  return out;
}

bool is_number(AtomKind kind) {
  return kind == AtomKind::kInteger || kind == AtomKind::kNumber;
}

}  // namespace

int compare_values(const AtomPool& atoms, Id a, Id b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  const auto x = atoms.text(a), y = atoms.text(b);
  const auto nx =
      is_number(atoms.kind(a)) || is_number(atoms.kind(b)) ? core::parse_double(x) : std::nullopt;
  const auto ny = nx ? core::parse_double(y) : std::nullopt;
  if (nx && ny) return sign(*nx, *ny);
  const auto tx = parse_datetime(x), ty = parse_datetime(y);
  if (tx && ty) return sign(*tx, *ty);
  return sign(atoms.text(atoms.as_any(a)), atoms.text(atoms.as_any(b)));
}

struct Machine::Frame {
  Id state;
  const Call& call;
  std::int64_t now;
  Id new_id = kNone;
};

Id Machine::new_id(Id state, Id table) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const Id key = store_.atoms.string(id_text(table, attempt));
    if (store_.find_row(state, table, key) == kNone &&
        store_.find_row(initial_, table, key) == kNone) {
      return key;
    }
  }
}

Id Machine::evaluate(const Piece& piece, Frame& frame) {
  switch (piece.kind) {
    case PieceKind::kLiteral:
      return piece.atom;
    case PieceKind::kParam:
      return frame.call.args[piece.param];
    case PieceKind::kNewId:
      return frame.new_id;
    case PieceKind::kNow:
      return store_.atoms.string(format_datetime(frame.now));
    case PieceKind::kRow:
    case PieceKind::kCell: {
      const Id key = evaluate(*piece.key, frame);
      const Id row = key == kNone ? kNone : store_.find_row(frame.state, piece.table, key);
      if (row == kNone) return kNone;
      if (piece.kind == PieceKind::kCell) {
        return piece.atom == store_.info(piece.table).key_field ? key
                                                                : store_.value_of(row, piece.atom);
      }
      std::string text;
      store_.write_row(piece.table, row, text);
      return store_.atoms.intern(AtomKind::kJson, text);
    }
    case PieceKind::kTable: {
      std::string text;
      store_.write_rows(piece.table, store_.rows_of(frame.state, piece.table), text);
      return store_.atoms.intern(AtomKind::kJson, text);
    }
  }
  return kNone;
}

Id Machine::evaluate(const Template& t, Frame& frame) {
  if (t.constant) return *t.constant;
  if (t.pieces.size() == 1) return evaluate(t.pieces.front(), frame);
  std::string text;
  for (const Piece& piece : t.pieces) {
    const Id atom = evaluate(piece, frame);
    if (atom != kNone) text += store_.atoms.text(atom);
  }
  return store_.atoms.string(text);
}

bool Machine::row_matches(const std::vector<std::pair<Id, Template>>& where, Id table, Id row,
                          Frame& frame) {
  for (const auto& [field, value] : where) {
    const Id wanted = evaluate(value, frame);
    if (wanted == kNone) continue;  // an optional filter left out
    const Id found =
        field == store_.info(table).key_field ? store_.key_of(row) : store_.value_of(row, field);
    if (store_.normal(table, field, found) != store_.normal(table, field, wanted)) return false;
  }
  return true;
}

void Machine::render_table(const Piece& piece, Frame& frame, const Verb& verb, std::string& out) {
  const auto rows = store_.rows_of(frame.state, piece.table);
  if (verb.where.empty()) return store_.write_rows(piece.table, rows, out);
  std::vector<Id> kept;
  for (const Id row : rows) {
    if (row_matches(verb.where, piece.table, row, frame)) kept.push_back(row);
  }
  store_.write_rows(piece.table, kept, out);
}

void Machine::render(const Template& t, Frame& frame, const Verb& verb, std::string& out) {
  out.clear();
  for (const Piece& piece : t.pieces) {
    if (piece.kind == PieceKind::kTable) {
      render_table(piece, frame, verb, out);
      continue;
    }
    const Id atom = evaluate(piece, frame);
    if (atom != kNone) out += store_.atoms.text(atom);
  }
  out.push_back('\n');
}

bool condition_holds(const AtomPool& atoms, Condition condition, Id found,
                     std::span<const Id> wanted) {
  if (condition == Condition::kExists) return found != kNone;
  const bool null = found == kNone || atoms.kind(found) == AtomKind::kNull;
  if (condition == Condition::kNotNull) return !null;
  if (condition == Condition::kIn) {
    return found != kNone && std::any_of(wanted.begin(), wanted.end(), [&](Id w) {
             return w != kNone && compare_values(atoms, found, w) == 0;
           });
  }
  const Id value = wanted.front();
  if (value == kNone || found == kNone) return condition == Condition::kNeq && value != found;
  switch (condition) {
    case Condition::kMatch:
      return glob_match(atoms.text(value), atoms.text(found));
    case Condition::kLenGt: {
      const auto limit = core::parse_i64(atoms.text(value));
      return limit && static_cast<std::int64_t>(atoms.text(found).size()) > *limit;
    }
    default:
      break;
  }
  const int order = compare_values(atoms, found, value);
  switch (condition) {
    case Condition::kEq:
      return order == 0;
    case Condition::kNeq:
      return order != 0;
    case Condition::kGt:
      return order > 0;
    case Condition::kGte:
      return order >= 0;
    case Condition::kLt:
      return order < 0;
    case Condition::kLte:
      return order <= 0;
    default:
      return false;
  }
}

bool Machine::holds(const Guard& guard, Frame& frame) {
  const Id found = evaluate(guard.path, frame);
  // An optional argument that was left out breaks no guard about its value.
  const bool about_value =
      guard.condition != Condition::kExists && guard.condition != Condition::kNotNull;
  if (found == kNone && guard.path.kind == PieceKind::kParam && about_value) return true;
  wanted_.clear();
  for (const Template& value : guard.values) wanted_.push_back(evaluate(value, frame));
  return condition_holds(store_.atoms, guard.condition, found, wanted_);
}

bool Machine::insert(const Effect& effect, Frame& frame, std::string& error) {
  const Id key_field = store_.info(effect.table).key_field;
  frame.new_id = new_id(frame.state, effect.table);
  Id key = frame.new_id;
  Fields fields;
  for (const auto& [field, value] : effect.set) {
    const Id atom = evaluate(value, frame);
    if (atom == kNone) continue;
    if (field == key_field) {
      key = atom;
    } else {
      fields.emplace_back(field, atom);
    }
  }
  if (store_.find_row(frame.state, effect.table, key) != kNone) {
    error = "there is one already: " + std::string(store_.atoms.text(key));
    return false;
  }
  frame.new_id = key;
  frame.state = store_.with_row(frame.state, effect.table, store_.row(key, std::move(fields)));
  return true;
}

bool Machine::change_row(const Effect& effect, Frame& frame, Id row, std::string& error) {
  Fields fields = store_.fields_of(row);
  const auto put = [&](Id field, Id atom) {
    for (auto& [name, value] : fields) {
      if (name == field) return static_cast<void>(value = atom);
    }
    fields.emplace_back(field, atom);
  };
  const Id key = store_.key_of(row);
  for (const auto& [field, value] : effect.set) {
    Id atom = evaluate(value, frame);
    if (atom == kNone) continue;
    const Id old = store_.value_of(row, field);
    if (effect.op == EffectOp::kInc) {
      const auto by = core::parse_i64(store_.atoms.text(atom));
      const auto from =
          old == kNone ? std::optional<std::int64_t>(0) : core::parse_i64(store_.atoms.text(old));
      std::int64_t sum = 0;
      if (!by || !from || __builtin_add_overflow(*by, *from, &sum)) {
        error = "no integer to add to";
        return false;
      }
      atom = store_.atoms.integer(sum);
    } else if (effect.op == EffectOp::kAppendUnique) {
      std::string item;
      store_.atoms.write_json(atom, item);
      std::string list = old == kNone ? "[]" : std::string(store_.atoms.text(old));
      if (list.size() < 2 || list.front() != '[') {
        error = "no list to append to";
        return false;
      }
      // Items are canonical JSON, so a whole item stands between brackets or commas.
      const std::string inside = "," + list.substr(1, list.size() - 2) + ",";
      if (inside.find("," + item + ",") != std::string::npos) continue;
      list.insert(list.size() - 1, (list.size() > 2 ? "," : "") + item);
      atom = store_.atoms.intern(AtomKind::kJson, list);
    } else if (effect.op == EffectOp::kAppend && old != kNone) {
      atom = store_.atoms.string(std::string(store_.atoms.text(old)) +
                                 std::string(store_.atoms.text(atom)));
    }
    put(field, atom);
  }
  frame.state = store_.with_row(frame.state, effect.table, store_.row(key, std::move(fields)));
  return true;
}

bool Machine::apply(const Effect& effect, Frame& frame, std::string& error) {
  if (effect.op == EffectOp::kInsert) return insert(effect, frame, error);
  if (!effect.key) {
    std::vector<Id> hit;
    for (const Id row : store_.rows_of(frame.state, effect.table)) {
      if (row_matches(effect.where, effect.table, row, frame)) hit.push_back(row);
    }
    if (hit.empty()) error = "nothing matches";
    for (const Id row : hit) {
      if (effect.op == EffectOp::kDelete) {
        frame.state = store_.without_row(frame.state, effect.table, store_.key_of(row));
      } else if (!change_row(effect, frame, row, error)) {
        return false;
      }
    }
    return !hit.empty();
  }
  const Id key = evaluate(*effect.key, frame);
  Id row = key == kNone ? kNone : store_.find_row(frame.state, effect.table, key);
  const bool creates = effect.op == EffectOp::kWrite || effect.op == EffectOp::kAppend;
  if (key == kNone || (row == kNone && !creates)) {
    error = "no such " + store_.info(effect.table).name +
            " entry: " + (key == kNone ? "" : std::string(store_.atoms.text(key)));
    return false;
  }
  if (effect.op == EffectOp::kDelete || effect.op == EffectOp::kClear) {
    frame.state = store_.without_row(frame.state, effect.table, key);
    return true;
  }
  if (row == kNone) row = store_.row(key, {});
  return change_row(effect, frame, row, error);
}

void Machine::run(Id state, const Call& call, std::int64_t now, Result& result) {
  const Verb& verb = world_.verbs[call.verb];
  Frame frame{state, call, now};
  result.exit = 0;
  result.state = state;
  result.out.clear();
  result.error.clear();
  for (const Guard& guard : verb.guards) {
    if (holds(guard, frame)) continue;
    result.exit = 1;
    result.error = "refused: " + guard.text;
    return;
  }
  for (const Effect& effect : verb.effects) {
    if (apply(effect, frame, result.error)) continue;
    result.exit = 1;
    return;
  }
  // A single row that is not there is an absent key.
  if (!verb.mutates()) {
    for (const Piece& piece : verb.out.pieces) {
      const bool single = piece.kind == PieceKind::kRow || piece.kind == PieceKind::kCell;
      if (single && evaluate(piece, frame) == kNone) {
        result.exit = 1;
        result.error = "no such " + store_.info(piece.table).name + " entry";
        return;
      }
    }
  }
  render(verb.out, frame, verb, result.out);
  result.state = frame.state;
}

bool Machine::fits(const Param& param, std::string_view value, Id& atom) {
  switch (param.type) {
    case ParamType::kEnum:
      if (std::find(param.values.begin(), param.values.end(), value) == param.values.end()) {
        return false;
      }
      break;
    case ParamType::kDatetime:
      if (!parse_datetime(value)) return false;
      break;
    case ParamType::kInteger: {
      const auto parsed = core::parse_i64(value);
      if (!parsed) return false;
      atom = store_.atoms.integer(*parsed);
      return true;
    }
    case ParamType::kNumber: {
      const auto parsed = core::parse_double(value);
      if (!parsed) return false;
      atom = store_.atoms.number(*parsed);
      return true;
    }
    case ParamType::kBool:
      if (value != "true" && value != "false") return false;
      atom = store_.atoms.boolean(value == "true");
      return true;
    case ParamType::kText:
      break;
  }
  atom = store_.atoms.string(value);
  return true;
}

int Machine::parse(std::string_view line, Call& call, std::string& error) {
  if (!split_command(line, words_)) {
    error = "an open quote";
    return 2;
  }
  std::size_t used = 0;
  std::string name;
  const Verb* verb = nullptr;
  for (std::size_t n = 0; n < words_.size() && !words_[n].starts_with("--"); ++n) {
    if (n > 0) name.push_back(' ');
    name += words_[n];
    const auto found = world_.verb_index.find(name);
    if (found == world_.verb_index.end()) continue;
    verb = &world_.verbs[found->second];
    call.verb = found->second;
    used = n + 1;
  }
  if (verb == nullptr) {
    error = "unknown command: " + (words_.empty() ? std::string() : name);
    return 127;
  }
  call.args.assign(verb->params.size(), kNone);
  for (std::size_t i = used; i < words_.size(); ++i) {
    std::string_view word = words_[i];
    const bool flagged = word.starts_with("--");
    const std::size_t equals = word.find('=');
    const bool joined = flagged && equals != std::string_view::npos;
    const std::string_view flag = joined ? word.substr(0, equals) : word;
    // A word without dashes goes to the next positional parameter that is still open.
    const auto param = std::find_if(verb->params.begin(), verb->params.end(), [&](const Param& p) {
      const auto at = static_cast<std::size_t>(&p - verb->params.data());
      return flagged ? p.flag == flag : !p.flag.starts_with("--") && call.args[at] == kNone;
    });
    if (param == verb->params.end()) {
      error = "unknown argument: " + std::string(word);
      return 2;
    }
    auto& slot = call.args[static_cast<std::size_t>(param - verb->params.begin())];
    if (slot != kNone || (flagged && !joined && i + 1 == words_.size())) {
      error = std::string(flag) + (slot != kNone ? " stands twice" : " needs a value");
      return 2;
    }
    const std::string_view value = !flagged ? word : joined ? word.substr(equals + 1) : words_[++i];
    if (!fits(*param, value, slot)) {
      error = std::string(flag) + ": bad value: " + std::string(value);
      return 2;
    }
  }
  for (std::size_t p = 0; p < verb->params.size(); ++p) {
    if (call.args[p] != kNone || verb->params[p].optional) continue;
    error = verb->params[p].flag + " is required";
    return 2;
  }
  return 0;
}

void Machine::run(Id state, std::string_view line, std::int64_t now, Result& result) {
  result.out.clear();
  result.error.clear();
  result.state = state;
  result.exit = parse(line, call_, result.error);
  if (result.exit == 0) run(state, call_, now, result);
}

std::string Machine::text(const Call& call) const {
  const Verb& verb = world_.verbs[call.verb];
  std::string out = verb.name;
  for (std::size_t p = 0; p < verb.params.size(); ++p) {
    if (call.args[p] == kNone) continue;
    const std::string& flag = verb.params[p].flag;
    out.push_back(' ');
    if (flag.starts_with("--")) out.append(flag).push_back(' ');
    out += quote_word(store_.atoms.text(call.args[p]));
  }
  return out;
}

}  // namespace stateutils::bench
