// The order of writes of registers that their reads force, found by reachability alone.
#pragma once

#include <cstdint>
#include <vector>

#include "sbus/dep_graph.hpp"
#include "sbus/txn_facts.hpp"

namespace stateutils::sbus {

struct OrderRules {
  bool split = false;          // txn t reads at node 2t and writes at node 2t + 1; else both at t
  bool writers_apart = false;  // of two writers of a key one begins after the other has ended (si)
};

// Adds to `forced` the edges that follow from `known`: a writer from which a reader is reached
// comes before the one that was read from, and a reader comes before a writer that is reached from
// the one that was read from (the rules of choose_acyclic(), for any number of choices). Goes on
// until nothing more follows or `steps` are used up. True when the orders contradict each other:
// `forced` then closes a cycle, unless two writers can be neither before nor after each other.
[[nodiscard]] bool forces_contradiction(const TxnFacts& facts, const OrderRules& rules,
                                        std::size_t nodes, std::vector<Dep> known,
                                        std::uint64_t& steps, std::vector<Dep>& forced);

// The writers that must precede the one read from because the reader is reached from them in
// `graph`, once, without what follows from that: the causal level. Reads of the initial state are
// read from node `init`. Nothing when the graph has a cycle.
[[nodiscard]] std::vector<Dep> required_writers(const TxnFacts& facts, const DepGraph& graph,
                                                std::uint32_t init);

}  // namespace stateutils::sbus
