#include "statesmix/cm/refiner.hpp"

#include <stdexcept>

namespace stateutils::statesmix {
namespace {

constexpr std::uint32_t kHashFactor = 0x9E3779B1u;

bool hashed(ApmContext c) {
  return c == ApmContext::kOrder2 || c == ApmContext::kOrder3 || c == ApmContext::kWord;
}

std::size_t rows(ApmContext c, int bits) {
  switch (c) {
    case ApmContext::kPartial:
      return 256;
    case ApmContext::kOrder1:
      return 65536;
    case ApmContext::kMatch:
      return 1028 * 8;
    default:
      return std::size_t{1} << bits;
  }
}

}  // namespace

std::size_t Refiner::memory(const NgramConfig& config) {
  std::size_t sum = 0;
  for (const ApmConfig& a : config.apms)
    sum += Arena::rounded(rows(a.context, config.apm_bits) * Apm::kCells * 4);
  return sum;
}

Refiner::Refiner(const NgramConfig& config, Arena& arena)
    : t_(logistic_tables()), count_(config.apms.size()), mix_weight_(kApmWeights) {
  if (count_ > kMaxMaps) throw std::logic_error("too many probability maps");
  for (std::size_t i = 0; i < count_; ++i) {
    config_[i] = config.apms[i];
    mix_weight_ -= config_[i].weight;
    const ApmContext c = config_[i].context;
    factor_[i] = hashed(c) ? kHashFactor : 1;
    shift_[i] = hashed(c) ? 32 - config.apm_bits : 0;
    map_[i].attach(arena.take<std::uint32_t>(rows(c, config.apm_bits) * Apm::kCells), t_);
  }
}

void Refiner::start_byte(const TextState& text, std::uint32_t match) {
  const auto last = static_cast<std::uint32_t>(text.last8());
  for (std::size_t i = 0; i < count_; ++i) {
    switch (config_[i].context) {
      case ApmContext::kOrder1:
        base_[i] = (last & 0xFF) << 8;
        break;
      case ApmContext::kOrder2:
        base_[i] = ((last & 0xFFFF) << 8) * kHashFactor;
        break;
      case ApmContext::kOrder3:
        base_[i] = (last << 8) * kHashFactor;
        break;
      case ApmContext::kWord:
        base_[i] = static_cast<std::uint32_t>(hash64(text.word()));
        break;
      case ApmContext::kPartial:
      case ApmContext::kMatch:
      case ApmContext::kCount:
        break;
    }
  }
  set_match(match);
}

void Refiner::set_match(std::uint32_t match) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (config_[i].context == ApmContext::kMatch) base_[i] = match * 8;
  }
}

void Refiner::select(std::uint32_t c0, int bit_index) {
  for (std::size_t i = 0; i < count_; ++i) {
    const bool by_bit = config_[i].context == ApmContext::kMatch;
    const std::uint32_t node = by_bit ? static_cast<std::uint32_t>(bit_index) : c0;
    row_[i] = (base_[i] + node * factor_[i]) >> shift_[i];
    map_[i].prefetch(row_[i]);
  }
}

Prob16 Refiner::refine(int st) {
  const std::uint32_t mixed = squash(t_, st);
  if (count_ == 0) return mixed;
  std::uint32_t sum = mix_weight_ * mixed;
  for (std::size_t i = 0; i < count_; ++i) sum += config_[i].weight * map_[i].refine(st, row_[i]);
  const std::uint32_t p = sum / kApmWeights;
  return p < 1 ? 1 : (p > 65535 ? 65535 : p);
}

}  // namespace stateutils::statesmix
