// The online-trained state-space model: predicts every byte, learns from it in chunks.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/ngram_model.hpp"
#include "statesmix/ssm/kernels.hpp"
#include "statesmix/ssm/ssm_config.hpp"

namespace stateutils::statesmix {

// Fills the dense parameters (and the 256 embedding rows behind them) with their start values.
void ssm_start_values(const SsmLayout& layout, float* params, float* embedding);

class SsmModel {
 public:
  SsmModel(const SsmConfig& config, Arena& arena, Isa isa);

  // Asks for the embedding rows of what `text` has seen.
  void prefetch_byte(const TextState& text);
  // The distribution of the next byte's first nibble, after prefetch_byte; of the second, when the
  // first is known.
  void predict_byte();
  void predict_second(std::uint32_t first_nibble);
  // The two inputs of the mixer and what selects weights, for the node c0.
  void predict_bit(std::uint32_t c0, ExternalBit& out) const;
  // The byte that came; after kChunk of them the parameters move.
  void learn(std::uint8_t byte);

  // P(nibble), the first's and, after predict_second, the second's.
  [[nodiscard]] const float* first() const { return acts_.p + t_ * kNibble; }
  [[nodiscard]] const float* second() const { return acts_.p_second + t_ * kNibble; }

 private:
  // A nibble's binary tree: sum[node] = weight of the values below it.
  struct Tree {
    std::array<std::uint32_t, 2 * kNibble> sum{};
    std::uint32_t likeliest = 0;
  };
  void plant(const float* p, Tree& tree) const;
  void update();

  SsmConfig config_;
  SsmLayout layout_;
  SsmKernels<float> kernels_;
  SsmActivations<float> acts_;
  float *params_, *grads_, *m_, *v_;
  float *embedding_, *embedding_m_, *embedding_v_;
  std::vector<float*> rows_, row_memory_;
  std::array<std::array<std::uint32_t, 16>, kChunk> row_at_{};
  std::array<std::uint8_t, kChunk> input_{}, target_{};
  int t_ = 0;
  std::uint64_t updates_ = 0;
  float bias1_ = 1, bias2_ = 1;  // b1^s, b2^s
  Tree first_, second_;
};

}  // namespace stateutils::statesmix
