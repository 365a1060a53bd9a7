#include "qmc/discrepancy.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/threads.hpp"

namespace stateutils::qmc {
namespace {

struct NamedMeasure {
  const char* name;
  DiscrepancyKind kind;
};
constexpr NamedMeasure kKinds[] = {{"star", DiscrepancyKind::kStar},
                                   {"centered", DiscrepancyKind::kCentered},
                                   {"wrap-around", DiscrepancyKind::kWrapAround},
                                   {"mixture", DiscrepancyKind::kMixture},
                                   {"symmetric", DiscrepancyKind::kSymmetric},
                                   {"unanchored", DiscrepancyKind::kUnanchored},
                                   {"l2-star", DiscrepancyKind::kL2Star}};

// Neumaier's compensated sum.
class Sum {
 public:
  void add(double x) {
    const double t = sum_ + x;
    rest_ += std::abs(sum_) >= std::abs(x) ? (sum_ - t) + x : (x - t) + sum_;
    sum_ = t;
  }
  [[nodiscard]] double value() const { return sum_ + rest_; }

 private:
  double sum_ = 0, rest_ = 0;
};

// Each kind gives, for one coordinate of weight w, the factors of A, of b(x) and of k(x, y).
struct Star {
  static double a(double w) { return 1 + w / 3; }
  static double b(double w, double x) { return 1 + w * (1 - x * x) / 2; }
  static double k(double w, double x, double y) { return 1 + w * (1 - std::max(x, y)); }
};
struct Centered {
  static double a(double w) { return 1 + w / 12; }
  static double b(double w, double x) {
    const double z = std::abs(x - 0.5);
    return 1 + 0.5 * w * z * (1 - z);
  }
  static double k(double w, double x, double y) {
    return 1 + 0.5 * w * (std::abs(x - 0.5) + std::abs(y - 0.5) - std::abs(x - y));
  }
};
struct Symmetric {
  static double a(double w) { return 1 + w / 3; }
  static double b(double w, double x) { return 1 + 2 * w * x * (1 - x); }
  static double k(double w, double x, double y) { return 1 + w * (1 - 2 * std::abs(x - y)); }
};
struct Unanchored {
  static double a(double w) { return 1 + w / 12; }
  static double b(double w, double x) { return 1 + 0.5 * w * x * (1 - x); }
  static double k(double w, double x, double y) { return 1 + w * (std::min(x, y) - x * y); }
};
struct L2Star {
  static double a(double) { return 1.0 / 3; }
  static double b(double, double x) { return (1 - x * x) / 2; }
  static double k(double, double x, double y) { return 1 - std::max(x, y); }
};
struct MixtureDiscrepancy {
  static double a(double) { return 19.0 / 12; }
  static double b(double, double x) {
    const double z = x - 0.5;
    return 5.0 / 3 - 0.25 * std::abs(z) - 0.25 * z * z;
  }
  static double k(double, double x, double y) {
    const double delta = x - y;
    return 15.0 / 8 - 0.25 * std::abs(x - 0.5) - 0.25 * std::abs(y - 0.5) - 0.75 * std::abs(delta) +
           0.5 * delta * delta;
  }
};
// D^2 = -(4/3)^d + mean of k: as if b = A = (4/3)^d.
struct WrapAround {
  static double a(double) { return 4.0 / 3; }
  static double b(double, double) { return 4.0 / 3; }
  static double k(double, double x, double y) {
    const double delta = std::abs(x - y);
    return 1.5 - delta * (1 - delta);
  }
};

// Products over the coordinates of the pairs (i, j), j in a block, column by column so that the
// inner loop runs over points.
constexpr std::size_t kPairBlock = 256;

template <class Kind>
double row_sum(std::span<const double> columns, std::size_t n, std::size_t d,
               std::span<const double> w, std::size_t i) {
  Sum sum;
  double products[kPairBlock];
  for (std::size_t from = i; from < n; from += kPairBlock) {
    const std::size_t count = std::min(kPairBlock, n - from);
    std::fill_n(products, count, 1.0);
    for (std::size_t k = 0; k < d; ++k) {
      const double x = columns[k * n + i];
      const double* y = columns.data() + k * n + from;
      for (std::size_t j = 0; j < count; ++j) products[j] *= Kind::k(w[k], x, y[j]);
    }
    for (std::size_t j = 0; j < count; ++j) {
      sum.add(from + j == i ? products[j] : 2 * products[j]);
    }
  }
  return sum.value();
}

template <class Kind>
double squared(std::span<const double> points, std::size_t d, std::span<const double> w,
               int threads) {
  const std::size_t n = points.size() / d;
  std::vector<double> columns(points.size()), rows(n);
  Sum b_sum, k_sum;
  for (std::size_t i = 0; i < n; ++i) {
    double b = 1;
    for (std::size_t k = 0; k < d; ++k) {
      columns[k * n + i] = points[i * d + k];
      b *= Kind::b(w[k], points[i * d + k]);
    }
    b_sum.add(b);
  }
  core::parallel_for(n, threads,
                     [&](std::uint64_t i) { rows[i] = row_sum<Kind>(columns, n, d, w, i); });
  for (const double row : rows) k_sum.add(row);
  double a = 1;
  for (std::size_t k = 0; k < d; ++k) a *= Kind::a(w[k]);
  const auto count = static_cast<double>(n);
  return a - 2 / count * b_sum.value() + k_sum.value() / (count * count);
}

}  // namespace

DiscrepancyKind parse_discrepancy(std::string_view name) {
  for (const NamedMeasure& row : kKinds) {
    if (name == row.name) return row.kind;
  }
  throw core::usage_error("unknown discrepancy " + core::quoted(name) +
                          "; known: star, centered, wrap-around, mixture, symmetric, unanchored, "
                          "l2-star");
}

bool takes_weights(DiscrepancyKind kind) {
  return kind != DiscrepancyKind::kWrapAround && kind != DiscrepancyKind::kMixture &&
         kind != DiscrepancyKind::kL2Star;
}

double squared_discrepancy(DiscrepancyKind kind, std::span<const double> points, std::size_t d,
                           std::span<const double> weights, int threads) {
  const std::vector<double> ones(d, 1.0);
  const std::span<const double> w = weights.empty() ? std::span<const double>(ones) : weights;
  switch (kind) {
    case DiscrepancyKind::kStar:
      return squared<Star>(points, d, w, threads);
    case DiscrepancyKind::kCentered:
      return squared<Centered>(points, d, w, threads);
    case DiscrepancyKind::kWrapAround:
      return squared<WrapAround>(points, d, w, threads);
    case DiscrepancyKind::kMixture:
      return squared<MixtureDiscrepancy>(points, d, w, threads);
    case DiscrepancyKind::kSymmetric:
      return squared<Symmetric>(points, d, w, threads);
    case DiscrepancyKind::kUnanchored:
      return squared<Unanchored>(points, d, w, threads);
    case DiscrepancyKind::kL2Star:
      break;
  }
  return squared<L2Star>(points, d, w, threads);
}

}  // namespace stateutils::qmc
