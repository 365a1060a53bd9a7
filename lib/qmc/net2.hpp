// Digital nets in base 2: generating matrices and what is done to them before points are made.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace stateutils::qmc {

inline constexpr std::uint32_t kSobolDimensions = 21201;

// Generating matrices C_1..C_d. A column is an integer whose bit 63 is the first output digit.
struct Net2 {
  unsigned columns = 0;             // index bits: the net has 2^columns points
  unsigned rows = 0;                // output digits that may be non-zero, at most 64
  std::vector<std::uint64_t> bits;  // bits[dimension * columns + column]

  [[nodiscard]] std::size_t dims() const { return columns == 0 ? 0 : bits.size() / columns; }
  [[nodiscard]] std::span<const std::uint64_t> matrix(std::size_t dim) const {
    return {bits.data() + dim * columns, columns};
  }
};

// Sobol' matrices (32 columns, 32 rows) of the given dimensions, counted from 0, with the
// direction numbers of Joe and Kuo (2008). Dimensions are below kSobolDimensions.
[[nodiscard]] Net2 sobol_net(std::span<const std::uint32_t> dims);

// The 32 columns of one dimension from its primitive polynomial (degree `s`, inner coefficients
// `a`) and m_1..m_s, by the recurrence of Joe and Kuo, eq. (3).
void sobol_columns(unsigned s, std::uint32_t a, std::span<const std::uint32_t> m,
                   std::span<std::uint64_t> columns);

// Inner coefficients of the primitive polynomial that dimension `dim` (from 1, of degree
// polynomial_degree(dim)) uses in the table; every primitive polynomial up to degree 18 occurs
// once.
[[nodiscard]] unsigned polynomial_degree(std::uint32_t dim);
[[nodiscard]] std::uint32_t polynomial_coefficients(std::uint32_t dim);

// Digit interlacing of order alpha (Dick 2008): output digit tau of dimension j is digit
// tau / alpha of input dimension j alpha + tau mod alpha. Keeps at most `max_rows` digits.
[[nodiscard]] Net2 interlace(const Net2& net, unsigned alpha, unsigned max_rows);
[[nodiscard]] std::uint64_t interlace_word(std::span<const std::uint64_t> words, unsigned digits);

// C' = S C for one dimension. Row tau of S is a `t_in`-bit integer whose most significant bit is
// column 0; digits of C below t_in are not seen.
void scramble_columns(std::span<const std::uint64_t> s_rows, unsigned t_in,
                      std::span<const std::uint64_t> columns, std::span<std::uint64_t> out);

}  // namespace stateutils::qmc
