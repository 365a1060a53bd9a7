// Hardening: a task is kept only if every optimal plan passes, no shortcut does, and every mutant
// of plan or final state that is not equivalent to a right end is rejected.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/judge/judge.hpp"
#include "bench/solve/solve.hpp"
#include "bench/task/task.hpp"

namespace stateutils::bench {

struct Survivor {
  std::string op, detail;
};

struct OperatorCount {
  std::uint64_t mutants = 0, equivalent = 0, killed = 0;
};

struct Validation {
  bool ok = false;
  std::size_t plans_accepted = 0;
  std::uint64_t mutants = 0, equivalent = 0, killed = 0;
  std::vector<Survivor> survivors;
  int twins = 0;  // 1 when the twin was there and neither reference passes the other's task
  bool noop = false, blind = false, stale = false;  // whether the shortcut passed
  std::uint64_t states = 0;
  std::vector<std::string> redundant;  // clauses that no mutant needs
  std::vector<std::string> why;        // what failed
  std::map<std::string, OperatorCount> by_op;
  [[nodiscard]] std::string json() const;
};

struct ValidateOptions {
  bool all_mutants = true;  // false: only those of plans
  std::size_t plans = 8;    // optimal plans that must pass
  std::uint64_t max_states = 2'000'000;
  std::uint64_t min_mutants = 40;
  std::size_t min_operators = 8;
};

// `twin` may be null. Both tasks live in `store`; `found` is the search result where the caller
// has it, else the task is solved here.
[[nodiscard]] Validation validate(const Task& task, const Task* twin, Store& store,
                                  const SearchResult* found, const ValidateOptions& options);

}  // namespace stateutils::bench
