// Constants of the Kronecker sequence, in 128-bit fixed point.
#include <algorithm>

#include "qmc/sequences.hpp"
#include "qmc/wide.hpp"

namespace stateutils::qmc {
namespace {

// floor(a b / 2^128).
Wide multiply_high(Wide a, Wide b) {
  const Wide mask = ~0ull;
  const Wide a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
  const Wide middle = a1 * b0 + (a0 * b0 >> 64);
  const Wide middle2 = a0 * b1 + (middle & mask);
  return a1 * b1 + (middle >> 64) + (middle2 >> 64);
}

// Whether r^d (1 + r) < 1 for the fraction r = value / 2^128.
bool below_root(Wide r, std::uint32_t d) {
  Wide power = 0;
  bool one = true;  // power = 1 is not a fraction
  Wide square = r;
  for (std::uint32_t e = d; e != 0; e >>= 1, square = multiply_high(square, square)) {
    if ((e & 1) == 0) continue;
    power = one ? square : multiply_high(power, square);
    one = false;
  }
  const Wide sum = power + multiply_high(power, r);
  return sum >= power;  // no carry out of the fraction
}

}  // namespace

// With r = 1 / phi the equation phi^(d+1) = phi + 1 reads r^d (1 + r) = 1. Errors of the 128-bit
// products stay near d 2^-128, far below the 2^-64 of the result.
std::vector<std::uint64_t> kronecker_constants(std::uint32_t d) {
  Wide r = 0;
  for (int bit = 127; bit >= 0; --bit) {
    const Wide trial = r | Wide{1} << bit;
    if (below_root(trial, d)) r = trial;
  }
  std::vector<std::uint64_t> constants;
  constants.reserve(d);
  Wide power = r;
  for (std::uint32_t j = 0; j < d; ++j, power = multiply_high(power, r)) {
    constants.push_back(static_cast<std::uint64_t>(power >> 64));
  }
  return constants;
}

}  // namespace stateutils::qmc
