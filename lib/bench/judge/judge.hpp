// The verdict on one final state and answer: a pure function of contract, initial state, final
// state and answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/judge/contract.hpp"

namespace stateutils::bench {

struct ClauseResult {
  bool holds = false;
  bool progress = false;  // false at the start: it belongs to P, else to the guards G
};

struct Scores {
  double progress = 0, partial = 0, partial_plain = 0;
};

struct Verdict {
  bool strict = false;
  std::size_t option = 0;             // the alternative that scored best
  std::vector<ClauseResult> clauses;  // of that option, in its order
  bool answer_asked = false, answer_held = true;
  std::optional<double> quality;  // of a family's own condition
  std::vector<Change> frame;      // changes that no rule allows
  Scores scores;
  std::size_t violations = 0, pending = 0;  // violated guards; |P|
  // F = progress - violations/|P|: what step rewards are differences of.
  [[nodiscard]] double potential() const;
};

class Judge {
 public:
  // `initial` must live in the same store; clauses true there are guards.
  Judge(const Contract& contract, Store& store, Id initial);

  [[nodiscard]] Verdict judge(Id final_state, std::string_view answer) const;
  // The same question without a record of why; what search asks of every state.
  [[nodiscard]] bool accepts(Id final_state, std::string_view answer) const;
  // Whether every change so far may be part of a right end (frame rules with capacity).
  [[nodiscard]] bool frame_holds(std::size_t option, Id state) const;
  [[nodiscard]] bool clause_holds(const Clause& clause, Id state) const;
  // Clauses of this option that hold, one bit each (the answer is the last bit), then one bit for
  // the frame; for finding which mutants only one clause kills.
  [[nodiscard]] std::vector<bool> violated(std::size_t option, Id state,
                                           std::string_view answer) const;
  [[nodiscard]] const Contract& contract() const { return contract_; }
  [[nodiscard]] Id initial() const { return initial_; }
  [[nodiscard]] bool starts_true(std::size_t option, std::size_t clause) const {
    return initially_[option][clause];
  }

 private:
  struct Entry;
  void entries(Id state, std::vector<Entry>& out) const;
  [[nodiscard]] bool allowed(const Allow& rule, const Entry& entry) const;
  // Indices of entries that a best assignment to rules leaves over.
  [[nodiscard]] std::vector<std::size_t> left_over(const Option& option,
                                                   const std::vector<Entry>& entries) const;
  [[nodiscard]] bool row_fits(Id table, Id row, const Fields& match) const;
  [[nodiscard]] Verdict judge_option(std::size_t index, Id state, std::string_view answer,
                                     const std::vector<Entry>& entries) const;

  const Contract& contract_;
  Store& store_;
  Id initial_;
  std::vector<std::vector<bool>> initially_;
  mutable std::vector<Change> changes_;  // of the state asked about last: room, not memory
};

// {"strict":..., "clauses":[{id, holds, progress}], "answer"?, "frame":[{table, op, key, fields}]}
[[nodiscard]] std::string verdict_json(const Verdict& verdict, const Contract& contract,
                                       const Store& store);
// Names of the fields in which two rows differ, clock fields left out.
[[nodiscard]] std::vector<Id> changed_fields(const Store& store, const Change& change);

}  // namespace stateutils::bench
