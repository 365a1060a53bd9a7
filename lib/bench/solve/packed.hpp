// Worlds small enough to search as bits: verbs that read and write nothing but configuration
// values from finite sets. A state is one 64-bit word, a verb a few masks.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bench/judge/judge.hpp"
#include "bench/solve/solve.hpp"
#include "bench/world/world.hpp"

namespace stateutils::bench {

class PackedSystem {
 public:
  // Empty when some verb needs more than bits: free arguments, tables, sums, or over 64 bits.
  [[nodiscard]] static std::optional<PackedSystem> compile(const World& world, Store& store,
                                                           Id initial);

  // A choice of bits that a variable must be among.
  struct Filter {
    unsigned shift = 0;
    std::uint64_t mask = 0;
    std::vector<bool> allowed;
  };
  struct Action {
    std::uint64_t guard_mask = 0, guard = 0;  // equalities, all at once
    std::uint64_t clear = 0, set = 0;
    std::vector<Filter> filters;  // everything that is no equality
    Call call;
  };

  [[nodiscard]] std::uint64_t initial() const { return initial_; }
  [[nodiscard]] const std::vector<Action>& actions() const { return actions_; }
  // Calls use(action index, next state) for every action that is possible and changes something.
  template <class Use>
  void expand(std::uint64_t state, const Use& use) const {
    const auto& list = by_selector_[(state >> selector_shift_) & selector_mask_];
    for (const Step& step : list) {
      if ((state & step.guard_mask) != step.guard) continue;
      const std::uint64_t next = (state & ~step.clear) | step.set;
      if (next == state || (step.filtered && !passes(step.action, state))) continue;
      use(step.action, next);
    }
  }
  // Calls use(action index, previous state) for every way into `state`.
  template <class Use>
  void expand_back(std::uint64_t state, const Use& use) const {
    for (std::uint32_t i = 0; i < actions_.size(); ++i) {
      const Action& a = actions_[i];
      if (((state ^ a.set) & a.clear) != 0) continue;
      if (((state ^ a.guard) & a.guard_mask & ~a.clear) != 0) continue;
      // What the action overwrote is what its guards say, or anything.
      const std::uint64_t known = (state & ~a.clear) | (a.guard & a.clear);
      each_value(a.clear & ~a.guard_mask, 0, known, [&](std::uint64_t before) {
        if (before != state && passes(i, before)) use(i, before);
      });
    }
  }
  // The most previous states that one action can have.
  [[nodiscard]] double most_ways_back() const;
  [[nodiscard]] Id unpack(std::uint64_t state, Store& store) const;
  // Bits of "configuration `key` is `value`" (kNone: absent). False when no verb and no initial
  // value ever gives it that.
  [[nodiscard]] bool equality(Id key, Id value, const Store& store, std::uint64_t& mask,
                              std::uint64_t& bits) const;
  [[nodiscard]] bool knows(Id key) const;

 private:
  friend class PackedCompiler;
  struct Variable {
    Id key = kNone;
    unsigned shift = 0;
    std::uint64_t mask = 0;  // unshifted
    std::vector<Id> values;
  };
  struct Step {  // what the inner loop needs of an action
    std::uint64_t guard_mask, guard, clear, set;
    std::uint32_t action;
    bool filtered;
  };
  [[nodiscard]] bool passes(std::uint32_t action, std::uint64_t state) const;
  // Calls use(state) with every combination of values of the variables in `open`.
  template <class Use>
  void each_value(std::uint64_t open, std::size_t from, std::uint64_t state, const Use& use) const {
    while (from < variables_.size() &&
           ((variables_[from].mask << variables_[from].shift) & open) == 0) {
      ++from;
    }
    if (from == variables_.size()) return use(state);
    for (std::uint64_t v = 0; v < variables_[from].values.size(); ++v) {
      each_value(open, from + 1, state | (v << variables_[from].shift), use);
    }
  }

  std::vector<Variable> variables_;
  std::vector<Action> actions_;
  std::vector<std::vector<Step>> by_selector_;
  unsigned selector_shift_ = 0;
  std::uint64_t selector_mask_ = 0, initial_ = 0;
  Id initial_state_ = 0;
};

// Breadth-first search for a state that the judge accepts without an answer; the reference is the
// first of the shortest plans in order of the verbs.
[[nodiscard]] SearchResult search_packed(const PackedSystem& system, const Judge& judge,
                                         Machine& machine, const SearchOptions& options);

// All states that can be reached (up to `max_states`), in breadth-first order, with their depths.
struct Reached {
  std::vector<std::uint64_t> states;
  std::vector<int> depths;
  bool complete = true;
};
[[nodiscard]] Reached reach_all(const PackedSystem& system, std::uint64_t max_states);

}  // namespace stateutils::bench
