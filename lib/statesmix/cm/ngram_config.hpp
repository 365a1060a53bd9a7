// What the n-gram side of a model consists of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "statesmix/cm/text_state.hpp"

namespace stateutils::statesmix {

// What selects the weights of a mixer.
enum class Selector : std::uint8_t {
  kPartial,         // c0
  kMatchPartial,    // match length class x c0
  kOrderBit,        // highest confident order x bit x match class
  kClassPartial,    // class of the last byte x c0
  kMatchBit,        // match length x bit
  kSsmTop,          // the SSM's likeliest byte agrees with c0, its confidence, bit
  kSsmPartial,      // SSM confidence x c0
  kByteBit,         // last byte x bit
  kInWordPartial,   // inside a word or not x c0
  kByte2Bit,        // the byte before the last x bit
  kClassesBit,      // last two classes x bit
  kWordLength,      // word length to 15 x c0
  kColumnBit,       // column to 63 x bit
  kAboveBit,        // byte above x bit
  kExpected,        // byte expected by the long match x bit
  kBracketPartial,  // class of the byte above x c0
  kRunsBit,         // how many runs agree with c0, and with each other, x bit
  kByte3Bit,        // the third last byte x bit
  kWordBit,         // 8 bits of the word's hash x bit
  kMissesBit,       // which of the last bits were surprises x bit
  kOrder2Bit,       // 10 bits of the last two bytes' hash x bit
  kCount
};

// A set has `parts` groups of rows; the row in a group is the partial byte or the bit's number.
struct SelectorShape {
  std::uint32_t parts;
  bool by_partial;  // 256 rows a group, else 8
  bool per_bit;     // the group may change from bit to bit (or else with the match, or the byte)
  bool waits;       // and depends on what the counters say

  [[nodiscard]] std::uint32_t rows() const { return parts * (by_partial ? 256u : 8u); }
};
[[nodiscard]] SelectorShape selector_shape(Selector s);

// What selects the row of an adaptive probability map.
enum class ApmContext : std::uint8_t { kPartial, kOrder1, kOrder2, kWord, kOrder3, kMatch, kCount };
struct ApmConfig {
  ApmContext context;
  std::uint32_t weight;
};
inline constexpr std::uint32_t kApmWeights = 16;  // all maps and the mix together

struct NgramConfig {
  std::vector<Context> contexts;  // hashed; order 1 is always there
  bool order0 = true;             // and so is order 0, mostly
  std::vector<Context> runs;      // some of them, whose runs of one byte are inputs too
  std::vector<std::uint32_t> match_lengths;
  std::vector<Selector> selectors;  // of the mixers' sets
  std::vector<Selector> finals;     // of the final mixers, averaged; none: mean of the sets
  std::vector<ApmConfig> apms;      // refine the mix; averaged with it by weight
  int table_bits = 18;  // 2^bits buckets per hashed context, fewer where a context has few values
  int match_bits = 18;
  int apm_bits = 16;         // 2^bits rows of the hashed ones
  bool linear = false;       // a third input per hashed context, linear in the probability
  bool match_linear = true;  // a second input per match model, linear too
  bool bias = true;          // a constant input
  int rate = 26000;          // of the mixers at the start, in 2^-20, above what is left of it later
  bool eager = false;        // rows of weights that were chosen seldom learn faster
  int external = 0;          // inputs from outside (the SSM)
  std::vector<bool> off{};   // components left out, by number (eval); empty: none

  [[nodiscard]] int inputs() const;
  [[nodiscard]] int bits(Context c) const;
  [[nodiscard]] std::size_t counters() const { return contexts.size() + (order0 ? 2 : 1); }
  [[nodiscard]] int counter_inputs() const;
  [[nodiscard]] std::size_t match_inputs() const { return match_linear ? 2 : 1; }
  // Contexts (order 1 and 0 after the hashed ones), runs and matches, in the order of `off`.
  [[nodiscard]] std::vector<std::string> components() const;
  // The inputs that a component has in the mix; the first is its stretched probability.
  [[nodiscard]] std::vector<std::size_t> component_inputs(std::size_t component) const;
  [[nodiscard]] std::size_t memory() const;
};

}  // namespace stateutils::statesmix
