// Small adaptive probabilities: u32 cells with 22 bits of P(1) above a hit count of 10 bits.
#pragma once

#include <cstdint>

#include "statesmix/cm/logistic.hpp"

namespace stateutils::statesmix {

inline constexpr std::uint32_t kHalfCell = 1u << 31;

[[nodiscard]] inline std::uint32_t cell_p16(std::uint32_t cell) {
  return cell >> 16;
}
[[nodiscard]] inline std::uint32_t make_cell(std::uint32_t p22) {
  return p22 << 10;
}

// Rate max(1 / (hits + 6), 1 / 255).
inline void update_cell(std::uint32_t& cell, int bit, const std::uint16_t* map_rate) {
  const std::uint32_t hits = cell & 1023;
  const auto p = static_cast<std::int32_t>(cell >> 10);
  const std::int32_t target = bit != 0 ? (1 << 22) - 1 : 0;
  const auto step = static_cast<std::int32_t>(
      (static_cast<std::int64_t>(target - p) * map_rate[hits > 255 ? 255 : hits]) >> 16);
  cell = (static_cast<std::uint32_t>(p + step) << 10) | (hits < 255 ? hits + 1 : hits);
}

// Adaptive probability map: 33 cells over stretch in [-8, 8], interpolated; rate 1/50 on the two
// cells around the input, by nearness.
class Apm {
 public:
  static constexpr std::uint32_t kCells = 33;

  void attach(std::uint32_t* cells, const LogisticTables& t) {
    cells_ = cells;
    tables_ = &t;
  }
  void prefetch(std::uint32_t context) const {
    const std::uint32_t* row = &cells_[context * kCells];
    __builtin_prefetch(row);
    __builtin_prefetch(row + 16);
    __builtin_prefetch(row + 32);
  }
  [[nodiscard]] std::uint32_t refine(int st, std::uint32_t context) {
    int s = st + 2048;
    s = s < 0 ? 0 : (s > 4095 ? 4095 : s);
    weight_ = static_cast<std::uint32_t>(s & 127);
    std::uint32_t* row = &cells_[context * kCells];
    if (row[kCells / 2] == 0) start(row);
    low_ = row + (s >> 7);
    return ((low_[0] >> 16) * (128 - weight_) + (low_[1] >> 16) * weight_) >> 7;
  }
  void update(int bit) {
    const std::uint32_t target = bit != 0 ? 0xFFFFFFFFu : 0;
    low_[0] = moved(low_[0], target, 128 - weight_);
    low_[1] = moved(low_[1], target, weight_);
  }

 private:
  // A row starts as the identity when it is first used (its middle is 1/2 then, never 0).
  void start(std::uint32_t* row) const {
    for (std::uint32_t j = 0; j < kCells; ++j) {
      row[j] = squash(*tables_, (static_cast<int>(j) - 16) * 128) << 16;
    }
  }
  static std::uint32_t moved(std::uint32_t p, std::uint32_t target, std::uint32_t nearness) {
    const auto gap = static_cast<std::int64_t>(target) - static_cast<std::int64_t>(p);
    // 1311 / 65536 = 0.02, times nearness / 128.
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(p) +
                                      ((gap * static_cast<std::int64_t>(1311 * nearness)) >> 23));
  }

  const LogisticTables* tables_ = nullptr;
  std::uint32_t* cells_ = nullptr;
  std::uint32_t* low_ = nullptr;
  std::uint32_t weight_ = 0;
};

}  // namespace stateutils::statesmix
