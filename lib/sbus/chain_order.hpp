// A total order of register transactions that keeps the order of sessions: what reads force among
// chains, then a search along the chains' heads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sbus/forced_order.hpp"
#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

struct ChainOutcome {
  Verdict verdict = Verdict::kUnknown;
  // When nothing but the reads refuses: the edges that they force, which contradict each other.
  std::vector<Dep> forced;
};

// Whether there is an order of the transactions (with `rules.split`, of their reads and writes, as
// nodes 2 t and 2 t + 1) that keeps `known` and every session, and in which each read sees the last
// write before it. kValid is replayed before it is said; kInvalid is so for orders that keep the
// sessions; kUnknown where `steps` or memory end. `steps` is counted down. Edges of real time are
// not looked at.
[[nodiscard]] ChainOutcome order_chains(const TxnFacts& facts, const OrderRules& rules,
                                        std::span<const Dep> known, std::uint64_t& steps);

}  // namespace stateutils::sbus
