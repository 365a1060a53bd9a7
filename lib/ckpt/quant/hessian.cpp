#include "ckpt/quant/hessian.hpp"

#include <cmath>
#include <utility>

#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt::quant {
namespace {

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// The lower factor L with A = L L^T in place (upper part cleared); false when A is not positive
// definite.
bool cholesky(Square& a, int threads) {
  const std::size_t n = a.n;
  for (std::size_t j = 0; j < n; ++j) {
    core::check_stop();
    double* const row = a.cells.data() + j * n;
    const double pivot = row[j] - dot(row, row, j);
    if (!(pivot > 0)) return false;
    row[j] = std::sqrt(pivot);
    const int team = n - j > 256 ? threads : 1;
    core::parallel_for((n - j - 1 + 63) / 64, team, [&](std::uint64_t task) {
      const std::size_t first = j + 1 + task * 64, last = std::min(n, first + 64);
      for (std::size_t i = first; i < last; ++i) {
        double* const other = a.cells.data() + i * n;
        other[j] = (other[j] - dot(other, row, j)) / row[j];
      }
    });
    for (std::size_t k = j + 1; k < n; ++k) row[k] = 0;
  }
  return true;
}

// (L L^T)^-1 from L, whose room goes on the way. Row i of the result of the first loop is column i
// of L^-1.
Square inverse_of(Square lower, int threads) {
  const std::size_t n = lower.n;
  Square columns{n, std::vector<double>(n * n)};
  core::parallel_for(n, threads, [&](std::uint64_t c) {
    double* const x = columns.cells.data() + c * n;
    for (std::size_t r = c; r < n; ++r) {
      const double* const row = lower.cells.data() + r * n;
      const double sum = (r == c ? 1.0 : 0.0) - dot(row + c, x + c, r - c);
      x[r] = sum / row[r];
    }
  });
  lower = {};
  Square inverse{n, std::vector<double>(n * n)};
  core::parallel_for(n, threads, [&](std::uint64_t r) {
    for (std::size_t c = 0; c <= r; ++c) {
      const double* const a = columns.cells.data() + r * n;
      const double* const b = columns.cells.data() + c * n;
      inverse.cells[r * n + c] = inverse.cells[c * n + r] = dot(a + r, b + r, n - r);
    }
  });
  return inverse;
}

}  // namespace

void damp(Square& h) {
  if (h.identity()) return;
  double sum = 0;
  for (std::size_t i = 0; i < h.n; ++i) sum += h.at(i, i);
  for (std::size_t i = 0; i < h.n; ++i)
    h.cells[i * h.n + i] += 0.01 * sum / static_cast<double>(h.n);
}

Square reordered(const Square& h, std::span<const std::size_t> order,
                 std::span<const double> scale) {
  Square out{h.n, std::vector<double>(h.n * h.n)};
  for (std::size_t r = 0; r < h.n; ++r) {
    for (std::size_t c = 0; c < h.n; ++c) {
      out.cells[r * h.n + c] = h.at(order[r], order[c]) * scale[order[r]] * scale[order[c]];
    }
  }
  return out;
}

Square feedback_factor(Square h, bool is_inverse, int threads) {
  if (!is_inverse) {
    if (!cholesky(h, threads)) return {};
    h = inverse_of(std::move(h), threads);
  }
  if (!cholesky(h, threads)) return {};
  for (std::size_t r = 0; r < h.n; ++r) {
    for (std::size_t c = r + 1; c < h.n; ++c) std::swap(h.cells[r * h.n + c], h.cells[c * h.n + r]);
  }
  return h;
}

double weighted_square(const Square& h, std::span<const double> d, std::size_t rows, int threads) {
  const std::size_t n = rows == 0 ? 0 : d.size() / rows;
  std::vector<double> sums(rows);
  core::parallel_for(rows, threads, [&](std::uint64_t r) {
    std::vector<double> row(n);
    for (std::size_t c = 0; c < n; ++c) row[c] = d[c * rows + r];
    double sum = 0;
    for (std::size_t c = 0; c < n; ++c) {
      sum += row[c] * (h.identity() ? row[c] : dot(h.cells.data() + c * n, row.data(), n));
    }
    sums[r] = sum;
  });
  return core::pairwise_sum(sums);
}

}  // namespace stateutils::ckpt::quant
