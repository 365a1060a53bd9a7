#include "bench/validate/mutants.hpp"

#include <algorithm>
#include <span>

#include "bench/run/episode.hpp"
#include "bench/world/text.hpp"
#include "core/dom.hpp"

namespace stateutils::bench {
namespace {

// A value of the same kind close by: the next minute-hour, the next integer, a text one word off.
Id near_value(AtomPool& atoms, Id value) {
  const std::string text(atoms.text(value));
  switch (atoms.kind(value)) {
    case AtomKind::kInteger: {
      std::int64_t n = 0;
      for (const char c : text) {
        if (c != '-') n = (n * 10 + (c - '0')) % 1'000'000'000;
      }
      return atoms.integer(n + 1);
    }
    case AtomKind::kBool:
      return atoms.boolean(text != "true");
    case AtomKind::kString:
      break;
    default:
      return atoms.string("other");
  }
  if (const auto minutes = parse_datetime(text))
    return atoms.string(format_datetime(*minutes + 60));
  return atoms.string(text + " 2");
}

Id far_value(AtomPool& atoms, Id value) {
  const std::string text(atoms.text(value));
  if (atoms.kind(value) == AtomKind::kInteger) return atoms.integer(987654321);
  if (const auto minutes = parse_datetime(text)) {
    return atoms.string(format_datetime(*minutes + 9 * 1440 + 180));
  }
  return atoms.string("Quarterly budget call");
}

class PlanMutator {
 public:
  PlanMutator(const Task& task, Machine& machine, const RightPlan& plan, const MutantSink& sink)
      : task_(task), machine_(machine), store_(machine.store()), plan_(plan), sink_(sink) {
    before_.push_back(task.initial);
    for (const Call& call : plan.calls) {
      before_.push_back(run_calls(machine_, before_.back(), {&call, 1}));
    }
  }

  void run() {
    for (std::size_t i = 0; i < plan_.calls.size(); ++i) {
      drop(i);
      cut(i);
      if (!verb(i).mutates()) continue;
      duplicate(i);
      swap(i);
      for (std::size_t p = 0; p < verb(i).params.size(); ++p) perturb(i, p);
    }
    answers();
    if (!takes_arguments()) {
      for (std::size_t i = 0; i < plan_.calls.size(); ++i) replace(i);
    }
    extras();
    recreate();
  }

 private:
  [[nodiscard]] const Verb& verb(std::size_t i) const {
    return machine_.world().verbs[plan_.calls[i].verb];
  }

  void emit(const char* op, Id state, const std::string& detail) {
    sink_({op, state, plan_.answer, detail});
  }

  // Continues after `state` with the plan from command `next` on.
  Id rest(Id state, std::size_t next) {
    return run_calls(machine_, state, std::span<const Call>(plan_.calls).subspan(next));
  }

  Id step(Id state, const Call& call) {
    Result result;
    machine_.run(state, call, 0, result);
    return result.state;
  }

  void drop(std::size_t i) { emit("drop", rest(before_[i], i + 1), machine_.text(plan_.calls[i])); }

  // The first i commands and then nothing: no answer either.
  void cut(std::size_t i) {
    sink_({"prefix", before_[i], "", "the first " + std::to_string(i) + " commands"});
  }

  void duplicate(std::size_t i) {
    emit("duplicate", rest(step(before_[i + 1], plan_.calls[i]), i + 1),
         machine_.text(plan_.calls[i]));
  }

  void swap(std::size_t i) {
    if (i == 0 || !verb(i - 1).mutates()) return;
    Id state = step(before_[i - 1], plan_.calls[i]);
    state = step(state, plan_.calls[i - 1]);
    emit("swap", rest(state, i + 1), machine_.text(plan_.calls[i]));
  }

  void perturbed(const char* op, std::size_t i, std::size_t p, Id value) {
    if (value == kNone || value == plan_.calls[i].args[p]) return;
    Call call = plan_.calls[i];
    call.args[p] = value;
    // Through the parser: a value the verb refuses is a failed command, as it would be in a trial.
    const std::string line = machine_.text(call);
    Result result;
    machine_.run(before_[i], line, 0, result);
    emit(op, rest(result.state, i + 1), line);
  }

  void perturb(std::size_t i, std::size_t p) {
    const Param& param = verb(i).params[p];
    const Id value = plan_.calls[i].args[p];
    if (value == kNone || param.role == Role::kFree) return;
    if (param.role == Role::kKey) return retarget(i, p);
    if (!param.values.empty()) {
      for (const std::string& other : param.values) {
        perturbed("perturb_near", i, p, store_.atoms.string(other));
      }
      return;
    }
    perturbed("perturb_near", i, p, near_value(store_.atoms, value));
    perturbed("perturb_far", i, p, far_value(store_.atoms, value));
    for (const Effect& effect : verb(i).effects) {
      for (const auto& [field, t] : effect.set) {
        const bool plain =
            t.pieces.size() == 1 && t.pieces[0].kind == PieceKind::kParam && t.pieces[0].param == p;
        if (plain) perturbed("perturb_decoy", i, p, other_value(effect.table, field, value));
      }
    }
  }

  // What another row holds in the same field, decoys first.
  Id other_value(Id table, Id field, Id value) {
    for (std::size_t k = 0; k < task_.preset.size(); ++k) {
      if (task_.preset[k].table != table || task_.preset_kinds[k] != "decoy") continue;
      const Id row = store_.find_row(task_.initial, table, task_.preset[k].key);
      const Id other = row == kNone ? kNone : store_.value_of(row, field);
      if (other != kNone && other != value) return other;
    }
    for (const Id row : store_.rows_of(task_.initial, table)) {
      const Id other = store_.value_of(row, field);
      if (other != kNone && other != value) return other;
    }
    return kNone;
  }

  // Other objects of the table in whose guard the argument stands.
  void retarget_guarded(std::size_t i, std::size_t p) {
    static constexpr int kOthers = 12;
    for (const Guard& g : verb(i).guards) {
      const bool names = g.path.key && g.path.key->pieces.size() == 1 &&
                         g.path.key->pieces[0].kind == PieceKind::kParam &&
                         g.path.key->pieces[0].param == p;
      if (!names) continue;
      int left = kOthers;
      for (const Id row : store_.rows_of(before_[i], g.path.table)) {
        if (left-- == 0) break;
        perturbed("retarget", i, p, store_.key_of(row));
      }
      return;
    }
  }

  void retarget(std::size_t i, std::size_t p) {
    for (const Effect& effect : verb(i).effects) {
      const bool keyed = effect.key && effect.key->pieces.size() == 1 &&
                         effect.key->pieces[0].kind == PieceKind::kParam &&
                         effect.key->pieces[0].param == p;
      const bool named = std::any_of(effect.set.begin(), effect.set.end(), [&](const auto& s) {
        return s.second.pieces.size() == 1 && s.second.pieces[0].kind == PieceKind::kParam &&
               s.second.pieces[0].param == p;
      });
      if (keyed) {
        for (const Id row : store_.rows_of(before_[i], effect.table)) {
          perturbed("retarget", i, p, store_.key_of(row));
        }
      } else if (named) {
        perturbed("retarget", i, p, near_value(store_.atoms, plan_.calls[i].args[p]));
        retarget_guarded(i, p);
      }
    }
  }

  void answers() {
    if (plan_.answer.empty()) {
      return;  // an answer nobody asked for harms nothing
    }
    sink_({"answer_drop", plan_.state, "", "no answer"});
    sink_({"answer_change", plan_.state, "\"something else\"", "another answer"});
    if (plan_.answer.front() == '[') mutate_list(plan_, sink_);
  }

  // Where no command has an argument to perturb, the command itself is: another one in its place,
  // or one more before it.
  [[nodiscard]] bool takes_arguments() const {
    const auto& verbs = machine_.world().verbs;
    return std::any_of(verbs.begin(), verbs.end(),
                       [](const Verb& v) { return v.mutates() && !v.params.empty(); });
  }

  void replace(std::size_t i) {
    static constexpr int kTries = 6;
    int replaced = 0, inserted = 0;
    Result result;
    for (std::size_t v = 0; v < machine_.world().verbs.size(); ++v) {
      const Verb& other = machine_.world().verbs[v];
      if (!other.mutates() || v == plan_.calls[i].verb) continue;
      machine_.run(before_[i], Call{v, {}}, 0, result);
      if (result.exit != 0 || result.state == before_[i]) continue;
      const Id state = result.state;
      if (replaced++ < kTries) emit("replace", rest(state, i + 1), other.name);
      if (inserted++ < kTries) emit("detour", rest(state, i), other.name);
    }
  }

  // Commands beyond the right plan, one per writing verb: each with arguments of that table's rows.
  void extras() {
    for (std::size_t v = 0; v < machine_.world().verbs.size(); ++v) {
      const Verb& verb = machine_.world().verbs[v];
      if (!verb.mutates()) continue;
      const char* op =
          verb.effects[0].op == EffectOp::kInsert
              ? store_.info(verb.effects[0].table).journal ? "extra_message" : "extra_insert"
          : verb.effects[0].op == EffectOp::kDelete || verb.effects[0].op == EffectOp::kClear
              ? "extra_delete"
              : "extra_update";
      Call call{v, {}};
      for (std::size_t p = 0; p < verb.params.size(); ++p) call.args.push_back(any_value(verb, p));
      const std::string line = machine_.text(call);
      Result result;
      machine_.run(plan_.state, line, 0, result);
      if (result.exit == 0) emit(op, result.state, line);
    }
  }

  Id any_value(const Verb& verb, std::size_t p) {
    const Param& param = verb.params[p];
    if (!param.values.empty()) return store_.atoms.string(param.values.back());
    switch (param.type) {
      case ParamType::kDatetime:
        return store_.atoms.string("2026-02-03T11:30Z");
      case ParamType::kInteger:
      case ParamType::kNumber:
        return store_.atoms.integer(4711);
      case ParamType::kBool:
        return store_.atoms.boolean(true);
      default:
        break;
    }
    if (param.role == Role::kKey) {
      for (const Effect& e : verb.effects) {
        const auto rows = store_.rows_of(plan_.state, e.table);
        if (e.key && !rows.empty()) return store_.key_of(rows.front());
      }
    }
    return store_.atoms.string("Plan the picnic");
  }

  // Instead of an update in place: delete the row and insert its final content anew.
  void recreate() {
    std::vector<Change> changes;
    store_.compare(task_.initial, plan_.state, changes);
    for (const Change& c : changes) {
      if (c.kind != ChangeKind::kUpdate || c.table <= Store::kFiles) continue;
      Id state = store_.without_row(plan_.state, c.table, c.key);
      const Id row =
          store_.row(store_.atoms.string("f" + std::string(store_.atoms.text(c.key)).substr(0, 3)),
                     store_.fields_of(c.new_row));
      if (store_.find_row(state, c.table, store_.key_of(row)) != kNone) continue;
      state = store_.with_row(state, c.table, row);
      emit("recreate", state, "delete and insert " + std::string(store_.atoms.text(c.key)));
    }
  }

  const Task& task_;
  Machine& machine_;
  Store& store_;
  const RightPlan& plan_;
  const MutantSink& sink_;
  std::vector<Id> before_;  // before_[i]: the state before command i
};

// A list as an answer: items dropped, doubled, exchanged, changed or added, and the whole turned
// round, rotated, shortened or given as a text.
class ListMutator {
 public:
  ListMutator(const RightPlan& plan, const MutantSink& sink) : plan_(plan), sink_(sink) {}

  void run() {
    simdjson::dom::parser parser;
    simdjson::dom::array array;
    if (core::parse_json(parser, plan_.answer).get(array) != simdjson::SUCCESS) return;
    for (const auto item : array) items_.push_back(canonical(item));
    for (std::size_t i = 0; i < items_.size(); ++i) one(i);
    whole();
  }

 private:
  using Items = std::vector<std::string>;

  void emit(const char* op, const Items& items) {
    std::string answer = "[";
    for (const std::string& item : items) answer += (answer.size() > 1 ? "," : "") + item;
    sink_({op, plan_.state, answer + "]", "another list"});
  }

  void one(std::size_t i) {
    const auto place = static_cast<std::ptrdiff_t>(i);
    Items items = items_;
    items.erase(items.begin() + place);
    emit("item_drop", items);
    items = items_;
    items.insert(items.begin() + place, items_[i]);
    emit("item_double", items);
    items = items_;
    items[i] = "\"other\"";
    emit("item_change", items);
    if (i + 1 == items_.size()) return;
    items = items_;
    std::swap(items[i], items[i + 1]);
    emit("item_swap", items);
  }

  void whole() {
    Items items(items_.rbegin(), items_.rend());
    emit("list_reverse", items);
    items = items_;
    std::rotate(items.begin(), items.begin() + (items.empty() ? 0 : 1), items.end());
    emit("list_rotate", items);
    std::sort(items.begin(), items.end());
    emit("list_sort", items);
    emit("list_empty", {});
    std::string text;
    append_json_string(text, plan_.answer);
    sink_({"list_text", plan_.state, text, "a text instead of a list"});
  }

  const RightPlan& plan_;
  const MutantSink& sink_;
  Items items_;
};

class StateMutator {
 public:
  StateMutator(const Task& task, Store& store, const RightPlan& plan, const MutantSink& sink)
      : task_(task), store_(store), plan_(plan), sink_(sink) {}

  void run() {
    std::vector<Change> changes;
    store_.compare(task_.initial, plan_.state, changes);
    for (const Change& c : changes) {
      if (c.kind == ChangeKind::kDelete) {
        emit("row_back", store_.with_row(plan_.state, c.table, c.old_row), c.table, c.key);
      } else {
        touched(c.table, c.new_row);
      }
    }
    for (Id t = 0; t < store_.table_count(); ++t) untouched(t);
  }

 private:
  void emit(const char* op, Id state, Id table, Id key) {
    sink_({op, state, plan_.answer,
           store_.info(table).name + "[" + std::string(store_.atoms.text(key)) + "]"});
  }

  Id with_field(Id row, Id field, Id value) {
    Fields fields = store_.fields_of(row);
    for (auto& [name, old] : fields) {
      if (name == field) old = value;
    }
    return store_.row(store_.key_of(row), std::move(fields));
  }

  void touched(Id table, Id row) {
    const Id key = store_.key_of(row);
    const char* changed = table == Store::kFiles    ? "file_bytes"
                          : table == Store::kConfig ? "config_value"
                                                    : "field";
    for (const auto& [field, value] : store_.fields_of(row)) {
      if (task_.world->is_free(table, field)) continue;
      emit(changed,
           store_.with_row(plan_.state, table,
                           with_field(row, field, near_value(store_.atoms, value))),
           table, key);
    }
    emit("row_delete", store_.without_row(plan_.state, table, key), table, key);
    copy(table, row);
    for (const Id other : store_.rows_of(plan_.state, table)) {
      if (other != row && swap(table, row, other)) break;
    }
  }

  void copy(Id table, Id row) {
    for (int n = 0; n < 100; ++n) {
      const std::string text = table <= Store::kFiles
                                   ? std::string(store_.atoms.text(store_.key_of(row))) + ".copy"
                                   : "c" + std::to_string(100 + n);
      const Id key = store_.atoms.string(text);
      if (store_.find_row(plan_.state, table, key) != kNone) continue;
      emit("row_copy", store_.with_row(plan_.state, table, store_.row(key, store_.fields_of(row))),
           table, key);
      return;
    }
  }

  // Two rows exchange the first field in which they differ.
  bool swap(Id table, Id a, Id b) {
    for (const auto& [field, value] : store_.fields_of(a)) {
      const Id other = store_.value_of(b, field);
      if (other == kNone || other == value || task_.world->is_free(table, field)) continue;
      Id state = store_.with_row(plan_.state, table, with_field(a, field, other));
      state = store_.with_row(state, table, with_field(b, field, value));
      emit("swap_fields", state, table, store_.key_of(a));
      return true;
    }
    return false;
  }

  // Rows that had to stay as they are: changed, deleted and copied, two per table.
  void untouched(Id table) {
    int left = 2;
    for (const Id row : store_.rows_of(task_.initial, table)) {
      const Id key = store_.key_of(row);
      if (left == 0) return;
      if (store_.find_row(plan_.state, table, key) != row) continue;
      --left;
      for (const auto& [field, value] : store_.fields_of(row)) {
        if (task_.world->is_free(table, field)) continue;
        emit("extra_update",
             store_.with_row(plan_.state, table,
                             with_field(row, field, near_value(store_.atoms, value))),
             table, key);
        break;
      }
      emit("extra_delete", store_.without_row(plan_.state, table, key), table, key);
      copy(table, row);
    }
  }

  const Task& task_;
  Store& store_;
  const RightPlan& plan_;
  const MutantSink& sink_;
};

}  // namespace

Id run_calls(Machine& machine, Id state, std::span<const Call> calls) {
  Result result;
  for (const Call& call : calls) {
    if (!machine.world().verbs[call.verb].mutates()) continue;  // reads change nothing
    machine.run(state, call, 0, result);
    state = result.state;
  }
  return state;
}

void mutate_plan(const Task& task, Machine& machine, const RightPlan& plan,
                 const MutantSink& sink) {
  PlanMutator(task, machine, plan, sink).run();
}

void mutate_list(const RightPlan& plan, const MutantSink& sink) {
  ListMutator(plan, sink).run();
}

void flip_branch(Machine& machine, Id initial, const Plan& other, const MutantSink& sink) {
  Result result;
  Id state = initial;
  std::string answer;
  for (const std::string& line : other) {
    if (line == "done" || line.starts_with("done ")) {
      answer = canonical_answer(std::string_view(line).substr(4));
      break;
    }
    machine.run(state, line, 0, result);
    state = result.state;
  }
  sink({"branch_flip", state, answer, "the twin's plan"});
}

void mutate_state(const Task& task, Store& store, const RightPlan& plan, const MutantSink& sink) {
  StateMutator(task, store, plan, sink).run();
}

}  // namespace stateutils::bench
