// Levels decided by saturation, after Biswas and Enea, "On the complexity of checking transactional
// consistency" (2019): a total order co of the transactions, which extends session order and
// reads-from, must exist such that whenever t3 reads x from t1 and another writer t2 of x is
// related to t3 as the level says, t2 comes before t1 in co.
#pragma once

#include "sbus/txn_check.hpp"
#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

// For rc, ra, cc, ryw, mr, mw and wfr. The last node of the graph stands for the initial state.
[[nodiscard]] DepGraph saturated(const TxnHistory& history, const TxnFacts& facts, Level level);

}  // namespace stateutils::sbus
