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
  // Finer than this gains nothing on text and on logs, and needs more of the first-level cache.
  static constexpr int kStretchBits = 13;
  std::int16_t stretch[1 << kStretchBits];
  // 8192 / (n + 6), at least 8192 / 255: the rates of adaptive maps by hit count; 0 at the end.
  std::uint16_t map_rate[257];

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
  return t.stretch[p >> (16 - LogisticTables::kStretchBits)];
}

// exp and ln on doubles from + - * / and bit moves, good to about 1e-15: the only source of the
// tables above and of start values. Arguments must be finite (ln: positive and normal).
[[nodiscard]] double portable_exp(double x);
[[nodiscard]] double portable_log(double x);

}  // namespace stateutils::statesmix
