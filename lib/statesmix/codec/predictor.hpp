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

  // history[0, position) is known; the next 8 predict/update pairs are the byte at `position`.
  void start_byte(const std::uint8_t* history, std::size_t position);
  [[nodiscard]] Prob16 predict();
  void update(int bit);

  [[nodiscard]] const NgramModel& ngram() const { return ngram_; }
  [[nodiscard]] const ExternalBit& external() const { return external_; }

 private:
  Arena arena_;
  NgramModel ngram_;
  std::unique_ptr<SsmModel> ssm_;
  ExternalBit external_;
  std::uint32_t c0_ = 1;
};

}  // namespace stateutils::statesmix
