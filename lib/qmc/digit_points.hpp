// Point sets in any base: digits of the index, a matrix, and a map of each output digit.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "qmc/netb.hpp"
#include "qmc/points.hpp"
#include "qmc/randomness.hpp"

namespace stateutils::qmc {

// One dimension: y = matrix * digits(i); output digit r is maps[r][y_r].
struct DigitDimension {
  DigitMatrix matrix;
  std::vector<std::vector<std::uint32_t>> maps;  // empty: none
  bool nested = false;                           // exact nested uniform scrambling
  std::uint32_t dim = 0;                         // of the random numbers, for nested
};

// The scrambled matrix S C modulo the base: S is t x rows, lower-triangular with a non-zero
// diagonal, row by row.
[[nodiscard]] DigitMatrix scramble_digits(const std::vector<std::uint32_t>& s, unsigned t,
                                          const DigitMatrix& matrix);

// Draws from Philox, base b: entries of the scrambling matrix of `t` rows and `t_in` columns, and
// the digit shift of `t` digits.
[[nodiscard]] std::vector<std::uint32_t> draw_digit_lms(const Stream& stream, std::uint32_t dim,
                                                        std::uint32_t base, unsigned t,
                                                        unsigned t_in);
[[nodiscard]] std::vector<std::uint32_t> draw_digit_shift(const Stream& stream, std::uint32_t dim,
                                                          std::uint32_t base, unsigned t);

// The value sum_r digits[r] b^-(r+1), at most 1 - 2^-53.
[[nodiscard]] double digit_value(const std::uint32_t* digits, unsigned count, std::uint32_t base);

// Points whose row i has the coordinates of index i; digits are cut off after digit_count(base).
[[nodiscard]] std::unique_ptr<Points> digit_points(std::vector<DigitDimension> dims,
                                                   const Stream& stream);

}  // namespace stateutils::qmc
