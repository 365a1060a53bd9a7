#include "statesmix/cm/mix_layer.hpp"

#include <algorithm>
#include <stdexcept>

namespace stateutils::statesmix {
namespace {

int padded_size(int n) {
  return (n + kMixAlign - 1) / kMixAlign * kMixAlign;
}

constexpr std::int32_t kHighestRate = 32000;

std::int16_t scaled_error(int bit, std::uint32_t p, std::int32_t rate) {
  const std::int32_t error = (bit << 16) - static_cast<std::int32_t>(p);
  return static_cast<std::int16_t>((error * rate + 32768) >> 16);  // rate is at most kHighestRate
}

}  // namespace

std::size_t MixLayer::memory(const std::vector<Selector>& selectors, int inputs, bool eager) {
  std::size_t sum = 0;
  for (const Selector s : selectors) {
    const std::size_t row = static_cast<std::size_t>(padded_size(inputs)) * 4;
    sum += Arena::rounded(selector_shape(s).rows() * row);
    if (eager) sum += Arena::rounded(selector_shape(s).rows() * sizeof(std::uint16_t));
  }
  return sum;
}

MixLayer::MixLayer(const std::vector<Selector>& selectors, int inputs, std::int16_t start,
                   bool eager, Arena& arena, const MixerKernels& kernels)
    : t_(logistic_tables()),
      kernels_(kernels),
      sets_(selectors.size()),
      padded_(padded_size(inputs)),
      eager_(eager),
      start_(start) {
  if (sets_ > kMaxSets || padded_ > kMaxInputs)
    throw std::logic_error("a mixing layer is too large");
  std::size_t k = 0;
  const auto add = [&](bool per_bit, bool waits) {
    for (const Selector s : selectors) {
      const SelectorShape shape = selector_shape(s);
      if (shape.per_bit != per_bit || shape.waits != waits) continue;
      const std::size_t size = (shape.by_partial ? 256 : 8) * static_cast<std::size_t>(padded_);
      set_[k] = {s, shape.by_partial, size, arena.take<std::int32_t>(shape.parts * size),
                 eager ? arena.take<std::uint16_t>(shape.rows()) : nullptr};
      group_[k] = set_[k].weights;
      visit_group_[k] = set_[k].visits;
      ++k;
    }
    return k;
  };
  // 3 / (visits + 80), gone after a thousand.
  for (std::uint32_t v = 0; v < kMostVisits; ++v)
    extra_[v] = static_cast<std::int32_t>(3200000 / (v + 80));
  per_byte_ = add(false, false);
  early_ = add(true, false);
  add(true, true);
}

void MixLayer::choose(std::size_t first, std::size_t last, std::uint32_t c0, int bit_index) {
  const auto width = static_cast<std::size_t>(padded_);
  const auto bit = static_cast<std::uint32_t>(bit_index);
  const std::size_t offset[2] = {static_cast<std::size_t>(bit_index) * width, c0 * width};
  for (std::size_t k = first; k < last; ++k) {
    std::int32_t* const row = group_[k] + offset[set_[k].by_partial ? 1 : 0];
    chosen_[k] = row;
    if (eager_) visited_[k] = visit_group_[k] + (set_[k].by_partial ? c0 : bit);
    for (std::size_t i = 0; i < width; i += 16) __builtin_prefetch(row + i);
  }
}

void MixLayer::predict(const std::int16_t* x) {
  std::array<std::int32_t, kMaxSets> sums;
  kernels_.dot(x, padded_, chosen_.data(), static_cast<int>(sets_), start_, sums.data());
  for (std::size_t k = 0; k < sets_; ++k) {
    const int d = clamp_stretch((sums[k] + 32) >> 6);
    dots_[k] = static_cast<std::int16_t>(d);
    p_[k] = squash(t_, d);
  }
}

int MixLayer::mean() const {
  int sum = 0;
  for (std::size_t k = 0; k < sets_; ++k) sum += dots_[k];
  return sum / static_cast<int>(sets_);
}

void MixLayer::train(const std::int16_t* x, int bit, std::int32_t rate, int quiet) {
  std::array<std::int16_t, kMaxSets> errors;
  std::array<std::int32_t*, kMaxSets> moving;
  std::size_t moves = 0;
  for (std::size_t k = 0; k < sets_; ++k) {
    std::int32_t own = rate;
    if (eager_) {
      std::uint16_t& visits = *visited_[k];
      own = std::min(own + extra_[visits], kHighestRate);
      visits = static_cast<std::uint16_t>(visits + (visits < kMostVisits ? 1 : 0));
    }
    const std::int16_t error = scaled_error(bit, p_[k], own);
    errors[moves] = error;
    moving[moves] = chosen_[k];
    moves += error > quiet || error < -quiet ? 1 : 0;
  }
  kernels_.train(x, padded_, moving.data(), static_cast<int>(moves), errors.data());
}

}  // namespace stateutils::statesmix
