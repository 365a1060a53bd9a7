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
  // Three stretches of 4096 cells: p < 1/16 and p >= 15/16 at full resolution, the middle by 16.
  std::int16_t stretch[3 * 4096];
  // 65536 / (n + 1.5), and n / (n + 1.5) in 2^-16, for n = 0..63.
  std::uint16_t step[64];
  std::uint16_t confidence[64];
  // 2^32 / (n + 6) >> 16, at least 65536 / 255: the rates of adaptive maps by hit count.
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
  std::uint32_t cell = 4096 + (p >> 4);
  cell = p < 4096 ? p : cell;
  cell = p >= 61440 ? p - 61440 + 8192 : cell;
  return t.stretch[cell];
}

// exp and ln on doubles from + - * / and bit moves, good to about 1e-15: the only source of the
// tables above and of start values. Arguments must be finite (ln: positive and normal).
[[nodiscard]] double portable_exp(double x);
[[nodiscard]] double portable_log(double x);

}  // namespace stateutils::statesmix
