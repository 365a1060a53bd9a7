#include "bench/solve/candidates.hpp"

#include <algorithm>

#include "bench/world/text.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxCalls = 20000;  // combinations of one verb; hostile packs end here

using Values = std::vector<Id>;

void add(Values& values, Id atom) {
  if (atom != kNone && std::find(values.begin(), values.end(), atom) == values.end()) {
    values.push_back(atom);
  }
}

class Finder {
 public:
  Finder(const Task& task, Store& store, bool wide)
      : task_(task), world_(*task.world), store_(store), wide_(wide) {}

  Candidates run() {
    collect_constants();
    for (std::size_t v = 0; v < world_.verbs.size(); ++v) {
      const Verb& verb = world_.verbs[v];
      if (verb.mutates()) {
        write_calls(v);
      } else {
        read_calls(v);
      }
    }
    find_enabling();
    sort_writes();
    return std::move(out_);
  }

 private:
  // Every value that the contract compares with, by the field it stands for.
  void collect_constants() {
    for (const Option& option : task_.contract.options) {
      for (const Clause& c : option.require) {
        for (const auto& [field, value] : c.match) add(constants_, value);
        if (c.key != kNone) add(constants_, c.key);
      }
      for (const Allow& a : option.allow) {
        for (const auto& [field, value] : a.match) add(constants_, value);
        if (a.key != kNone) add(constants_, a.key);
      }
    }
    std::vector<std::int64_t> dates;
    find_datetime_texts(task_.instruction, dates);
    for (const std::int64_t d : dates) add(constants_, store_.atoms.string(format_datetime(d)));
  }

  void add_keys(Values& values, Id table) const {
    for (const Id row : store_.rows_of(task_.initial, table)) add(values, store_.key_of(row));
    if (task_.twin) {
      for (const Id row : store_.rows_of(*task_.twin, table)) add(values, store_.key_of(row));
    }
  }

  [[nodiscard]] bool fits(const Param& p, Id atom) const {
    const std::string_view text = store_.atoms.text(atom);
    switch (p.type) {
      case ParamType::kDatetime:
        return parse_datetime(text).has_value();
      case ParamType::kEnum:
        return std::find(p.values.begin(), p.values.end(), text) != p.values.end();
      case ParamType::kInteger:
        return store_.atoms.kind(atom) == AtomKind::kInteger;
      case ParamType::kNumber:
        return store_.atoms.kind(atom) == AtomKind::kInteger ||
               store_.atoms.kind(atom) == AtomKind::kNumber;
      case ParamType::kBool:
        return store_.atoms.kind(atom) == AtomKind::kBool;
      default:
        return store_.atoms.kind(atom) == AtomKind::kString;
    }
  }

  // Whatever is grounded and of the right type: the last resort of a parameter.
  [[nodiscard]] Values domain(const Param& p, Id table) {
    Values values;
    if (p.type == ParamType::kEnum) {
      for (const std::string& v : p.values) add(values, store_.atoms.string(v));
    } else if (p.type == ParamType::kBool) {
      add(values, store_.atoms.boolean(true));
      add(values, store_.atoms.boolean(false));
    } else if (p.role == Role::kKey && table != kNone) {
      add_keys(values, table);
    } else {
      for (const Id c : constants_) {
        if (fits(p, c)) add(values, c);
      }
    }
    return values;
  }

  // The table whose keys a parameter names in paths, effects or guards of its verb.
  [[nodiscard]] Id keyed_table(const Verb& verb, std::size_t param) const {
    const auto names = [&](const Template& t) {
      return t.pieces.size() == 1 && t.pieces[0].kind == PieceKind::kParam &&
             t.pieces[0].param == param;
    };
    const auto in_piece = [&](const Piece& p) { return p.key && names(*p.key); };
    for (const Piece& p : verb.out.pieces) {
      if (in_piece(p)) return p.table;
    }
    for (const Guard& g : verb.guards) {
      if (in_piece(g.path)) return g.path.table;
    }
    for (const Effect& e : verb.effects) {
      if (e.key && names(*e.key)) return e.table;
    }
    return kNone;
  }

  // Every combination of the values of each parameter; kNone is "left out".
  void product(std::size_t verb, const std::vector<Values>& values, std::vector<Call>& out) const {
    std::size_t total = 1;
    for (const Values& v : values) {
      if (v.empty()) return;
      total *= v.size();
      if (total > kMaxCalls) return;
    }
    std::vector<std::size_t> at(values.size(), 0);
    for (std::size_t n = 0; n < total; ++n) {
      Call call{verb, {}};
      for (std::size_t p = 0; p < values.size(); ++p) call.args.push_back(values[p][at[p]]);
      if (std::find(out.begin(), out.end(), call) == out.end()) out.push_back(std::move(call));
      for (std::size_t p = values.size(); p-- > 0;) {
        if (++at[p] < values[p].size()) break;
        at[p] = 0;
      }
    }
  }

  void read_calls(std::size_t index) {
    const Verb& verb = world_.verbs[index];
    std::vector<Values> values;
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      const Param& param = verb.params[p];
      Values v;
      if (param.optional) v.push_back(kNone);
      if (!param.optional || wide_) {
        const Id table = keyed_table(verb, p);
        if (table != kNone) {
          add_keys(v, table);
        } else {
          for (const Id d : domain(param, kNone)) add(v, d);
        }
      }
      values.push_back(std::move(v));
    }
    product(index, values, out_.reads);
  }

  // Adds, for the parameters that `t` is made of alone, the value that makes it equal `wanted`.
  void bind(const Template& t, Id wanted, std::vector<Values>& values) const {
    if (wanted == kNone || t.pieces.size() != 1 || t.pieces[0].kind != PieceKind::kParam) return;
    add(values[t.pieces[0].param], wanted);
  }

  void bind_fields(const Effect& effect, const Fields& match, std::vector<Values>& values) const {
    for (const auto& [field, template_] : effect.set) {
      for (const auto& [name, wanted] : match) {
        if (name == field) bind(template_, wanted, values);
      }
    }
  }

  [[nodiscard]] static bool same_op(EffectOp op, ChangeKind kind) {
    switch (op) {
      case EffectOp::kInsert:
        return kind == ChangeKind::kInsert;
      case EffectOp::kDelete:
      case EffectOp::kClear:
        return kind == ChangeKind::kDelete;
      case EffectOp::kWrite:
      case EffectOp::kAppend:
        return kind != ChangeKind::kDelete;
      default:
        return kind == ChangeKind::kUpdate;
    }
  }

  // Arguments that make one effect one that this rule allows.
  void bind_rule(const Option& option, const Allow& rule, std::size_t index, const Effect& effect) {
    const Verb& verb = world_.verbs[index];
    std::vector<Values> values(verb.params.size());
    bind_fields(effect, rule.match, values);
    if (effect.key) bind_key(rule, effect, values);
    for (const Clause& clause : option.require) {
      if (clause.table != rule.table) continue;
      for (const auto& [field, template_] : effect.set) {
        const bool frozen =
            rule.fields && rule.op == ChangeKind::kUpdate &&
            std::find(rule.fields->begin(), rule.fields->end(), field) == rule.fields->end();
        const bool fixed = std::any_of(rule.match.begin(), rule.match.end(),
                                       [&name = field](const auto& m) { return m.first == name; });
        if (frozen || fixed) continue;
        for (const auto& [name, wanted] : clause.match) {
          if (name == field) bind(template_, wanted, values);
        }
      }
    }
    finish(index, values);
  }

  void bind_key(const Allow& rule, const Effect& effect, std::vector<Values>& values) const {
    if (rule.key != kNone) {
      bind(*effect.key, rule.key, values);
      return;
    }
    Values keys;
    add_keys(keys, rule.table);
    for (const Id key : keys) bind(*effect.key, key, values);
    for (const Id c : constants_) {
      const bool path = rule.table <= Store::kFiles && store_.atoms.kind(c) == AtomKind::kString;
      if (path && effect.op != EffectOp::kClear) bind(*effect.key, c, values);
    }
  }

  // Parameters that no rule speaks of: free ones get any text, optional ones stay away.
  void finish(std::size_t index, std::vector<Values>& values) {
    const Verb& verb = world_.verbs[index];
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      const Param& param = verb.params[p];
      if (param.role == Role::kFree) {
        values[p] = {param.optional ? kNone : filler(param)};
        continue;
      }
      std::erase_if(values[p], [&](Id atom) { return !fits(param, atom); });
      if (param.optional) {
        values[p].insert(values[p].begin(), kNone);
      } else if (values[p].empty()) {
        values[p] = domain(param, keyed_table(verb, p));
      }
    }
    product(index, values, out_.writes);
  }

  [[nodiscard]] Id filler(const Param& p) {
    switch (p.type) {
      case ParamType::kEnum:
        return store_.atoms.string(p.values.front());
      case ParamType::kDatetime:
        return store_.atoms.string("2026-01-01T00:00Z");
      case ParamType::kInteger:
      case ParamType::kNumber:
        return store_.atoms.integer(1);
      case ParamType::kBool:
        return store_.atoms.boolean(true);
      default:
        return store_.atoms.string("ok");
    }
  }

  void write_calls(std::size_t index) {
    const Verb& verb = world_.verbs[index];
    for (const Effect& effect : verb.effects) {
      for (const Option& option : task_.contract.options) {
        for (const Allow& rule : option.allow) {
          if (rule.table == effect.table && same_op(effect.op, rule.op)) {
            bind_rule(option, rule, index, effect);
          }
        }
      }
    }
    if (wide_) any_calls(index, out_.writes);
  }

  // Every grounded value for every parameter.
  void any_calls(std::size_t index, std::vector<Call>& out) {
    const Verb& verb = world_.verbs[index];
    std::vector<Values> values(verb.params.size());
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      const Param& param = verb.params[p];
      if (param.role == Role::kFree) {
        values[p] = {param.optional ? kNone : filler(param)};
        continue;
      }
      values[p] = domain(param, keyed_table(verb, p));
      if (param.optional) values[p].insert(values[p].begin(), kNone);
    }
    product(index, values, out);
  }

  // Writes that the frame does not ask for, but after which one that it asks for is no longer
  // refused.
  void find_enabling() {
    Machine machine(world_, store_, task_.initial);
    Result result;
    std::vector<Call> refused;
    for (const Call& call : out_.writes) {
      machine.run(task_.initial, call, 0, result);
      if (result.exit != 0 && !world_.verbs[call.verb].guards.empty()) refused.push_back(call);
    }
    const std::size_t asked = out_.writes.size();
    for (std::size_t v = 0; v < world_.verbs.size() && !refused.empty(); ++v) {
      if (!touches_guard(world_.verbs[v], refused)) continue;
      std::vector<Call> calls;
      any_calls(v, calls);
      for (const Call& call : calls) {
        const auto& writes = out_.writes;
        if (std::find(writes.begin(), writes.end(), call) != writes.end()) continue;
        machine.run(task_.initial, call, 0, result);
        if (result.exit != 0 || result.state == task_.initial) continue;
        const Id opened = result.state;
        const bool enables = std::any_of(refused.begin(), refused.end(), [&](const Call& next) {
          machine.run(opened, next, 0, result);
          return result.exit == 0;
        });
        if (enables) out_.writes.push_back(call);
      }
    }
    out_.enables.assign(out_.writes.size(), wide_);
    for (std::size_t i = asked; i < out_.writes.size(); ++i) out_.enables[i] = true;
  }

  // Pack order, whatever order they were found in.
  void sort_writes() {
    std::vector<std::size_t> order(out_.writes.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return out_.writes[a].verb < out_.writes[b].verb;
    });
    Candidates sorted;
    for (const std::size_t i : order) {
      sorted.writes.push_back(out_.writes[i]);
      sorted.enables.push_back(out_.enables[i]);
    }
    out_.writes = std::move(sorted.writes);
    out_.enables = std::move(sorted.enables);
  }

  [[nodiscard]] bool touches_guard(const Verb& verb, const std::vector<Call>& refused) const {
    for (const Call& call : refused) {
      for (const Guard& g : world_.verbs[call.verb].guards) {
        for (const Effect& e : verb.effects) {
          if (g.path.kind != PieceKind::kParam && e.table == g.path.table) return true;
        }
      }
    }
    return false;
  }

  const Task& task_;
  const World& world_;
  Store& store_;
  bool wide_;
  Values constants_;
  Candidates out_;
};

}  // namespace

Candidates find_candidates(const Task& task, Store& store, bool wide) {
  return Finder(task, store, wide).run();
}

}  // namespace stateutils::bench
