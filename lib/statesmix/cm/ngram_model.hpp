// The n-gram side of the predictor and the mixing of everything: context counters, runs, matches,
// gated mixers in sets, a final mixer and adaptive probability maps. Integers only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "statesmix/cm/adaptive.hpp"
#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/counter_states.hpp"
#include "statesmix/cm/hash_table.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/cm/match_model.hpp"
#include "statesmix/cm/mixer_kernels.hpp"
#include "statesmix/cm/text_state.hpp"
#include "statesmix/coder/range_coder.hpp"

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
  kCount
};

struct NgramConfig {
  std::vector<Context> contexts;  // hashed; order 0 and 1 are always there
  std::vector<Context> runs;
  std::vector<std::uint32_t> match_lengths;
  std::vector<Selector> selectors;
  int table_bits = 18;  // 2^bits buckets per hashed context, fewer where a context has few values
  int run_bits = 18;
  int match_bits = 18;
  bool lean = false;        // two inputs per context instead of three, and no bias
  int external = 0;         // inputs from outside (the SSM)
  int finals = 2;           // final mixers, averaged: by c0, by the last byte; 0: mean of the sets
  int apms = 4;             // 4; 2: only those of order 1 and order 2; 0: none
  int apm_bits = 16;        // 2^bits rows of the hashed ones
  std::vector<bool> off{};  // components left out, by number (eval); empty: none

  [[nodiscard]] int inputs() const;
  [[nodiscard]] int bits(Context c) const;
  [[nodiscard]] int per_context() const { return lean ? 2 : 3; }
  // Contexts (order 0 and 1 after the hashed ones), runs and matches, in the order of `off`.
  [[nodiscard]] std::vector<std::string> components() const;
  [[nodiscard]] std::size_t memory() const;
};

// What the SSM says about the next bit.
struct ExternalBit {
  std::array<std::int16_t, 8> inputs{};
  std::uint32_t top_class = 0;   // below 64
  std::uint32_t confidence = 0;  // below 8
};

class NgramModel {
 public:
  NgramModel(const NgramConfig& config, Arena& arena, Isa isa);
  NgramModel(const NgramModel&) = delete;
  NgramModel& operator=(const NgramModel&) = delete;

  // history[0, position) is known. prepare_byte hashes the contexts and asks for their memory;
  // start_byte, any work later, collects it. predict and update then alternate for 8 bits.
  void prepare_byte(const std::uint8_t* history, std::size_t position);
  void start_byte();
  [[nodiscard]] Prob16 predict(const ExternalBit& external);
  void update(int bit);

  [[nodiscard]] const TextState& text() const { return text_; }
  // Of the bit predicted last, what component i of config says alone, as a stretched probability.
  [[nodiscard]] int component_stretch(std::size_t component) const;

 private:
  static constexpr int kMaxContexts = 64, kMaxRuns = 16, kMaxSets = 32, kMaxInputs = 256;
  struct Run {
    std::uint32_t* entry;
    std::uint32_t* cells;
    std::uint32_t* cell;
    std::uint64_t hash;
    int expected_bit;
  };
  struct Set {
    Selector selector;
    bool by_partial, per_bit;
    std::uint32_t part;
    std::int32_t* weights;
  };

  struct Inputs {
    std::size_t first, count;
  };

  [[nodiscard]] Inputs component_inputs(std::size_t component) const;
  void prefetch_nibble();
  void start_nibble();
  template <int Inputs>
  void predict_counters();
  void find_confident();
  void predict_runs();
  void update_counters(int bit);
  void update_runs();
  void select_row(std::size_t k);
  void select_early(const ExternalBit& external);
  void select_late(const ExternalBit& external);
  [[nodiscard]] std::uint32_t part(Selector s, const ExternalBit& external) const;
  void select_apms();
  [[nodiscard]] int mix_finals();
  [[nodiscard]] Prob16 refine(int st);
  void silence();

  const LogisticTables& t_;
  const CounterStates& states_;
  MixerKernels kernels_;
  NgramConfig config_;
  int contexts_ = 0, runs_ = 0, matches_ = 0, sets_ = 0, per_context_ = 0, padded_ = 0;
  TextState text_;

  std::array<HashTable, kMaxContexts> tables_;
  std::array<std::uint64_t, kMaxContexts> hash_{};
  std::array<std::size_t, kMaxContexts> index_{};
  std::array<std::uint16_t, kMaxContexts> check_{};
  std::array<Slot*, kMaxContexts + 2> bucket_{};
  std::array<Slot*, kMaxContexts + 2> slot_{};
  std::array<std::uint32_t*, kMaxContexts + 2> maps_{};
  Slot* order1_ = nullptr;
  std::uint32_t scratch_cell_ = kHalfCell;
  std::array<int, 16> order_index_{};  // contexts that count for the confident order
  int orders_ = 0;

  std::array<std::uint32_t*, kMaxRuns> run_tables_{};
  std::array<Run, kMaxRuns> run_{};
  int run_shift_ = 63;

  std::array<MatchModel, 2> match_;

  alignas(64) std::array<std::int16_t, kMaxInputs> x_{};
  alignas(64) std::array<std::int16_t, kMaxSets> dots_{};
  std::array<Set, kMaxSets> set_{};
  std::array<std::int32_t*, kMaxSets> chosen_{};  // weights are relative to their start value
  std::array<std::uint32_t, kMaxSets> p_{};
  int final_padded_ = 0;
  std::array<std::int32_t*, 2> final_weights_{};  // by c0; by the last byte
  std::array<std::int32_t*, 2> final_chosen_{};
  std::array<std::uint32_t, 2> final_p_{};
  std::array<Apm, 4> apm_;
  std::array<std::uint32_t, 4> apm_context_{};

  const std::uint8_t* history_ = nullptr;
  std::size_t position_ = 0;
  std::uint32_t c0_ = 1;
  int bit_ = 0;
  std::int32_t rate_ = 0;
  std::uint32_t confident_ = 0;
};

}  // namespace stateutils::statesmix
