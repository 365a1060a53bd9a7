// A layer of gated logistic mixers: every set holds rows of weights of which one is chosen for each
// bit; each set predicts and learns by itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/cm/mixer_kernels.hpp"
#include "statesmix/cm/ngram_config.hpp"

namespace stateutils::statesmix {

class MixLayer {
 public:
  static constexpr int kMaxSets = 32, kMaxInputs = 256;

  // `start`: every weight's first value, with 14 fraction bits. `eager`: a row's first visits move
  // it further.
  MixLayer(const std::vector<Selector>& selectors, int inputs, std::int16_t start, bool eager,
           Arena& arena, const MixerKernels& kernels);
  [[nodiscard]] static std::size_t memory(const std::vector<Selector>& selectors, int inputs,
                                          bool eager);

  [[nodiscard]] std::size_t size() const { return sets_; }
  // Sets whose part is known at the start of a byte come first, then those to be set for each bit,
  // last those that must wait for the counters.
  [[nodiscard]] std::size_t per_byte() const { return per_byte_; }
  [[nodiscard]] std::size_t early() const { return early_; }
  [[nodiscard]] Selector selector(std::size_t k) const { return set_[k].selector; }

  void set_part(std::size_t k, std::uint32_t part) {
    const Set& set = set_[k];
    group_[k] = set.weights + std::size_t{part} * set.group_size;
    if (eager_) visit_group_[k] = set.visits + std::size_t{part} * (set.by_partial ? 256 : 8);
  }
  // Chooses the rows of sets [first, last) and asks for their memory.
  void choose(std::size_t first, std::size_t last, std::uint32_t c0, int bit_index);
  // x holds padded() inputs, and 0 behind the last.
  void predict(const std::int16_t* x);
  // Sets that are right within `quiet` (in 2^-20 of weight change) stay as they are.
  void train(const std::int16_t* x, int bit, std::int32_t rate, int quiet);

  // The sets' stretched predictions, 0 behind the last.
  [[nodiscard]] const std::int16_t* dots() const { return dots_.data(); }
  [[nodiscard]] int mean() const;

 private:
  struct Set {
    Selector selector;
    bool by_partial;
    std::size_t group_size;  // weights of one part
    std::int32_t* weights;
    std::uint16_t* visits;  // by row; null when not eager
  };

  const LogisticTables& t_;
  MixerKernels kernels_;
  std::size_t sets_, per_byte_ = 0, early_ = 0;
  int padded_;
  bool eager_;
  std::int16_t start_;
  std::array<Set, kMaxSets> set_{};
  std::array<std::int32_t*, kMaxSets> group_{};
  std::array<std::int32_t*, kMaxSets> chosen_{};  // weights are relative to their start value
  std::array<std::uint16_t*, kMaxSets> visit_group_{}, visited_{};
  static constexpr std::uint32_t kMostVisits = 1023;
  std::array<std::int32_t, kMostVisits + 1> extra_{};  // rate above the common one, by visits
  std::array<std::uint32_t, kMaxSets> p_{};
  alignas(64) std::array<std::int16_t, kMaxSets> dots_{};
};

}  // namespace stateutils::statesmix
