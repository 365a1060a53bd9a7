#include "bench/judge/judge.hpp"

#include <algorithm>
#include <tuple>

#include "core/json_writer.hpp"

namespace stateutils::bench {

struct Judge::Entry {
  Change change;
  std::vector<Id> fields;  // of an update
};

std::vector<Id> changed_fields(const Store& store, const Change& change) {
  std::vector<Id> out;
  const TableInfo& info = store.info(change.table);
  const auto differs = [&](Id field) {
    if (std::find(info.clock.begin(), info.clock.end(), field) != info.clock.end()) return false;
    return store.normal(change.table, field, store.value_of(change.old_row, field)) !=
           store.normal(change.table, field, store.value_of(change.new_row, field));
  };
  // Rows are a key, then names and values by turns.
  const auto now = store.raw_row(change.new_row), before = store.raw_row(change.old_row);
  for (std::size_t i = 1; i < now.size(); i += 2) {
    if (differs(now[i])) out.push_back(now[i]);
  }
  for (std::size_t i = 1; i < before.size(); i += 2) {
    if (store.value_of(change.new_row, before[i]) == kNone) out.push_back(before[i]);
  }
  return out;
}

Judge::Judge(const Contract& contract, Store& store, Id initial)
    : contract_(contract), store_(store), initial_(initial) {
  for (const Option& option : contract.options) {
    std::vector<bool> held;
    for (const Clause& clause : option.require) held.push_back(clause_holds(clause, initial));
    initially_.push_back(std::move(held));
  }
}

bool Judge::row_fits(Id table, Id row, const Fields& match) const {
  for (const auto& [field, wanted] : match) {
    if (store_.normal(table, field, store_.value_of(row, field)) != wanted) return false;
  }
  return true;
}

bool Judge::clause_holds(const Clause& clause, Id state) const {
  std::int64_t n = 0;
  for (const Id row : store_.rows_of(state, clause.table)) {
    if (clause.key != kNone && store_.key_of(row) != clause.key) continue;
    n += row_fits(clause.table, row, clause.match);
  }
  switch (clause.op) {
    case CountOp::kEq:
      return n == clause.count;
    case CountOp::kGe:
      return n >= clause.count;
    default:
      return n <= clause.count;
  }
}

void Judge::entries(Id state, std::vector<Entry>& out) const {
  store_.compare(initial_, state, changes_);
  out.reserve(changes_.size());
  for (const Change& change : changes_) {
    Entry entry{change, {}};
    if (change.kind == ChangeKind::kUpdate) {
      entry.fields = changed_fields(store_, change);
      if (entry.fields.empty()) continue;  // equal once normalised
    }
    out.push_back(std::move(entry));
  }
}

bool Judge::allowed(const Allow& rule, const Entry& entry) const {
  if (rule.table != entry.change.table || rule.op != entry.change.kind) return false;
  if (rule.key != kNone && rule.key != entry.change.key) return false;
  if (rule.fields && entry.change.kind == ChangeKind::kUpdate) {
    for (const Id field : entry.fields) {
      if (std::find(rule.fields->begin(), rule.fields->end(), field) == rule.fields->end()) {
        return false;
      }
    }
  }
  const Id row =
      entry.change.kind == ChangeKind::kDelete ? entry.change.old_row : entry.change.new_row;
  return row_fits(entry.change.table, row, rule.match);
}

// Maximum matching of entries to rules with capacities, by augmenting paths (Kuhn): first fit
// could spend a wide rule on an entry that a narrow one would have taken.
std::vector<std::size_t> Judge::left_over(const Option& option,
                                          const std::vector<Entry>& entries) const {
  std::vector<std::size_t> left;
  if (entries.empty()) return left;
  const std::size_t rules = option.allow.size();
  std::vector<std::size_t> rule_of(entries.size(), rules);  // `rules`: none yet
  std::vector<std::int64_t> used(rules, 0);
  std::vector<bool> seen;
  const auto place = [&](const auto& self, std::size_t e) -> bool {
    for (std::size_t r = 0; r < rules; ++r) {
      if (seen[r] || !allowed(option.allow[r], entries[e])) continue;
      seen[r] = true;
      bool room = used[r] < option.allow[r].max;
      if (room) ++used[r];
      for (std::size_t other = 0; other < entries.size() && !room; ++other) {
        room = rule_of[other] == r && self(self, other);
      }
      if (room) return rule_of[e] = r, true;
    }
    return false;
  };
  for (std::size_t e = 0; e < entries.size(); ++e) {
    seen.assign(rules, false);
    if (!place(place, e)) left.push_back(e);
  }
  return left;
}

bool Judge::frame_holds(std::size_t option, Id state) const {
  const Option& o = contract_.options[option];
  if (!o.deny) return true;
  std::vector<Entry> found;
  entries(state, found);
  return left_over(o, found).empty();
}

bool Judge::accepts(Id state, std::string_view answer) const {
  for (std::size_t i = 0; i < contract_.options.size(); ++i) {
    const Option& option = contract_.options[i];
    const bool all = std::all_of(option.require.begin(), option.require.end(),
                                 [&](const Clause& c) { return clause_holds(c, state); });
    if (!all || (option.answer && !answer_holds(*option.answer, answer))) continue;
    if (option.check && option.check->quality(store_, state, answer) < 1) continue;
    if (frame_holds(i, state)) return true;
  }
  return false;
}

std::vector<bool> Judge::violated(std::size_t index, Id state, std::string_view answer) const {
  const Option& option = contract_.options[index];
  std::vector<bool> out;
  for (const Clause& clause : option.require) out.push_back(!clause_holds(clause, state));
  out.push_back((option.answer && !answer_holds(*option.answer, answer)) ||
                (option.check && option.check->quality(store_, state, answer) < 1));
  out.push_back(!frame_holds(index, state));
  return out;
}

Verdict Judge::judge_option(std::size_t index, Id state, std::string_view answer,
                            const std::vector<Entry>& found) const {
  const Option& option = contract_.options[index];
  Verdict v;
  v.option = index;
  double weight = 0, earned = 0;
  std::size_t held = 0;
  for (std::size_t c = 0; c < option.require.size(); ++c) {
    const bool holds = clause_holds(option.require[c], state), progress = !initially_[index][c];
    v.clauses.push_back({holds, progress});
    held += holds;
    if (progress) {
      ++v.pending;
      weight += option.require[c].weight;
      if (holds) earned += option.require[c].weight;
    } else if (!holds) {
      ++v.violations;
    }
  }
  if (option.answer) {
    v.answer_asked = true;
    v.answer_held = answer_holds(*option.answer, answer);
    ++v.pending;
    weight += 1;
    if (v.answer_held) earned += 1;
    held += v.answer_held;
  }
  if (option.check) {
    v.quality = option.check->quality(store_, state, answer);
    ++v.pending;
    weight += 1;
    earned += *v.quality;
    held += *v.quality >= 1;
  }
  if (option.deny) {
    for (const std::size_t e : left_over(option, found)) v.frame.push_back(found[e].change);
  }
  v.violations += v.frame.size();
  const std::size_t clauses =
      option.require.size() + (option.answer ? 1 : 0) + (option.check ? 1 : 0);
  v.strict = held == clauses && v.frame.empty();
  v.scores.progress = weight > 0 ? earned / weight : 0;
  const auto bad = static_cast<double>(v.violations), p = static_cast<double>(v.pending);
  v.scores.partial = v.scores.progress * (v.violations == 0 ? 1 : 1 - bad / (bad + p));
  v.scores.partial_plain =
      clauses > 0 ? static_cast<double>(held) / static_cast<double>(clauses) : 0;
  return v;
}

Verdict Judge::judge(Id state, std::string_view answer) const {
  std::vector<Entry> found;
  entries(state, found);
  Verdict best = judge_option(0, state, answer, found);
  for (std::size_t i = 1; i < contract_.options.size(); ++i) {
    Verdict v = judge_option(i, state, answer, found);
    const auto rank = [](const Verdict& x) {
      return std::tuple(x.strict, x.scores.partial, x.scores.progress);
    };
    if (rank(best) < rank(v)) best = std::move(v);
  }
  return best;
}

double Verdict::potential() const {
  const auto bad = static_cast<double>(violations);
  return scores.progress - (pending > 0 ? bad / static_cast<double>(pending) : bad);
}

std::string verdict_json(const Verdict& verdict, const Contract& contract, const Store& store) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("strict", verdict.strict);
  if (contract.options.size() > 1) json.field("alternative", verdict.option);
  json.key("clauses").begin_array();
  const Option& option = contract.options[verdict.option];
  for (std::size_t c = 0; c < verdict.clauses.size(); ++c) {
    json.begin_object().field("id", option.require[c].id);
    json.field("holds", verdict.clauses[c].holds).field("progress", verdict.clauses[c].progress);
    json.end_object();
  }
  if (verdict.answer_asked) {
    json.begin_object().field("id", "answer").field("holds", verdict.answer_held);
    json.field("progress", true).end_object();
  }
  if (verdict.quality) {
    json.begin_object().field("id", option.check->name()).field("holds", *verdict.quality >= 1);
    json.field("progress", true).end_object();
  }
  json.end_array().key("frame").begin_array();
  for (const Change& change : verdict.frame) {
    json.begin_object().field("table", store.info(change.table).name);
    json.field("op", op_name(change.kind));
    json.field("key", store.atoms.text(change.key)).key("fields").begin_array();
    if (change.kind == ChangeKind::kUpdate) {
      for (const Id field : changed_fields(store, change)) json.value(store.atoms.text(field));
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace stateutils::bench
