// Arithmetic in GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d), generator 2.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace stateutils::ckpt::protect {

[[nodiscard]] std::uint8_t gf_multiply(std::uint8_t a, std::uint8_t b);
[[nodiscard]] std::uint8_t gf_inverse(std::uint8_t a);  // a != 0

// Rows of coefficients: output row r is the sum over j of coefficient(r, j) times source j.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<std::uint8_t> cells{};

  Matrix() = default;
  Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), cells(r * c) {}
  [[nodiscard]] std::uint8_t& at(std::size_t r, std::size_t c) { return cells[r * columns + c]; }
  [[nodiscard]] std::uint8_t at(std::size_t r, std::size_t c) const {
    return cells[r * columns + c];
  }
};

// Parity rows of a systematic Cauchy code: row i = K..K+M-1, column j holds 1 / (i xor j). Any K of
// the K + M rows of (identity, parity) are independent.
[[nodiscard]] Matrix cauchy_rows(std::size_t data, std::size_t parity);
// One row of ones.
[[nodiscard]] Matrix xor_row(std::size_t data);
// Gauss-Jordan; false when the matrix is singular.
[[nodiscard]] bool invert(Matrix& matrix);

// outputs[r] = matrix row r times the sources, all of `size` bytes.
void gf_apply(const Matrix& matrix, std::span<const std::uint8_t* const> sources,
              std::span<std::uint8_t* const> outputs, std::size_t size);

// Products of one coefficient with the low and the high nibble of a byte.
struct NibbleTable {
  alignas(16) std::array<std::uint8_t, 16> low, high;
};
[[nodiscard]] NibbleTable nibble_table(std::uint8_t coefficient);

// Kernels: outputs[r] (up to kRowsAtOnce of them) = sum over j of tables[r * sources + j] * source.
inline constexpr std::size_t kRowsAtOnce = 4;
using GfKernel = void (*)(std::span<const NibbleTable> tables,
                          std::span<const std::uint8_t* const> sources,
                          std::span<std::uint8_t* const> outputs, std::size_t size);
void gf_kernel_scalar(std::span<const NibbleTable> tables,
                      std::span<const std::uint8_t* const> sources,
                      std::span<std::uint8_t* const> outputs, std::size_t size);
void gf_kernel_avx2(std::span<const NibbleTable> tables,
                    std::span<const std::uint8_t* const> sources,
                    std::span<std::uint8_t* const> outputs, std::size_t size);

}  // namespace stateutils::ckpt::protect
