// A serial order of a register history, found by running its transactions one after the other.
#pragma once

#include <span>

#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

// Whether a greedy run gets through: a transaction may run once all that `deps` puts before it has
// run and, for each key it writes, everyone who read the key's current version. True proves that
// the history is serializable under `deps`; false says nothing. `nodes` beyond the transactions are
// points of time. Linear but for a queue, so it is tried before any search.
[[nodiscard]] bool has_serial_order(const TxnHistory& history, const TxnFacts& facts,
                                    std::span<const Dep> deps, std::size_t nodes);

}  // namespace stateutils::sbus
