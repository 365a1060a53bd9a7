#include "statesmix/cm/logistic.hpp"

#include <bit>

namespace stateutils::statesmix {
namespace {

constexpr double kLn2High = 6.93147180369123816490e-01;  // fdlibm's split of ln 2
constexpr double kLn2Low = 1.90821492927058770002e-10;

double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

}  // namespace

double portable_exp(double x) {
  if (x > 700) x = 700;
  if (x < -700) x = -700;
  const double scaled = x * 1.4426950408889634;
  const int n = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor to r^17: |r| <= 0.35, so the rest is below 1e-23.
  double sum = 1;
  for (int k = 17; k >= 1; --k) sum = 1 + r * sum / k;
  return sum * power_of_two(n);
}

double portable_log(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>((bits >> 52) & 2047) - 1023;
  double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFull) | (std::uint64_t{1023} << 52));
  if (m > 1.4142135623730951) {
    m = m / 2;
    ++exponent;
  }
  // ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| <= 0.172.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double sum = 0;
  for (int k = 25; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
  return exponent * kLn2High + (exponent * kLn2Low + 2 * s * sum);
}

LogisticTables::LogisticTables() {
  for (int s = -3072; s < 3072; ++s) {
    const double p = 1 / (1 + portable_exp(-s / 256.0));
    int q = static_cast<int>(p * 65536 + 0.5);
    q = q < 1 ? 1 : (q > 65535 ? 65535 : q);
    squash[s + 3072] = static_cast<std::uint16_t>(q);
  }
  const auto stretched = [](double p) {
    const double v = portable_log(p / (1 - p)) * 256;
    return static_cast<std::int16_t>(clamp_stretch(static_cast<int>(v + (v < 0 ? -0.5 : 0.5))));
  };
  constexpr int kCells = 1 << kStretchBits;
  for (int cell = 0; cell < kCells; ++cell) stretch[cell] = stretched((cell + 0.5) / kCells);
  for (int n = 0; n < 256; ++n) {
    const int rate = 8192 / (n + 6);
    map_rate[n] = static_cast<std::uint16_t>(rate < 8192 / 255 ? 8192 / 255 : rate);
  }
  map_rate[256] = 0;
}

const LogisticTables& logistic_tables() {
  static const LogisticTables tables;
  return tables;
}

}  // namespace stateutils::statesmix
