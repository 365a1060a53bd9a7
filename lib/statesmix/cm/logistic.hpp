// The logistic domain in integers: stretch(p) = ln(p / (1 - p)) with 8 fraction bits over +-12,
// probabilities with 16 bits. The tables are made once, from + - * / on doubles only (correctly
// rounded everywhere), and a unit test pins their checksum.
#pragma once

#include <cstdint>

namespace stateutils::statesmix {

inline constexpr int kStretchLimit = 3071;  // just under 12.0

struct LogisticTables {
  // squash[s + 3072], s in [-3072, 3071], as probabilities in [1, 65535].
  std::uint16_t squash[6144];
  // Cells of 1, 4 and 32 probabilities, finest at both ends: small enough for a first-level cache.
  static constexpr std::uint32_t kStretchCells = 512 + 896 + 1792 + 896 + 512;
  std::int16_t stretch[kStretchCells];
  // The cell of p is (p >> shift) + offset of zone p >> 9: no branch to be predicted.
  struct Zone {
    std::int32_t offset;
    std::uint32_t shift;
  };
  Zone zone[128];
  // 8192 / (n + 6), at least 8192 / 255: the rates of adaptive maps by hit count.
  std::uint16_t map_rate[256];

  LogisticTables();
};

[[nodiscard]] const LogisticTables& logistic_tables();

[[nodiscard]] inline int clamp_stretch(int s) {
  return s > kStretchLimit ? kStretchLimit : (s < -kStretchLimit ? -kStretchLimit : s);
}
[[nodiscard]] inline std::uint32_t squash(const LogisticTables& t, int s) {
  return t.squash[clamp_stretch(s) + 3072];
}
[[nodiscard]] inline int stretch(const LogisticTables& t, std::uint32_t p) {
  const LogisticTables::Zone z = t.zone[p >> 9];
  return t.stretch[static_cast<int>(p >> z.shift) + z.offset];
}

// exp and ln on doubles from + - * / and bit moves, good to about 1e-15: the only source of the
// tables above and of start values. Arguments must be finite (ln: positive and normal).
[[nodiscard]] double portable_exp(double x);
[[nodiscard]] double portable_log(double x);

}  // namespace stateutils::statesmix
