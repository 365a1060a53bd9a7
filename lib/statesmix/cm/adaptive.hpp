// Small adaptive probabilities: u32 cells with 22 bits of P(1) above a hit count of 10 bits.
#pragma once

#include <array>
#include <cstdint>

#include "statesmix/cm/logistic.hpp"

namespace stateutils::statesmix {

inline constexpr int kCellBits = 22;  // of the probability
inline constexpr std::uint32_t kHitMask = 1023, kMostHits = 255;
inline constexpr std::uint32_t kHalfCell = 1u << 31;
// A cell that stays at 1/2: its hits stand behind the last and have rate 0.
inline constexpr std::uint32_t kFrozenHalf = kHalfCell | (kMostHits + 1);

[[nodiscard]] inline std::uint32_t cell_p16(std::uint32_t cell) {
  return cell >> 16;
}
[[nodiscard]] inline std::uint32_t make_cell(std::uint32_t p22) {
  return p22 << 10;
}

// Rate max(1 / (hits + 6), 1 / 255), `map_rate` in 2^-13. Products wrap as the sum does; what is
// below the probability's 22 bits is cut off, downwards.
inline void update_cell(std::uint32_t& cell, int bit, const std::uint16_t* map_rate) {
  const std::uint32_t hits = cell & kHitMask;
  const std::int32_t gap = (bit << kCellBits) - static_cast<std::int32_t>(cell >> 10);
  const auto step = static_cast<std::uint32_t>((gap >> 3) * std::int32_t{map_rate[hits]});
  cell += (step & ~kHitMask) + (hits < kMostHits ? 1 : 0);
}

// Adaptive probability map: 16 cells, one cache line, over stretch in [-8, 8], interpolated; rate
// 1/50 on the two cells around the input, by nearness. Cells are kept relative to the identity, so
// that zero pages change nothing and a row needs no start.
class Apm {
 public:
  static constexpr std::uint32_t kCells = 16;

  void attach(std::uint32_t* cells, const LogisticTables& t) {
    cells_ = cells;
    for (std::uint32_t j = 0; j < kCells; ++j)
      identity_[j] = squash(t, (static_cast<int>(j) * 4096 - 2048 * 15) / 15) << 16;
  }
  void prefetch(std::uint32_t row) const { __builtin_prefetch(&cells_[row * kCells]); }
  [[nodiscard]] std::uint32_t refine(int st, std::uint32_t row) {
    const std::uint32_t s = place(st);
    weight_ = s & 255;
    cell_ = s >> 8;
    low_ = &cells_[row * kCells + cell_];
    const std::uint32_t a = low_[0] + identity_[cell_], b = low_[1] + identity_[cell_ + 1];
    return ((a >> 16) * (256 - weight_) + (b >> 16) * weight_) >> 8;
  }
  void update(int bit) {
    const std::uint32_t target = bit != 0 ? 0xFFFFFFFFu : 0;
    low_[0] += step(low_[0] + identity_[cell_], target, 256 - weight_);
    low_[1] += step(low_[1] + identity_[cell_ + 1], target, weight_);
  }

 private:
  // Number of the cell below and, in 8 bits, the way to the next.
  static std::uint32_t place(int st) {
    const int s = st + 2048;
    return static_cast<std::uint32_t>(s < 0 ? 0 : (s > 4095 ? 4095 : s)) * 15 / 16;
  }
  static std::uint32_t step(std::uint32_t p, std::uint32_t target, std::uint32_t nearness) {
    const auto gap = static_cast<std::int64_t>(target) - static_cast<std::int64_t>(p);
    // 1311 / 65536 = 0.02, times nearness / 256.
    return static_cast<std::uint32_t>((gap * static_cast<std::int64_t>(1311 * nearness)) >> 24);
  }

  std::uint32_t* cells_ = nullptr;
  std::uint32_t* low_ = nullptr;
  std::uint32_t weight_ = 0, cell_ = 0;
  std::array<std::uint32_t, kCells> identity_{};
};

}  // namespace stateutils::statesmix
