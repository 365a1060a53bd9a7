#include "statesmix/cm/refiner.hpp"

#include <bit>
#include <stdexcept>

namespace stateutils::statesmix {
namespace {

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
    : t_(logistic_tables()),
      count_(config.apms.size()),
      bits_(config.apm_bits),
      mix_weight_(kApmWeights) {
  if (count_ > kMaxMaps) throw std::logic_error("too many probability maps");
  for (std::size_t i = 0; i < count_; ++i) {
    config_[i] = config.apms[i];
    mix_weight_ -= config_[i].weight;
    map_[i].attach(arena.take<std::uint32_t>(rows(config_[i].context, bits_) * Apm::kCells), t_);
  }
}

void Refiner::select(const TextState& text, std::uint32_t c0, std::uint32_t match) {
  const auto last = static_cast<std::uint32_t>(text.last8());
  for (std::size_t i = 0; i < count_; ++i) {
    switch (config_[i].context) {
      case ApmContext::kPartial:
        row_[i] = c0;
        break;
      case ApmContext::kOrder1:
        row_[i] = (last & 0xFF) << 8 | c0;
        break;
      case ApmContext::kOrder2:
        row_[i] = (((last & 0xFFFF) << 8 | c0) * 0x9E3779B1u) >> (32 - bits_);
        break;
      case ApmContext::kOrder3:
        row_[i] = ((last << 8 | c0) * 0x9E3779B1u) >> (32 - bits_);
        break;
      case ApmContext::kWord:
        row_[i] = static_cast<std::uint32_t>(hash64(text.word() + c0) >> (64 - bits_));
        break;
      case ApmContext::kMatch:
        row_[i] = match * 8 + static_cast<std::uint32_t>(std::bit_width(c0)) - 1;
        break;
      case ApmContext::kCount:
        break;
    }
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
