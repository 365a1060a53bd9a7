#include "ckpt/protect/gf256.hpp"

#include <algorithm>
#include <utility>

#include "core/isa.hpp"

namespace stateutils::ckpt::protect {
namespace {

struct Tables {
  std::array<std::uint8_t, 512> power{};  // 2^i, twice over, so that sums of logarithms need no mod
  std::array<std::uint8_t, 256> logarithm{};
};

constexpr Tables make_tables() {
  Tables tables;
  unsigned x = 1;
  for (unsigned i = 0; i < 255; ++i) {
    tables.power[i] = tables.power[i + 255] = static_cast<std::uint8_t>(x);
    tables.logarithm[x] = static_cast<std::uint8_t>(i);
    x = (x << 1) ^ ((x & 0x80) != 0 ? 0x11d : 0);
  }
  return tables;
}
constexpr Tables kTables = make_tables();

GfKernel kernel() {
#if defined(__x86_64__)
  static const GfKernel chosen =
      core::active_isa() == core::Isa::kScalar ? gf_kernel_scalar : gf_kernel_avx2;
  return chosen;
#else
  return gf_kernel_scalar;
#endif
}

}  // namespace

std::uint8_t gf_multiply(std::uint8_t a, std::uint8_t b) {
  if (a == 0 || b == 0) return 0;
  return kTables.power[static_cast<std::size_t>(kTables.logarithm[a]) + kTables.logarithm[b]];
}

std::uint8_t gf_inverse(std::uint8_t a) {
  return kTables.power[255u - kTables.logarithm[a]];
}

Matrix cauchy_rows(std::size_t data, std::size_t parity) {
  Matrix rows(parity, data);
  for (std::size_t i = 0; i < parity; ++i) {
    for (std::size_t j = 0; j < data; ++j) {
      rows.at(i, j) = gf_inverse(static_cast<std::uint8_t>((data + i) ^ j));
    }
  }
  return rows;
}

Matrix xor_row(std::size_t data) {
  Matrix row(1, data);
  std::ranges::fill(row.cells, std::uint8_t{1});
  return row;
}

bool invert(Matrix& matrix) {
  const std::size_t n = matrix.rows;
  Matrix inverse(n, n);
  for (std::size_t i = 0; i < n; ++i) inverse.at(i, i) = 1;
  const auto add_row = [n](Matrix& m, std::size_t to, std::size_t from, std::uint8_t factor) {
    for (std::size_t c = 0; c < n; ++c) m.at(to, c) ^= gf_multiply(factor, m.at(from, c));
  };
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    while (pivot < n && matrix.at(pivot, column) == 0) ++pivot;
    if (pivot == n) return false;
    for (std::size_t c = 0; c < n && pivot != column; ++c) {
      std::swap(matrix.at(pivot, c), matrix.at(column, c));
      std::swap(inverse.at(pivot, c), inverse.at(column, c));
    }
    const std::uint8_t scale = gf_inverse(matrix.at(column, column));
    for (std::size_t c = 0; c < n; ++c) {
      matrix.at(column, c) = gf_multiply(scale, matrix.at(column, c));
      inverse.at(column, c) = gf_multiply(scale, inverse.at(column, c));
    }
    for (std::size_t row = 0; row < n; ++row) {
      const std::uint8_t factor = matrix.at(row, column);
      if (row == column || factor == 0) continue;
      add_row(matrix, row, column, factor);
      add_row(inverse, row, column, factor);
    }
  }
  matrix = std::move(inverse);
  return true;
}

NibbleTable nibble_table(std::uint8_t coefficient) {
  NibbleTable table{};
  for (std::size_t i = 0; i < 16; ++i) {
    table.low[i] = gf_multiply(coefficient, static_cast<std::uint8_t>(i));
    table.high[i] = gf_multiply(coefficient, static_cast<std::uint8_t>(i << 4));
  }
  return table;
}

void gf_kernel_scalar(std::span<const NibbleTable> tables,
                      std::span<const std::uint8_t* const> sources,
                      std::span<std::uint8_t* const> outputs, std::size_t size) {
  for (std::size_t r = 0; r < outputs.size(); ++r) {
    std::fill_n(outputs[r], size, std::uint8_t{0});
    for (std::size_t j = 0; j < sources.size(); ++j) {
      const NibbleTable& table = tables[r * sources.size() + j];
      for (std::size_t i = 0; i < size; ++i) {
        const std::uint8_t x = sources[j][i];
        outputs[r][i] ^= static_cast<std::uint8_t>(table.low[x & 15] ^ table.high[x >> 4]);
      }
    }
  }
}

void gf_apply(const Matrix& matrix, std::span<const std::uint8_t* const> sources,
              std::span<std::uint8_t* const> outputs, std::size_t size) {
  std::vector<NibbleTable> tables;
  tables.reserve(matrix.cells.size());
  for (const std::uint8_t cell : matrix.cells) tables.push_back(nibble_table(cell));
  for (std::size_t r = 0; r < matrix.rows; r += kRowsAtOnce) {
    const std::size_t rows = std::min(kRowsAtOnce, matrix.rows - r);
    kernel()(std::span(tables).subspan(r * matrix.columns, rows * matrix.columns), sources,
             outputs.subspan(r, rows), size);
  }
}

}  // namespace stateutils::ckpt::protect
