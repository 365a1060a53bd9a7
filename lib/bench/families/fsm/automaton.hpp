// Plain automata (Mealy machines and acceptors) on their way to becoming worlds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/families/fsm/fsm_model.hpp"

namespace stateutils::bench {

struct Automaton {
  static constexpr std::uint32_t kNowhere = 0xFFFFFFFFu;
  struct Cell {
    std::uint32_t target = kNowhere;
    std::string output;
  };
  std::string name;
  std::vector<std::string> states, inputs;
  std::vector<bool> accepting;
  std::uint32_t initial = 0;
  bool mealy = false;
  std::vector<Cell> cells;  // [state * inputs + input]

  [[nodiscard]] const Cell& at(std::size_t state, std::size_t input) const {
    return cells[state * inputs.size() + input];
  }
};

// {kind, states_in_file, reachable_states, inputs, transitions, transition_pairs, minimal_states,
// eccentricity_from_initial}
[[nodiscard]] std::string automaton_facts(const Automaton& automaton);
[[nodiscard]] FsmModel automaton_model(const Automaton& automaton);

}  // namespace stateutils::bench
