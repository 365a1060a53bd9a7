// The proxy Hessian of a layer, H = (2/n) X X^T over its inputs, and what the error feedback needs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace stateutils::ckpt::quant {

// A symmetric matrix, n x n, row by row; empty for the identity.
struct Square {
  std::size_t n = 0;
  std::vector<double> cells{};
  [[nodiscard]] bool identity() const { return cells.empty(); }
  [[nodiscard]] double at(std::size_t r, std::size_t c) const {
    return identity() ? (r == c ? 1.0 : 0.0) : cells[r * n + c];
  }
};

// Adds 1 % of the mean of the diagonal to it.
void damp(Square& h);
// Row and column i of the result are order[i] of `h`, times scale[order[i]] on each side.
[[nodiscard]] Square reordered(const Square& h, std::span<const std::size_t> order,
                               std::span<const double> scale);
// U, upper triangular, with H^-1 = U^T U; empty() when H is not positive definite. With
// `is_inverse`, `h` is H^-1 already.
[[nodiscard]] Square feedback_factor(Square h, bool is_inverse, int threads);

// tr(D H D^T) of a matrix of `rows` rows, stored column by column; `h` may be the empty identity.
[[nodiscard]] double weighted_square(const Square& h, std::span<const double> d, std::size_t rows,
                                     int threads);

}  // namespace stateutils::ckpt::quant
