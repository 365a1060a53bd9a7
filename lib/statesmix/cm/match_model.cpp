#include "statesmix/cm/match_model.hpp"

#include <bit>

#include "statesmix/cm/text_state.hpp"

namespace stateutils::statesmix {
namespace {

constexpr std::uint32_t kMaxLength = 65535;

// 1..31: single lengths to 15, then four classes per doubling.
std::uint32_t bucket(std::uint32_t length) {
  if (length < 16) return length;
  const auto log = static_cast<std::uint32_t>(std::bit_width(length)) - 1;
  const std::uint32_t b = 16 + (log - 4) * 4 + ((length >> (log - 2)) & 3);
  return b < 31 ? b : 31;
}

}  // namespace

void MatchModel::attach(std::uint32_t* positions, int bits, std::uint32_t* cells,
                        std::uint32_t min_length) {
  positions_ = positions;
  shift_ = 64 - bits;
  cells_ = cells;
  min_length_ = min_length;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    // A longer match is wrong less often: 1 - 1 / (length + 2) to begin with.
    const std::uint32_t b = i / 2;
    cells_[i] = make_cell((1u << 22) - (1u << 22) / (b + 2));
  }
}

void MatchModel::prepare_byte(const std::uint8_t* history, std::size_t position) {
  if (position < min_length_) return;
  std::uint64_t key = 0, beyond = 0;
  for (std::uint32_t i = 1; i <= min_length_; ++i) {
    (i <= 8 ? key : beyond) = (i <= 8 ? key : beyond) << 8 | history[position - i];
  }
  place_ = &positions_[hash64(key + beyond * 0x9E3779B97F4A7C15ull) >> shift_];
  __builtin_prefetch(place_);
}

void MatchModel::start_byte(const std::uint8_t* history, std::size_t position) {
  if (length_ != 0) {
    ++pointer_;
    if (length_ < kMaxLength) ++length_;
  }
  if (position < min_length_) return;
  std::uint32_t& last = *place_;
  if (length_ == 0 && last != 0) {
    std::uint32_t n = 0;
    while (n < 400 && n < last && history[last - 1 - n] == history[position - 1 - n]) ++n;
    if (n >= min_length_) {
      length_ = n;
      pointer_ = last;
    }
  }
  last = static_cast<std::uint32_t>(position);
  if (length_ != 0) predicted_ = history[pointer_];
}

MatchModel::Inputs MatchModel::predict(const LogisticTables& t, int bit_index) {
  if (length_ == 0) return {0, 0};
  expected_bit_ = (predicted_ >> (7 - bit_index)) & 1;
  cell_ = &cells_[bucket(length_) * 2 + (bit_index == 0 ? 0 : 1)];
  const std::uint32_t p = cell_p16(*cell_);
  const int st = stretch(t, p);
  const int linear = (static_cast<int>(p) - 32768) >> 6;
  const int sign = expected_bit_ != 0 ? 1 : -1;
  return {static_cast<std::int16_t>(sign * st), static_cast<std::int16_t>(sign * linear)};
}

bool MatchModel::update(int bit, const LogisticTables& t) {
  if (length_ == 0) return false;
  const bool right = bit == expected_bit_;
  update_cell(*cell_, right ? 1 : 0, t.map_rate);
  if (!right) length_ = 0;
  return !right;
}

std::uint32_t MatchModel::length_class() const {
  if (length_ == 0) return 0;
  if (length_ < 8) return 1;
  if (length_ < 12) return 2;
  if (length_ < 16) return 3;
  if (length_ < 24) return 4;
  if (length_ < 32) return 5;
  return length_ < 64 ? 6 : 7;
}

}  // namespace stateutils::statesmix
