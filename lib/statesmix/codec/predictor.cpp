#include "statesmix/codec/predictor.hpp"

namespace stateutils::statesmix {

Predictor::Predictor(const ModelConfig& config, Isa isa)
    : arena_(config.memory(), config.huge_pages), ngram_(config.ngram, arena_, isa) {
  if (config.has_ssm()) ssm_ = std::make_unique<SsmModel>(config.ssm, arena_, isa);
  ngram_.prefetch_byte(nullptr, 0);
  start_byte(nullptr, 0);
}

// Learning and the SSM's forward pass hide the misses of the buckets asked for before.
void Predictor::start_byte(const std::uint8_t* history, std::size_t position) {
  if (ssm_ != nullptr) {
    if (position > 0) ssm_->learn(history[position - 1]);
    ssm_->prefetch_byte(ngram_.text());
    ssm_->predict_byte();
  }
  ngram_.start_byte();
  c0_ = 1;
}

Prob16 Predictor::predict() {
  if (ssm_ != nullptr) ssm_->predict_bit(c0_, external_);
  return ngram_.predict(external_);
}

void Predictor::update(int bit, const std::uint8_t* history, std::size_t position) {
  c0_ = (c0_ << 1) | static_cast<std::uint32_t>(bit);
  if (c0_ < 256) {
    ngram_.update(bit);
    if (ssm_ != nullptr && c0_ >= 16 && c0_ < 32) ssm_->predict_second(c0_ & 15);
    return;
  }
  ngram_.prefetch_byte(history, position);
  ngram_.update(bit);
  start_byte(history, position);
}

}  // namespace stateutils::statesmix
