// Adaptive probability maps behind the mix: what came of a probability in a small context before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "statesmix/cm/adaptive.hpp"
#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/cm/ngram_config.hpp"
#include "statesmix/coder/range_coder.hpp"

namespace stateutils::statesmix {

class Refiner {
 public:
  Refiner(const NgramConfig& config, Arena& arena);
  [[nodiscard]] static std::size_t memory(const NgramConfig& config);

  // `match` is the expected byte (256: none) times 4 plus a class of length; it may change within
  // the byte.
  void start_byte(const TextState& text, std::uint32_t match);
  void set_match(std::uint32_t match);
  // Chooses rows for this bit and asks for their memory.
  void select(std::uint32_t c0, int bit_index);
  [[nodiscard]] Prob16 refine(int st);
  void update(int bit) {
    for (std::size_t i = 0; i < count_; ++i) map_[i].update(bit);
  }

 private:
  static constexpr std::size_t kMaxMaps = static_cast<std::size_t>(ApmContext::kCount);

  const LogisticTables& t_;
  std::size_t count_;
  std::uint32_t mix_weight_;  // what the maps' weights leave of kApmWeights
  std::array<ApmConfig, kMaxMaps> config_{};
  std::array<Apm, kMaxMaps> map_;
  // Row = (base + factor * (c0 or the bit's number)) >> shift, 32-bit arithmetic.
  std::array<std::uint32_t, kMaxMaps> base_{}, factor_{}, row_{};
  std::array<int, kMaxMaps> shift_{};
};

}  // namespace stateutils::statesmix
