// Learned and given state machines: acceptors, and generators with probabilities.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/learn/strings.hpp"
#include "bench/world/json.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

struct StateMachine {
  static constexpr std::int32_t kNowhere = -1;
  std::uint32_t states = 0, alphabet = 0, initial = 0;
  std::vector<std::int32_t> delta;  // [state * alphabet + symbol]
  std::vector<std::uint8_t> accept;
  // Of a generator: the probability of each symbol and of the end, per state. Empty for acceptors.
  std::vector<double> symbol_p, end_p;
  std::vector<std::string> symbol_names;

  [[nodiscard]] bool generates() const { return !end_p.empty(); }
  [[nodiscard]] std::int32_t next(std::uint32_t state, Symbol symbol) const {
    return delta[std::size_t{state} * alphabet + symbol];
  }
  [[nodiscard]] bool accepts(std::span<const Symbol> string) const;
  // Of a generator. Where a symbol leads nowhere, everything after it is uniform over the alphabet
  // and the end, so a learned machine gives no string the probability 0.
  [[nodiscard]] double log2_probability(std::span<const Symbol> string) const;

  // Acceptors {"states","alphabet","initial","accept","delta"}, generators {"states","alphabet",
  // "initial","final","transitions":[[from,symbol,to,p]...]}; what is unknown is ignored.
  [[nodiscard]] std::string json() const;
  [[nodiscard]] std::string dot() const;
};

[[nodiscard]] StateMachine read_state_machine(const Cursor& json);

// One string of a generator, of at most `most` symbols; from an acceptor a random walk that stops
// in an accepting state with probability 1/8.
[[nodiscard]] std::vector<Symbol> sample_string(const StateMachine& machine, core::Rng& rng,
                                                std::size_t most);

// 2^(-sum pT log2 pC), both distributions normalised over the test set; infinite when the
// candidate gives 0 to a string that the target does not.
[[nodiscard]] double perplexity(std::span<const double> target, std::span<const double> log2_p);

}  // namespace stateutils::bench
