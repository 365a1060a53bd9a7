// Orders of the writes of a register that follow when each key alone is known to behave.
#pragma once

#include <vector>

#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

// Each key is sequentially consistent: a session sees its versions in their order. A version seen
// before another one in a session comes before it.
void add_sequential_keys(const TxnHistory& history, const TxnFacts& facts, std::vector<Dep>& deps);
// Each key is linearizable: the same for transactions of which one ended before the other began.
void add_linearizable_keys(const TxnHistory& history, const TxnFacts& facts,
                           std::vector<Dep>& deps);

}  // namespace stateutils::sbus
