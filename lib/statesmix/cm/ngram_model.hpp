// The n-gram side of the predictor and the mixing of everything: context counters, runs, matches,
// gated mixers in sets, final mixers and adaptive probability maps. Integers only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/counter_bank.hpp"
#include "statesmix/cm/match_model.hpp"
#include "statesmix/cm/mix_layer.hpp"
#include "statesmix/cm/ngram_config.hpp"
#include "statesmix/cm/refiner.hpp"
#include "statesmix/cm/text_state.hpp"
#include "statesmix/coder/range_coder.hpp"

namespace stateutils::statesmix {

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

  // history[0, position) is known. prefetch_byte takes its last byte in, hashes the contexts and
  // asks for their memory; start_byte, any work later, collects it. predict and update then
  // alternate for 8 bits; the next prefetch_byte may come before the last update.
  void prefetch_byte(const std::uint8_t* history, std::size_t position);
  void start_byte();
  [[nodiscard]] Prob16 predict(const ExternalBit& external);
  void update(int bit);

  [[nodiscard]] const TextState& text() const { return text_; }
  // Of the bit predicted last, what component i of config says alone, as a stretched probability.
  [[nodiscard]] int component_stretch(std::size_t component) const;

 private:
  [[nodiscard]] std::uint32_t part(Selector s, const ExternalBit& external) const;
  [[nodiscard]] std::uint32_t long_match_class() const;
  [[nodiscard]] std::uint32_t match_row() const;
  void fill_inputs(const ExternalBit& external);
  void set_slow_parts();
  void select(MixLayer& layer, std::size_t first, std::size_t changing, std::size_t last,
              const ExternalBit& external);
  void silence();

  const LogisticTables& t_;
  NgramConfig config_;
  std::size_t matches_, external_, first_match_;
  TextState text_;
  CounterBank counters_;
  std::array<MatchModel, 2> match_;
  MixLayer sets_, finals_;
  Refiner refiner_;
  alignas(64) std::array<std::int16_t, MixLayer::kMaxInputs> x_{};

  const std::uint8_t* history_ = nullptr;
  std::size_t position_ = 0;
  std::uint32_t c0_ = 1;
  std::uint32_t misses_ = 0;  // a 1 for each bit that was less likely than the other
  Prob16 said_ = 32768;       // the last prediction
  int bit_ = 0;
  std::int32_t rate_ = 0;
};

}  // namespace stateutils::statesmix
