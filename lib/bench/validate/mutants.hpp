// Mutants of plans and of final states. Each is judged by the caller; none is judged twice.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "bench/task/task.hpp"

namespace stateutils::bench {

// A wrong turn: the state it ends in and the answer it gives (canonical JSON, empty = none).
struct Mutant {
  const char* op;
  Id state;
  std::string answer, detail;
};
using MutantSink = std::function<void(const Mutant&)>;

struct RightPlan {
  std::vector<Call> calls;
  std::string answer;
  Id state;  // where it ends
};

// Every command of a plan dropped, doubled, swapped, cut off, with perturbed grounded arguments,
// retargeted to another object, plus writes nobody asked for.
void mutate_plan(const Task& task, Machine& machine, const RightPlan& plan, const MutantSink& sink);
// A list as an answer, changed in every way that a list can be a little wrong.
void mutate_list(const RightPlan& plan, const MutantSink& sink);
// The twin's plan on this task.
void flip_branch(Machine& machine, Id initial, const Plan& other, const MutantSink& sink);
// Rows, fields, config and file contents of the right end state changed one by one.
void mutate_state(const Task& task, Store& store, const RightPlan& plan, const MutantSink& sink);

// Runs calls from `state`, failed ones changing nothing.
[[nodiscard]] Id run_calls(Machine& machine, Id state, std::span<const Call> calls);

}  // namespace stateutils::bench
