// The finite set of commands worth trying on a task: parameters are drawn from the contract, the
// keys in the state and the values that the tools name.
#pragma once

#include <vector>

#include "bench/task/task.hpp"

namespace stateutils::bench {

struct Candidates {
  std::vector<Call> reads, writes;
  std::vector<bool> enables;  // of writes: opens a guard of another write, so the frame may wait
};

// `wide` adds what pruning leaves out: optional filters of reads, and every grounded value for
// every parameter of a write.
[[nodiscard]] Candidates find_candidates(const Task& task, Store& store, bool wide);

}  // namespace stateutils::bench
