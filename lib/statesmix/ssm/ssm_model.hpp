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
  // The distribution of the next byte, after prefetch_byte.
  void predict_byte();
  // The two inputs of the mixer and what selects weights, for the node c0.
  void predict_bit(std::uint32_t c0, ExternalBit& out) const;
  // The byte that came; after kChunk of them the parameters move.
  void learn(std::uint8_t byte);

  [[nodiscard]] const float* distribution() const { return acts_.p + t_ * kSymbols; }

 private:
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
  // sum_[node] = weight of the symbols below a node of the byte's binary tree.
  std::array<std::uint32_t, 2 * kSymbols> sum_{};
  std::uint32_t likeliest_ = 0;
};

}  // namespace stateutils::statesmix
