// A serial order of a register history, guessed from where its transactions can be at all.
#pragma once

#include <cstdint>
#include <vector>

#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

// Orders the writers of each key by the middle of the places that `deps` leave them, the clearest
// half at a time, and lets forces_contradiction() draw the consequences before the next half. True
// proves that the history is serializable under `deps`: the order found has been replayed; false
// says nothing. `nodes` beyond the transactions are points of time.
[[nodiscard]] bool has_likely_order(const TxnFacts& facts, std::size_t nodes, std::vector<Dep> deps,
                                    std::uint64_t& steps);

}  // namespace stateutils::sbus
