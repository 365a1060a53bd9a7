#include "bench/validate/validate.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "bench/run/episode.hpp"
#include "bench/validate/mutants.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

// A final state and answer up to what does not matter: generated keys, free fields, clock fields.
class NormalForm {
 public:
  NormalForm(const Task& task, Store& store) : task_(task), store_(store) {}

  Id of(Id state, const std::string& answer) {
    store_.compare(task_.initial, state, changes_);
    form_.clear();
    for (const Change& c : changes_) {
      if (c.kind == ChangeKind::kUpdate && !changed_fields_matter(c)) continue;
      form_.push_back(change_id(c));
    }
    std::sort(form_.begin(), form_.end());
    form_.push_back(store_.atoms.string(answer));
    return sequences_.intern(form_);
  }

 private:
  [[nodiscard]] bool skipped(Id table, Id field) const {
    const auto& clock = store_.info(table).clock;
    return task_.world->is_free(table, field) ||
           std::find(clock.begin(), clock.end(), field) != clock.end();
  }

  [[nodiscard]] bool changed_fields_matter(const Change& c) const {
    for (const Id field : changed_fields(store_, c)) {
      if (!skipped(c.table, field)) return true;
    }
    return false;
  }

  Id change_id(const Change& c) {
    // New rows are told apart by content alone: their keys were made up by the world.
    const bool made_up = c.kind == ChangeKind::kInsert && c.table > Store::kFiles;
    change_.assign({c.table, static_cast<Id>(c.kind), made_up ? kNone : c.key});
    if (c.kind != ChangeKind::kDelete) {
      const auto row = store_.raw_row(c.new_row);  // the key, then names and values by turns
      for (std::size_t i = 1; i < row.size(); i += 2) {
        if (skipped(c.table, row[i])) continue;
        change_.push_back(row[i]);
        change_.push_back(store_.normal(c.table, row[i], row[i + 1]));
      }
    }
    return sequences_.intern(change_);
  }

  const Task& task_;
  Store& store_;
  SequencePool sequences_;
  std::vector<Change> changes_;
  std::vector<Id> form_, change_;  // what is about to be interned
};

struct PlanEnd {
  Id state = 0;
  std::string answer;
};

// Where the lines of a plan lead. What reads print is of no interest, so they are only parsed.
PlanEnd play(Machine& machine, Id state, const Plan& plan) {
  PlanEnd end{state, ""};
  Result result;
  Call call;
  for (const std::string& line : plan) {
    if (line == "done" || line.starts_with("done ")) {
      end.answer = canonical_answer(std::string_view(line).substr(4));
      break;
    }
    const bool parsed = machine.parse(line, call, result.error) == 0;
    if (!parsed || !machine.world().verbs[call.verb].mutates()) continue;
    machine.run(end.state, call, 0, result);
    end.state = result.state;
  }
  return end;
}

class Validator {
 public:
  Validator(const Task& task, const Task* twin, Store& store, const ValidateOptions& options)
      : task_(task),
        twin_(twin),
        store_(store),
        options_(options),
        machine_(*task.world, store, task.initial),
        judge_(task.contract, store, task.initial),
        normal_(task, store) {}

  Validation run(const SearchResult* found) {
    SearchResult own;
    if (found == nullptr) {
      SearchOptions search;
      search.max_states = options_.max_states;
      search.all_shortest = options_.plans;
      own = solve(task_, machine_, judge_, search);
      found = &own;
    }
    out_.states = found->states;
    if (found->end != SearchEnd::kSolved) {
      fail(found->end == SearchEnd::kLimit ? "search limit reached" : "unsolvable");
      return std::move(out_);
    }
    for (const Option& option : task_.contract.options) {
      if (!option.deny) fail("frame.default is allow: anything else may change");
    }
    accept_plans(*found);
    check_noop();
    check_shortcuts();
    check_twin(*found);
    if (!right_.empty()) mutate();
    judge_mutants();
    out_.ok = out_.why.empty();
    return std::move(out_);
  }

 private:
  void fail(const std::string& why) { out_.why.push_back(why); }

  void accept_plans(const SearchResult& found) {
    for (std::size_t i = 0; i < found.calls.size() && i < options_.plans; ++i) {
      RightPlan plan{found.calls[i], "", run_calls(machine_, task_.initial, found.calls[i])};
      plan.answer = answer_of(found.plans[i]);
      // The line form must do what the calls do: agents only have lines.
      const PlanEnd lines = play(machine_, task_.initial, found.plans[i]);
      const bool same = lines.state == plan.state && lines.answer == plan.answer;
      if (!same || !judge_.judge(plan.state, plan.answer).strict) {
        fail("optimal plan " + std::to_string(i) + " is rejected");
        continue;
      }
      ++out_.plans_accepted;
      accepted_.insert(normal_.of(plan.state, plan.answer));
      randomise_free(plan);
      right_.push_back(std::move(plan));
    }
    // References that came with the record count too: they may come from another hand.
    for (const Plan& reference : task_.reference) {
      const PlanEnd end = play(machine_, task_.initial, reference);
      if (!judge_.judge(end.state, end.answer).strict) fail("the record's reference is rejected");
    }
  }

  static std::string answer_of(const Plan& plan) {
    if (plan.empty() || !plan.back().starts_with("done ")) return {};
    return canonical_answer(std::string_view(plan.back()).substr(4));
  }

  void randomise_free(const RightPlan& plan) {
    std::vector<Call> calls = plan.calls;
    bool any = false;
    int n = 0;
    for (Call& call : calls) {
      const Verb& verb = task_.world->verbs[call.verb];
      for (std::size_t p = 0; p < verb.params.size(); ++p) {
        if (verb.params[p].role != Role::kFree || verb.params[p].type != ParamType::kText) continue;
        call.args[p] =
            store_.atoms.string("Free text " + std::to_string(++n) + " \"quoted\" \xC3\xA9");
        any = true;
      }
    }
    if (!any) return;
    const Id state = run_calls(machine_, task_.initial, calls);
    if (!judge_.judge(state, plan.answer).strict) fail("a plan with other free texts is rejected");
  }

  void check_noop() {
    const Verdict v = judge_.judge(task_.initial, "");
    out_.noop = v.strict;
    if (v.strict) fail("an agent that does nothing passes");
    if (v.scores.progress != 0) fail("an agent that does nothing makes progress");
  }

  [[nodiscard]] bool passes(const Task& task, const Plan& plan) {
    Machine machine(*task.world, store_, task.initial);
    const Judge judge(task.contract, store_, task.initial);
    const PlanEnd end = play(machine, task.initial, plan);
    return judge.judge(end.state, end.answer).strict;
  }

  void check_shortcuts() {
    if (task_.blind) {
      out_.blind = passes(task_, *task_.blind);
      if (out_.blind) fail("the plan that never looks passes");
    }
    if (!task_.stale) return;
    out_.stale = passes(task_, *task_.stale);
    const bool guilty = std::any_of(
        task_.preset_kinds.begin(), task_.preset_kinds.end(),
        [](const auto& kind) { return kind == "partial" || kind == "stale" || kind == "wrong"; });
    if (out_.stale && guilty) fail("the plan that trusts what it finds passes");
    if (out_.stale && twin_ != nullptr && passes(*twin_, *task_.stale)) {
      fail("the plan that trusts what it finds passes both twins");
    }
  }

  void check_twin(const SearchResult& found) {
    if (twin_ == nullptr) return;
    bool apart = !passes(*twin_, found.plans.front());
    if (!apart) fail("the reference passes the twin");
    if (!twin_->reference.empty() && passes(task_, twin_->reference.front())) {
      fail("the twin's reference passes");
      apart = false;
    }
    out_.twins = apart ? 1 : 0;
  }

  void mutate() {
    const MutantSink sink = [&](const Mutant& m) { mutants_.push_back(m); };
    mutate_plan(task_, machine_, right_.front(), sink);
    if (const auto& check = task_.contract.options.front().check) {
      for (FamilyCheck::WrongAnswer& wrong : check->wrong_answers()) {
        sink({wrong.op, right_.front().state, std::move(wrong.answer), "an answer"});
      }
    }
    if (twin_ != nullptr && !twin_->reference.empty()) {
      flip_branch(machine_, task_.initial, twin_->reference.front(), sink);
    }
    if (options_.all_mutants) mutate_state(task_, store_, right_.front(), sink);
  }

  enum class Fate : std::uint8_t { kEquivalent, kKilled, kSurvives };

  // Many wrong turns end in the same place: each end is judged once.
  Fate fate(const Mutant& m) {
    for (const auto& [answer, known] : fates_[m.state]) {
      if (answer == m.answer) return known;
    }
    const Fate found = judge_end(m);
    fates_[m.state].emplace_back(m.answer, found);
    return found;
  }

  Fate judge_end(const Mutant& m) {
    if (accepted_.contains(normal_.of(m.state, m.answer))) return Fate::kEquivalent;
    std::vector<bool> violated = judge_.violated(0, m.state, m.answer);
    const bool first_holds = std::find(violated.begin(), violated.end(), true) == violated.end();
    const bool accepted =
        first_holds || (task_.contract.options.size() > 1 && judge_.accepts(m.state, m.answer));
    if (accepted) return right_by_family(m) ? Fate::kEquivalent : Fate::kSurvives;
    broken_.push_back(std::move(violated));
    return Fate::kKilled;
  }

  void judge_mutants() {
    for (const Mutant& m : mutants_) {
      OperatorCount& count = out_.by_op[m.op];
      ++out_.mutants, ++count.mutants;
      switch (fate(m)) {
        case Fate::kEquivalent:
          ++out_.equivalent, ++count.equivalent;
          break;
        case Fate::kKilled:
          ++out_.killed, ++count.killed;
          break;
        case Fate::kSurvives:
          out_.survivors.push_back({m.op, m.detail});
      }
    }
    if (!out_.survivors.empty()) fail("mutants survive");
    if (!options_.all_mutants) return;
    std::size_t operators = 0;
    for (const auto& [op, count] : out_.by_op) operators += count.mutants > count.equivalent;
    if (out_.mutants - out_.equivalent < options_.min_mutants) fail("too few mutants");
    if (operators < options_.min_operators) fail("too few mutation operators");
    find_redundant();
  }

  // Where a family knows several right ends, its own enumeration tells which mutants are among
  // them.
  [[nodiscard]] bool right_by_family(const Mutant& m) const {
    const auto& check = task_.contract.options.front().check;
    return check && check->is_right(store_, m.state, m.answer);
  }

  // Dropping a clause is a mutant of the contract: some mutant must then survive, or nobody needs
  // the clause. The sets of violated clauses answer that without judging anything again.
  void find_redundant() {
    if (task_.contract.options.size() != 1) return;
    const Option& option = task_.contract.options.front();
    for (std::size_t c = 0; c < option.require.size(); ++c) {
      const bool needed = std::any_of(broken_.begin(), broken_.end(), [&](const auto& set) {
        return set[c] && std::count(set.begin(), set.end(), true) == 1;
      });
      if (!needed) out_.redundant.push_back(option.require[c].id);
    }
  }

  const Task& task_;
  const Task* twin_;
  Store& store_;
  const ValidateOptions& options_;
  Machine machine_;
  Judge judge_;
  NormalForm normal_;
  Validation out_;
  std::vector<RightPlan> right_;
  std::set<Id> accepted_;
  std::vector<Mutant> mutants_;
  std::unordered_map<Id, std::vector<std::pair<std::string, Fate>>> fates_;  // by state and answer
  std::vector<std::vector<bool>>
      broken_;  // clauses of the first option that killed mutants violate
};

}  // namespace

std::string Validation::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("ok", ok).field("plans_accepted", plans_accepted);
  json.field("mutants", mutants).field("equivalent", equivalent).field("killed", killed);
  json.key("survivors").begin_array();
  for (const Survivor& s : survivors) {
    json.begin_object().field("op", s.op).field("detail", s.detail).end_object();
  }
  json.end_array().field("twins", twins).key("shortcuts").begin_object();
  json.field("noop", noop).field("blind", blind).field("stale", stale).end_object();
  json.field("states", states);
  if (!redundant.empty()) {
    json.key("redundant_clause").begin_array();
    for (const std::string& id : redundant) json.value(id);
    json.end_array();
  }
  if (!why.empty()) {
    json.key("why").begin_array();
    for (const std::string& w : why) json.value(w);
    json.end_array();
  }
  json.end_object();
  return out;
}

Validation validate(const Task& task, const Task* twin, Store& store, const SearchResult* found,
                    const ValidateOptions& options) {
  return Validator(task, twin, store, options).run(found);
}

}  // namespace stateutils::bench
