// The whole predictor of a block: n-gram models, the SSM where the preset has one, and the mix.
#pragma once

#include <cstdint>
#include <memory>

#include "statesmix/cm/arena.hpp"
#include "statesmix/cm/ngram_model.hpp"
#include "statesmix/codec/model_config.hpp"
#include "statesmix/ssm/ssm_model.hpp"

namespace stateutils::statesmix {

class Predictor {
 public:
  Predictor(const ModelConfig& config, Isa isa);

  // predict and update alternate from the block's first bit on.
  [[nodiscard]] Prob16 predict();
  // With the last bit of a byte, history[0, position) must end with that byte.
  void update(int bit, const std::uint8_t* history, std::size_t position);

  [[nodiscard]] const NgramModel& ngram() const { return ngram_; }
  [[nodiscard]] const ExternalBit& external() const { return external_; }

 private:
  void start_byte(const std::uint8_t* history, std::size_t position);

  Arena arena_;
  NgramModel ngram_;
  std::unique_ptr<SsmModel> ssm_;
  ExternalBit external_;
  std::uint32_t c0_ = 1;
};

}  // namespace stateutils::statesmix
