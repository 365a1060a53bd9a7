#include "qmc/diffusion.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/threads.hpp"
#include "qmc/normal.hpp"
#include "qmc/randomness.hpp"

namespace stateutils::qmc {
namespace {

using Complex = std::complex<double>;
constexpr std::uint64_t kDirections = 128;
constexpr std::uint64_t kMmdPoints = 1024;  // pairs are compared, so few points

// Adams and Bashforth; newest first.
std::vector<double> adams(int order) {
  switch (order) {
    case 1:
      return {1};
    case 2:
      return {3.0 / 2, -1.0 / 2};
    case 3:
      return {23.0 / 12, -16.0 / 12, 5.0 / 12};
    default:
      return {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24};
  }
}

std::string adams_name(int order) {
  return order == 1 ? "ddim" : "ab" + std::to_string(order);
}

// Generalised heavy ball: the order of Adams and Bashforth with momentum.
std::vector<double> ghvb(int order, double b) {
  switch (order) {
    case 1:
      return {1};
    case 2:
      return {(2 + b) / (2 * b), -(2 - b) / (2 * b)};
    case 3:
      return {(18 + 5 * b) / (12 * b), -(24 - 8 * b) / (12 * b), (6 - b) / (12 * b)};
    default:
      return {(46 + 9 * b) / (24 * b), -(78 - 19 * b) / (24 * b), (42 - 5 * b) / (24 * b),
              -(10 - b) / (24 * b)};
  }
}

// sum_k c[k] z^(1-k) of the product of both filters; one of them has length 1.
Complex filter(const MomentumMethod& m, Complex z) {
  Complex before = 0, after = 0, power = 1;
  for (const double c : m.before) before += c * power, power /= z;
  power = 1;
  for (const double c : m.after) after += c * power, power /= z;
  return before * after * z;
}

// Schur's test of a polynomial, ascending powers: whether all its roots lie inside the unit circle.
bool roots_inside(std::vector<double> p) {
  while (p.size() > 1) {
    const double first = p.front(), last = p.back();
    if (!(std::abs(first) < std::abs(last))) return false;
    std::vector<double> next(p.size() - 1);
    for (std::size_t k = 0; k < next.size(); ++k) {
      next[k] = last * p[k + 1] - first * p[p.size() - 2 - k];
    }
    double largest = 0;
    for (const double value : next) largest = std::max(largest, std::abs(value));
    if (largest == 0) return false;
    for (double& value : next) value /= largest;
    p = std::move(next);
  }
  return true;
}

// Whether every root of (x - 1)(x - 1 + beta) = z beta filter(x), times the powers of x below,
// lies inside the unit circle.
bool is_stable(const MomentumMethod& m, double z) {
  const std::vector<double>& c = m.before.size() > 1 ? m.before : m.after;
  const std::size_t lift = c.size() >= 2 ? c.size() - 2 : 0;
  std::vector<double> p(lift + 3);
  p[lift + 2] = 1;
  p[lift + 1] = m.beta - 2;
  p[lift] = 1 - m.beta;
  for (std::size_t k = 0; k < c.size(); ++k) p[lift + 1 - k] -= z * m.beta * c[k];
  return roots_inside(std::move(p));
}

class Normals {
 public:
  Normals(std::uint64_t seed, std::uint64_t stream) : rng_(seed, stream) {}
  double next() { return normal_quantile(open_unit(rng_.u64())); }
  double unit() { return rng_.unit(); }

 private:
  core::Rng rng_;
};

// Draws of the mixture with noise of deviation sigma, point by point from streams of their own.
std::vector<double> draws(const Mixture& mix, double sigma, std::uint64_t n, std::uint64_t seed,
                          std::uint64_t stream, int threads) {
  const std::size_t d = mix.dims();
  std::vector<double> x(n * d);
  core::parallel_for(n, threads, [&](std::uint64_t i) {
    Normals normals(seed, stream << 40 | i);
    double pick = normals.unit();
    std::size_t k = 0;
    while (k + 1 < mix.weights.size() && pick >= mix.weights[k]) pick -= mix.weights[k++];
    const double sd = std::sqrt(mix.sds[k] * mix.sds[k] + sigma * sigma);
    for (std::size_t j = 0; j < d; ++j) x[i * d + j] = mix.means[k][j] + sd * normals.next();
  });
  return x;
}

// dx/dtau = -sigma score dsigma/dtau with sigma = top (1 - tau)^2: equal steps in tau are what the
// multistep formulas assume, and small ones in sigma come where the score is rough.
void sample(const Mixture& mix, const std::vector<MomentumMethod>& by_order, double top,
            std::uint64_t steps, double* x) {
  const std::size_t d = mix.dims();
  const double step = 1 / static_cast<double>(steps);
  std::deque<std::vector<double>> slopes, momenta;  // newest first
  for (std::uint64_t s = 0; s < steps; ++s) {
    const double rest = 1 - static_cast<double>(s) * step, sigma = top * rest * rest;
    std::vector<double> slope = NoisyScore(mix, sigma, x).score(), v(d);
    for (double& value : slope) value *= 2 * top * rest * sigma;
    slopes.push_front(std::move(slope));
    const MomentumMethod& m = by_order[std::min<std::size_t>(s, by_order.size() - 1)];
    for (std::size_t j = 0; j < d; ++j) {
      double mixed = 0;
      for (std::size_t k = 0; k < m.before.size(); ++k) mixed += m.before[k] * slopes[k][j];
      // Momentum starts at the first slope, not at rest.
      v[j] = s == 0 ? mixed : (1 - m.beta) * momenta[0][j] + m.beta * mixed;
    }
    momenta.push_front(std::move(v));
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t k = 0; k < m.after.size(); ++k) x[j] += step * m.after[k] * momenta[k][j];
    }
    if (slopes.size() > 4) slopes.pop_back();
    if (momenta.size() > 4) momenta.pop_back();
  }
}

// Root mean square over directions of the one-dimensional W2 distance.
double sliced_w2(const std::vector<double>& a, const std::vector<double>& b, std::size_t d,
                 std::uint64_t seed, int threads) {
  const std::size_t n = a.size() / d;
  std::vector<double> squares(kDirections);
  core::parallel_for(kDirections, threads, [&](std::uint64_t r) {
    Normals normals(seed, 3ull << 40 | r);
    std::vector<double> direction(d), pa(n), pb(n);
    double norm = 0;
    for (double& value : direction) {
      value = normals.next();
      norm += value * value;
    }
    for (double& value : direction) value /= std::sqrt(norm);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        pa[i] += direction[j] * a[i * d + j];
        pb[i] += direction[j] * b[i * d + j];
      }
    }
    std::sort(pa.begin(), pa.end());
    std::sort(pb.begin(), pb.end());
    for (std::size_t i = 0; i < n; ++i) squares[r] += (pa[i] - pb[i]) * (pa[i] - pb[i]);
    squares[r] /= static_cast<double>(n);
  });
  return std::sqrt(core::pairwise_sum(squares) / static_cast<double>(kDirections));
}

// Maximum mean discrepancy with a Gaussian kernel as wide as the mixture.
double mmd(const std::vector<double>& a, const std::vector<double>& b, std::size_t d,
           double width) {
  const std::size_t n = std::min<std::size_t>(kMmdPoints, a.size() / d);
  const auto kernel = [&](const double* x, const double* y) {
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) square += (x[j] - y[j]) * (x[j] - y[j]);
    return std::exp(-0.5 * square / (width * width));
  };
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      sum += kernel(&a[i * d], &a[j * d]) + kernel(&b[i * d], &b[j * d]) -
             2 * kernel(&a[i * d], &b[j * d]);
    }
  }
  return std::sqrt(std::max(0.0, sum)) / static_cast<double>(n);
}

}  // namespace

MomentumMethod momentum_method(const std::string& name, int order, double beta) {
  if (order < 1 || order > 4) throw core::usage_error("--order is 1 to 4");
  if (!(beta > 0 && beta <= 1)) throw core::usage_error("--beta must lie in (0,1]");
  if (name == "ghvb") return {beta, {1}, ghvb(order, beta)};
  const bool heavy = name.starts_with("hb-");
  const std::string base = heavy ? name.substr(3) : name;
  for (int r = 1; r <= 4; ++r) {
    if (base == adams_name(r)) return {heavy ? beta : 1, adams(r), {1}};
  }
  throw core::usage_error("unknown method " + core::quoted(name) +
                          "; known: ddim, ab2, ab3, ab4, hb-ddim, hb-ab2, hb-ab3, hb-ab4, ghvb");
}

Stability stability_of(const MomentumMethod& method, int corners) {
  Stability result;
  for (int k = 0; k < corners; ++k) {
    const Complex root = std::polar(1.0, 2 * std::numbers::pi * k / corners);
    result.boundary.push_back((root - 1.0) * (root - 1.0 + method.beta) /
                              (method.beta * filter(method, root)));
  }
  // The first loss of stability going left from 0.
  double stable = -1e-6;
  double unstable = stable;
  while (is_stable(method, unstable) && unstable > -1e9) {
    stable = unstable;
    unstable *= 1.01;
  }
  for (int round = 0; round < 80; ++round) {
    const double middle = 0.5 * (stable + unstable);
    (is_stable(method, middle) ? stable : unstable) = middle;
  }
  result.real_axis = stable;
  return result;
}

namespace {

// The method after as many lower orders of its kind as steps must have been made before it.
std::vector<MomentumMethod> methods_by_order(const std::string& name, int order, double beta) {
  const MomentumMethod whole = momentum_method(name, order, beta);
  const auto most = static_cast<int>(std::max(whole.before.size(), whole.after.size()));
  const std::string kind = name.starts_with("hb-") ? "hb-" : "";
  std::vector<MomentumMethod> methods;
  for (int r = 1; r < most; ++r) {
    methods.push_back(momentum_method(name == "ghvb" ? name : kind + adams_name(r), r, beta));
  }
  methods.push_back(whole);
  return methods;
}

}  // namespace

std::vector<DiffusionError> run_diffusion(const Mixture& mix, const std::string& name, int order,
                                          double beta, const std::vector<std::uint64_t>& steps,
                                          std::uint64_t n, std::uint64_t seed, int threads) {
  const std::vector<MomentumMethod> by_order = methods_by_order(name, order, beta);
  const std::size_t d = mix.dims();
  const double top = 10 * mix.extent();
  const std::vector<double> exact = draws(mix, 0, n, seed, 1, threads);
  const std::vector<double> start = draws(mix, top, n, seed, 2, threads);
  std::vector<DiffusionError> rows;
  for (const std::uint64_t count : steps) {
    std::vector<double> x = start;
    core::parallel_for(n, threads,
                       [&](std::uint64_t i) { sample(mix, by_order, top, count, &x[i * d]); });
    rows.push_back({count, sliced_w2(x, exact, d, seed, threads), mmd(x, exact, d, mix.extent())});
  }
  return rows;
}

}  // namespace stateutils::qmc
