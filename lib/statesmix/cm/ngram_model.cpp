#include "statesmix/cm/ngram_model.hpp"

#include <algorithm>
#include <stdexcept>

namespace stateutils::statesmix {
namespace {

// `sum` / `inputs`, at most 1, with 14 fraction bits.
std::int16_t first_weight(int sum, int inputs) {
  return static_cast<std::int16_t>(sum * 16384 / std::max(sum, inputs));
}
constexpr std::int32_t kFinalRate = 1000;  // in 2^-20
// Errors up to this many 2^-20 move weights by less than is worth the memory traffic.
constexpr int kQuiet = 1;

// rate(i) = 0.0025 + start * 60000 / (60000 + 8 i) in 2^-20.
std::int32_t mixer_rate(std::size_t i, int start) {
  const std::uint64_t decaying =
      static_cast<std::uint64_t>(start) * 60000 / (60000 + 8 * static_cast<std::uint64_t>(i));
  return static_cast<std::int32_t>(2600 + decaying);
}

}  // namespace

NgramModel::NgramModel(const NgramConfig& config, Arena& arena, Isa isa)
    : t_(logistic_tables()),
      config_(config),
      matches_(config.match_lengths.size()),
      external_(static_cast<std::size_t>(config.external)),
      first_match_(static_cast<std::size_t>(config.counter_inputs()) + config.runs.size()),
      counters_(config, arena),
      sets_(config.selectors, config.inputs(), first_weight(2, config.inputs()), config.eager,
            arena, mixer_kernels(isa)),
      finals_(config.finals, static_cast<int>(config.selectors.size()),
              first_weight(1, static_cast<int>(config.selectors.size())), false, arena,
              mixer_kernels(isa)),
      refiner_(config, arena) {
  if (matches_ > match_.size() || config.external > 8)
    throw std::logic_error("n-gram model configuration is too large");
  for (std::size_t i = 0; i < matches_; ++i) {
    auto* positions = arena.take<std::uint32_t>(std::size_t{1} << config.match_bits);
    match_[i].attach(positions, config.match_bits, arena.take<std::uint32_t>(MatchModel::kCells),
                     config.match_lengths[i]);
  }
}

void NgramModel::prefetch_byte(const std::uint8_t* history, std::size_t position) {
  history_ = history;
  position_ = position;
  if (position != 0) text_.append(history, position);
  for (std::size_t i = 0; i < matches_; ++i) match_[i].prepare_byte(history_, position_);
  counters_.prefetch_byte(text_);
}

void NgramModel::start_byte() {
  c0_ = 1;
  bit_ = 0;
  rate_ = mixer_rate(position_, config_.rate);
  for (std::size_t i = 0; i < matches_; ++i) match_[i].start_byte(history_, position_);
  counters_.start_byte(text_.byte(1));
  refiner_.start_byte(text_, match_row());
  set_slow_parts();
}

// Parts that stay for the byte, or until a match ends.
void NgramModel::set_slow_parts() {
  const ExternalBit none;
  for (MixLayer* layer : {&sets_, &finals_}) {
    for (std::size_t k = 0; k < layer->per_byte(); ++k)
      layer->set_part(k, part(layer->selector(k), none));
  }
}

std::uint32_t NgramModel::long_match_class() const {
  return matches_ > 1 && match_[1].length() != 0 ? match_[1].length_class()
                                                 : match_[0].length_class();
}

// The expected byte (256: none) times 4 plus a class of the match's length.
std::uint32_t NgramModel::match_row() const {
  const int expected = matches_ == 0 ? -1 : match_[0].expected();
  if (expected < 0) return 256 * 4;
  return static_cast<std::uint32_t>(expected) * 4 + long_match_class() / 2;
}

std::uint32_t NgramModel::part(Selector s, const ExternalBit& external) const {
  switch (s) {
    case Selector::kMatchPartial:
      return long_match_class();
    case Selector::kOrderBit:
      return counters_.confident_order() * 8 + long_match_class();
    case Selector::kClassPartial:
      return text_.classes() & 15;
    case Selector::kMatchBit: {
      const std::uint32_t n = match_[0].length();
      return n < 16 ? n : (n < 32 ? 16 + (n - 16) / 2 : (n < 400 ? 24 + (n - 32) / 64 : 31));
    }
    case Selector::kSsmTop:
      return external.top_class;
    case Selector::kSsmPartial:
      return external.confidence;
    case Selector::kByteBit:
      return text_.byte(1);
    case Selector::kInWordPartial:
      return text_.letter_last() ? 1 : 0;
    case Selector::kByte2Bit:
      return text_.byte(2);
    case Selector::kClassesBit:
      return text_.classes() & 255;
    case Selector::kWordLength:
      return text_.word_length() < 15 ? text_.word_length() : 15;
    case Selector::kColumnBit:
      return text_.column() < 63 ? text_.column() : 63;
    case Selector::kAboveBit:
      return text_.above();
    case Selector::kExpected: {
      const int expected = match_[0].expected();
      return static_cast<std::uint32_t>(expected < 0 ? 256 : expected);
    }
    case Selector::kBracketPartial:
      return character_class(static_cast<std::uint8_t>(text_.above()));
    case Selector::kRunsBit:
      return counters_.run_votes();
    case Selector::kByte3Bit:
      return text_.byte(3);
    case Selector::kWordBit:
      return static_cast<std::uint32_t>(hash64(text_.word()) >> 56);
    case Selector::kMissesBit:
      return misses_ & 255;
    case Selector::kOrder2Bit:
      return static_cast<std::uint32_t>(hash64(text_.last8() & 0xFFFF) >> 54);
    case Selector::kPartial:
    case Selector::kCount:
      break;
  }
  return 0;
}

// Chooses rows of sets [first, last), of which those from `changing` on get a new part first.
void NgramModel::select(MixLayer& layer, std::size_t first, std::size_t changing, std::size_t last,
                        const ExternalBit& external) {
  for (std::size_t k = changing; k < last; ++k)
    layer.set_part(k, part(layer.selector(k), external));
  layer.choose(first, last, c0_, bit_);
}

// Components that eval leaves out: their inputs stay 0, so their weights never move.
void NgramModel::silence() {
  for (std::size_t i = 0; i < config_.off.size(); ++i) {
    if (!config_.off[i]) continue;
    for (const std::size_t input : config_.component_inputs(i)) x_[input] = 0;
  }
}

int NgramModel::component_stretch(std::size_t component) const {
  return x_[config_.component_inputs(component).front()];
}

void NgramModel::fill_inputs(const ExternalBit& external) {
  counters_.predict(c0_, bit_, x_.data());
  std::size_t at = first_match_;
  for (std::size_t i = 0; i < matches_; ++i) {
    const MatchModel::Inputs in = match_[i].predict(t_, bit_);
    x_[at++] = in.stretched;
    if (config_.match_linear) x_[at++] = in.linear;
  }
  for (std::size_t i = 0; i < external_; ++i) x_[at++] = external.inputs[i];
  if (config_.bias) x_[at] = 256;
  if (!config_.off.empty()) silence();
}

Prob16 NgramModel::predict(const ExternalBit& external) {
  refiner_.select(c0_, bit_);
  // Rows of all sets but those that wait for the counters are on their way meanwhile.
  for (MixLayer* layer : {&sets_, &finals_})
    select(*layer, 0, layer->per_byte(), layer->early(), external);
  fill_inputs(external);
  for (MixLayer* layer : {&sets_, &finals_}) {
    if (layer->early() < layer->size())
      select(*layer, layer->early(), layer->early(), layer->size(), external);
  }
  sets_.predict(x_.data());
  if (finals_.size() != 0) finals_.predict(sets_.dots());
  said_ = refiner_.refine(finals_.size() != 0 ? finals_.mean() : sets_.mean());
  return said_;
}

void NgramModel::update(int bit) {
  misses_ = (misses_ << 1) | ((bit != 0) != (said_ >= 32768) ? 1u : 0u);
  sets_.train(x_.data(), bit, rate_, kQuiet);
  if (finals_.size() != 0) finals_.train(sets_.dots(), bit, kFinalRate, 0);
  refiner_.update(bit);
  counters_.update(bit, c0_, bit_);
  bool ended = false;
  for (std::size_t i = 0; i < matches_; ++i) ended = match_[i].update(bit, t_) || ended;
  if (ended) {
    refiner_.set_match(match_row());
    set_slow_parts();
  }
  c0_ = (c0_ << 1) | static_cast<std::uint32_t>(bit);
  ++bit_;
}

}  // namespace stateutils::statesmix
