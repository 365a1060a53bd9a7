// Level-synchronous breadth-first search over packed states.
//
// The visited set is cut into partitions, each with a table of its own. With the history in the
// state a partition is chosen by (reg, history): every step but a commit stays inside it, so the
// table in use lies in the cache; without the history it is chosen by the whole state. Successors
// for other partitions go through queues that are drained after the level. A partition is touched
// by one thread at a time, so nothing is locked, and what comes out (the set of states of each
// level) does not depend on the order in which partitions are taken.
#pragma once

#include "sbus/model.hpp"

namespace stateutils::sbus {

// True when a state fits a word of 128 bits and the symmetry is one that the packed form keeps.
[[nodiscard]] bool packed_search_applies(const ModelParams& params);
[[nodiscard]] ModelResult packed_search(const ModelParams& params, const ModelLimits& limits);
// For states too wide, for symmetry over shards and for the distributed spec.
[[nodiscard]] ModelResult byte_search(const ModelParams& params, const ModelLimits& limits);

}  // namespace stateutils::sbus
