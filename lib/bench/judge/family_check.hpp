// What a family knows about right answers and equalities cannot say: one condition on final state
// and answer, judged beside a contract's clauses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/world/state.hpp"

namespace stateutils::bench {

class FamilyCheck {
 public:
  virtual ~FamilyCheck() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // From 0 (an agent that does nothing) to 1 (right).
  [[nodiscard]] virtual double quality(const Store& store, Id state,
                                       std::string_view answer) const = 0;
  // Whether this is one of the right ends, found in another way than quality() does; mutants that
  // happen to be right are told apart by it.
  [[nodiscard]] virtual bool is_right(const Store& store, Id state,
                                      std::string_view answer) const = 0;
  // Optimal plans: command lines, perhaps with a last "done JSON".
  [[nodiscard]] virtual std::vector<std::vector<std::string>> plans() const = 0;
  // Wrong answers worth trying (canonical JSON), with the operator that made each.
  struct WrongAnswer {
    const char* op;
    std::string answer;
  };
  [[nodiscard]] virtual std::vector<WrongAnswer> wrong_answers() const { return {}; }
};

}  // namespace stateutils::bench
