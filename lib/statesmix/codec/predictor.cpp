#include "statesmix/codec/predictor.hpp"

namespace stateutils::statesmix {

Predictor::Predictor(const ModelConfig& config, Isa isa)
    : arena_(config.memory(), config.huge_pages), ngram_(config.ngram, arena_, isa) {
  if (config.has_ssm()) ssm_ = std::make_unique<SsmModel>(config.ssm, arena_, isa);
}

void Predictor::start_byte(const std::uint8_t* history, std::size_t position) {
  ngram_.append(history, position);
  // Rows and buckets are asked for before the SSM's forward pass, which hides the misses.
  if (ssm_ != nullptr) {
    if (position > 0) ssm_->learn(history[position - 1]);
    ssm_->prefetch_byte(ngram_.text());
  }
  ngram_.prefetch_byte();
  if (ssm_ != nullptr) ssm_->predict_byte();
  ngram_.start_byte();
  c0_ = 1;
}

Prob16 Predictor::predict() {
  if (ssm_ != nullptr) ssm_->predict_bit(c0_, external_);
  return ngram_.predict(external_);
}

void Predictor::update(int bit) {
  ngram_.update(bit);
  c0_ = (c0_ << 1) | static_cast<std::uint32_t>(bit);
}

}  // namespace stateutils::statesmix
