// Short cycles in dependency graphs, named after Adya's phenomena.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sbus/dep_graph.hpp"

namespace stateutils::sbus {

struct FoundCycle {
  std::string type;        // G0, G1c, G-single, G-nonadjacent or G2-item, with a suffix
  std::vector<Dep> edges;  // each begins where the one before ended
};

struct CycleSearch {
  std::vector<FoundCycle> cycles;  // a shortest one found per class and component
  bool timeout = false;            // a component was not searched to the end
};

// Looks in every component of more than one node. `nodes` beyond `events` (points of time) are left
// out of what is reported. Without `adjacent`, cycles with two rw in a row are none (si and pc
// allow them). `steps` bounds the search.
[[nodiscard]] CycleSearch find_cycles(const DepGraph& graph, std::size_t events, bool adjacent,
                                      std::uint64_t steps);

}  // namespace stateutils::sbus
