// Digital nets in any base, with a base per dimension: Halton, Faure, and matrices from files.
#pragma once

#include <cstdint>
#include <vector>

namespace stateutils::qmc {

// Generating matrix of one dimension: digits modulo `base`, row by row; row 0 gives the first digit
// of the point, column 0 belongs to the lowest digit of the index.
struct DigitMatrix {
  std::uint32_t base = 2;
  unsigned rows = 0, columns = 0;
  std::vector<std::uint32_t> digits;  // empty: the identity

  [[nodiscard]] std::uint32_t at(unsigned row, unsigned column) const {
    if (digits.empty()) return row == column ? 1 : 0;
    return digits[row * columns + column];
  }
};

// Digits that decide a double: T_b = ceil(53 ln 2 / ln b) + 1, by exact integer comparison.
[[nodiscard]] unsigned digit_count(std::uint32_t base);

// The primes p_0 = 2, p_1 = 3, ... up to and including p_(count - 1).
[[nodiscard]] std::vector<std::uint32_t> first_primes(std::uint32_t count);
[[nodiscard]] bool is_prime(std::uint32_t n);
inline constexpr std::uint32_t kHaltonDimensions = 21201;

// Faure's matrix of dimension `dim` (from 0): P^dim, P the upper Pascal matrix modulo `base`:
// P^j[r][c] = C(c, r) j^(c - r).
[[nodiscard]] DigitMatrix faure_matrix(std::uint32_t base, std::uint32_t dim);

}  // namespace stateutils::qmc
