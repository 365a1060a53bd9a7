// The counters of all contexts: hashed tables, order 0 and 1, the maps from bit histories to
// probabilities, and the runs that a context's first bucket remembers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "statesmix/cm/adaptive.hpp"
#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/counter_states.hpp"
#include "statesmix/cm/hash_table.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/cm/ngram_config.hpp"

namespace stateutils::statesmix {

class CounterBank {
 public:
  static constexpr std::size_t kMaxContexts = 64, kMaxCounters = kMaxContexts + 4;

  CounterBank(const NgramConfig& config, Arena& arena);
  [[nodiscard]] static std::size_t memory(const NgramConfig& config);

  // Hashes the contexts and asks for their memory; start_byte, any work later, collects it.
  void prefetch_byte(const TextState& text);
  void start_byte(std::uint32_t last_byte);
  // predict and update alternate for 8 bits; c0 is the partial byte with a leading one.
  void predict(std::uint32_t c0, int bit_index, std::int16_t* x);
  // `c0` and `bit_index` are those of the prediction.
  void update(int bit, std::uint32_t c0, int bit_index);

  // The longest order, numbered from 1, that has seen anything at this node.
  [[nodiscard]] std::uint32_t confident_order() const;
  // Runs that expect 0, and 1, by classes of their number: 8 x 8.
  [[nodiscard]] std::uint32_t run_votes() const;

 private:
  static constexpr std::uint32_t kRunCells = (kMostRuns + 1) * 8;
  struct Run {
    std::size_t context = 0;
    std::uint32_t* cells = nullptr;
  };
  struct ActiveRun {
    std::uint32_t* cells;  // of the run's length, by bit
    std::uint8_t input, byte;
  };

  // Cells that predict read, for update to work on.
  struct Lanes {
    alignas(64) std::array<std::uint32_t, kMaxCounters> cell;
    std::array<std::int32_t, kMaxCounters> rate;

    void advance(std::size_t n, int bit);
  };

  template <bool Linear>
  void predict_counters(std::uint32_t c0, int bit_index, std::int16_t* x);
  void start_runs();
  void predict_runs(int bit_index, std::int16_t* x);
  void update_runs(int bit, int bit_index);
  void note_runs(std::uint32_t byte);
  void prefetch_nibble(std::uint32_t c0);
  void start_nibble(std::uint32_t c0);

  const LogisticTables& t_;
  const CounterStates& states_;
  std::size_t contexts_, counters_, runs_, orders_ = 0;
  bool linear_;
  std::array<Context, kMaxContexts> context_{};
  std::array<HashTable, kMaxContexts> tables_;
  std::array<std::uint64_t, kMaxContexts> hash_{};
  std::array<std::size_t, kMaxContexts> index_{};
  std::array<std::uint16_t, kMaxContexts> check_{};
  std::array<Bucket*, kMaxContexts> first_{};
  std::array<Slot*, kMaxCounters> tree_{};
  std::array<Slot*, kMaxCounters> slot_{};
  std::array<std::uint32_t*, kMaxCounters> cell_{};
  std::array<std::uint32_t, kMaxCounters> next_{};
  Lanes lanes_{};
  std::uint32_t* maps_ = nullptr;  // of the counters one after another
  Slot* order1_ = nullptr;
  std::array<std::size_t, 8> order_index_{};  // contexts that count for the confident order
  std::array<Run, kMaxContexts> run_{};
  std::array<ActiveRun, kMaxContexts> active_run_{};  // runs that agree with the byte so far
  std::size_t active_ = 0, ones_ = 0;                 // and how many of them expect 1
};

}  // namespace stateutils::statesmix
