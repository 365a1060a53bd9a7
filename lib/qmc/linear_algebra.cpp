#include "qmc/linear_algebra.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"

namespace stateutils::qmc {
namespace {

// Reduces `a` to tridiagonal form: diagonal `d`, subdiagonal e[1..]; `a` becomes the orthogonal
// matrix of the reduction.
void tridiagonalise(std::vector<double>& a, std::size_t n, std::vector<double>& d,
                    std::vector<double>& e) {
  const auto at = [&](std::size_t i, std::size_t j) -> double& { return a[i * n + j]; };
  for (std::size_t i = n - 1; i > 0; --i) {
    double h = 0, scale = 0;
    for (std::size_t k = 0; k < i; ++k) scale += std::abs(at(i, k));
    if (i == 1 || scale == 0) {
      e[i] = at(i, i - 1);
      d[i] = 0;
      continue;
    }
    for (std::size_t k = 0; k < i; ++k) {
      at(i, k) /= scale;
      h += at(i, k) * at(i, k);
    }
    const double f = at(i, i - 1), g = f >= 0 ? -std::sqrt(h) : std::sqrt(h);
    e[i] = scale * g;
    h -= f * g;
    at(i, i - 1) = f - g;
    double sum = 0;
    for (std::size_t j = 0; j < i; ++j) {
      at(j, i) = at(i, j) / h;
      double product = 0;
      for (std::size_t k = 0; k <= j; ++k) product += at(j, k) * at(i, k);
      for (std::size_t k = j + 1; k < i; ++k) product += at(k, j) * at(i, k);
      e[j] = product / h;
      sum += e[j] * at(i, j);
    }
    const double half = sum / (h + h);
    for (std::size_t j = 0; j < i; ++j) {
      const double x = at(i, j);
      e[j] -= half * x;
      for (std::size_t k = 0; k <= j; ++k) at(j, k) -= x * e[k] + e[j] * at(i, k);
    }
    d[i] = h;
  }
  d[0] = 0;
  e[0] = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (d[i] != 0) {
      for (std::size_t j = 0; j < i; ++j) {
        double g = 0;
        for (std::size_t k = 0; k < i; ++k) g += at(i, k) * at(k, j);
        for (std::size_t k = 0; k < i; ++k) at(k, j) -= g * at(k, i);
      }
    }
    d[i] = at(i, i);
    at(i, i) = 1;
    for (std::size_t j = 0; j < i; ++j) at(j, i) = at(i, j) = 0;
  }
}

// Diagonalises the tridiagonal form; the columns of `z` become the eigenvectors.
void diagonalise(std::vector<double>& d, std::vector<double>& e, std::size_t n,
                 std::vector<double>& z) {
  for (std::size_t i = 1; i < n; ++i) e[i - 1] = e[i];
  e[n - 1] = 0;
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  for (std::size_t l = 0; l < n; ++l) {
    for (int round = 0; round < 100; ++round) {
      std::size_t m = l;
      while (m + 1 < n && std::abs(e[m]) > kEpsilon * (std::abs(d[m]) + std::abs(d[m + 1]))) ++m;
      if (m == l) break;
      double g = (d[l + 1] - d[l]) / (2 * e[l]), r = std::hypot(g, 1.0);
      g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
      double s = 1, c = 1, p = 0;
      bool vanished = false;
      for (std::size_t i = m; i-- > l;) {
        const double f = s * e[i], b = c * e[i];
        r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {
          d[i + 1] -= p;
          e[m] = 0;
          vanished = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        for (std::size_t k = 0; k < n; ++k) {
          const double t = z[k * n + i + 1];
          z[k * n + i + 1] = s * z[k * n + i] + c * t;
          z[k * n + i] = c * z[k * n + i] - s * t;
        }
      }
      if (vanished) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

}  // namespace

Eigen symmetric_eigen(std::vector<double> a, std::size_t n) {
  std::vector<double> d(n), e(n);
  tridiagonalise(a, n, d, e);
  diagonalise(d, e, n, a);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return d[i] > d[j]; });
  Eigen result{std::vector<double>(n), std::vector<double>(n * n)};
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t from = order[k];
    result.values[k] = d[from];
    double sign = 1;
    for (std::size_t i = 0; i < n; ++i) {
      if (std::abs(a[i * n + from]) < 1e-12) continue;  // zero but for rounding
      sign = a[i * n + from] > 0 ? 1 : -1;
      break;
    }
    for (std::size_t i = 0; i < n; ++i) result.vectors[i * n + k] = sign * a[i * n + from];
  }
  return result;
}

std::vector<double> cholesky(std::vector<double> a, std::size_t d) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * d + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * d + k] * a[j * d + k];
      if (i != j) {
        a[i * d + j] = sum / a[j * d + j];
        continue;
      }
      if (!(sum > 0)) {
        throw core::input_error(
            {"covariance"}, "row " + std::to_string(i) + ": the matrix is not positive definite");
      }
      a[i * d + i] = std::sqrt(sum);
    }
    for (std::size_t j = i + 1; j < d; ++j) a[i * d + j] = 0;
  }
  return a;
}

}  // namespace stateutils::qmc
