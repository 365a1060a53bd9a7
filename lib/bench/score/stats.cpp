#include "bench/score/stats.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/rng.hpp"

namespace stateutils::bench {
namespace {

constexpr double kZ = 1.959963984540054;  // 97.5 % quantile of the normal distribution

double log_choose(std::int64_t n, std::int64_t k) {
  return std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(k + 1)) -
         std::lgamma(static_cast<double>(n - k + 1));
}

// Continued fraction of the incomplete beta function (Numerical Recipes, section 6.4, by
// modified Lentz).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double h = d;
  for (int m = 1; m <= 500; ++m) {
    const double m2 = 2.0 * m;
    double step = m * (b - m) * x / ((a + m2 - 1) * (a + m2));
    d = 1 + step * d;
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    c = 1 + step / c;
    if (std::abs(c) < kTiny) c = kTiny;
    h *= d * c;
    step = -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1));
    d = 1 + step * d;
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    c = 1 + step / c;
    if (std::abs(c) < kTiny) c = kTiny;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return h;
}

double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                   : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double beta_quantile(double p, double a, double b) {
  double lo = 0, hi = 1;
  for (int i = 0; i < 200 && hi - lo > 1e-17; ++i) {
    const double mid = (lo + hi) / 2;
    (incomplete_beta(a, b, mid) < p ? lo : hi) = mid;
  }
  return (lo + hi) / 2;
}

}  // namespace

double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  if (n - c < k) return 1;
  double none = 1;  // C(n-c,k)/C(n,k) as a product, exact to rounding
  for (std::int64_t i = 0; i < k; ++i) {
    none *= static_cast<double>(n - c - i) / static_cast<double>(n - i);
  }
  return 1 - none;
}

double pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k) {
  if (c < k) return 0;
  double all = 1;
  for (std::int64_t i = 0; i < k; ++i)
    all *= static_cast<double>(c - i) / static_cast<double>(n - i);
  return all;
}

Interval wilson(std::int64_t c, std::int64_t n) {
  if (n <= 0) return {};
  const double p = static_cast<double>(c) / static_cast<double>(n), m = static_cast<double>(n);
  const double z2 = kZ * kZ, centre = (p + z2 / (2 * m)) / (1 + z2 / m);
  const double half = kZ * std::sqrt(p * (1 - p) / m + z2 / (4 * m * m)) / (1 + z2 / m);
  return {c == 0 ? 0 : std::max(0.0, centre - half), c == n ? 1 : std::min(1.0, centre + half)};
}

Interval clopper_pearson(std::int64_t c, std::int64_t n) {
  if (n <= 0) return {};
  const double x = static_cast<double>(c), m = static_cast<double>(n);
  return {c == 0 ? 0 : beta_quantile(0.025, x, m - x + 1),
          c == n ? 1 : beta_quantile(0.975, x + 1, m - x)};
}

double mcnemar_one_sided(std::int64_t b, std::int64_t c) {
  const std::int64_t n = b + c;
  double sum = 0;
  for (std::int64_t i = b; i <= n; ++i) {
    sum += std::exp(log_choose(n, i) - static_cast<double>(n) * std::log(2.0));
  }
  return std::min(1.0, sum);
}

double mcnemar(std::int64_t b, std::int64_t c) {
  if (b + c == 0) return 1;
  return std::min(1.0, 2 * mcnemar_one_sided(std::max(b, c), std::min(b, c)));
}

Interval cluster_bootstrap(std::span<const Cluster> clusters, std::uint64_t seed,
                           std::uint64_t purpose) {
  if (clusters.empty()) return {-1, 1};
  constexpr std::size_t kResamples = 2000;
  core::Rng rng(seed, purpose);
  std::vector<double> means;
  means.reserve(kResamples);
  for (std::size_t r = 0; r < kResamples; ++r) {
    Cluster sum;
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      const Cluster& drawn = clusters[rng.below(clusters.size())];
      sum.gained += drawn.gained;
      sum.trials += drawn.trials;
    }
    means.push_back(static_cast<double>(sum.gained) / static_cast<double>(sum.trials));
  }
  std::sort(means.begin(), means.end());
  return {means[kResamples / 40], means[kResamples - 1 - kResamples / 40]};
}

ListLimit shuffle_limit(std::int64_t m, std::int64_t steps) {
  // KL >= sum_t [k_t ln m_t - ln(m_t!/(m_t-k_t)!)], accuracy prod_j (m_t - j)/m_t, with m_t words
  // left before step t.
  ListLimit out;
  std::int64_t left = m;
  for (std::int64_t t = 0; t < steps && left > 0; ++t) {
    const std::int64_t share = m / steps + (t < m % steps ? 1 : 0);
    const double have = static_cast<double>(left);
    for (std::int64_t j = 0; j < share; ++j) {
      const double ratio = static_cast<double>(left - j) / have;
      out.kl -= std::log(ratio);
      out.accuracy *= ratio;
    }
    left -= share;
  }
  return out;
}

ListLimit random_replace_limit(std::int64_t n) {
  if (n <= 1) return {};
  const double m = static_cast<double>(n);
  return {(m - 1) * std::log(m / (m - 1)), std::pow(1 - 1 / m, m - 1)};
}

}  // namespace stateutils::bench
