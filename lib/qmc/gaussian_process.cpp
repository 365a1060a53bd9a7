#include "qmc/gaussian_process.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "core/threads.hpp"
#include "qmc/minimise.hpp"

namespace stateutils::qmc {
namespace {

constexpr double kLeast = 1e-10, kMost = 1e10;
// What rounding leaves of an eigenvalue, relative to the largest.
constexpr double kRounding = 1e-15;

// The spectrum as sums over it need it: a lattice's half stands for both.
class Transformer {
 public:
  Transformer(KernelType type, std::size_t n) : n_(n) {
    if (type == KernelType::kShiftInvariant) fft_ = std::make_unique<FftBr>(n);
  }
  [[nodiscard]] std::size_t count() const { return fft_ ? n_ / 2 + 1 : n_; }
  [[nodiscard]] double weight(std::size_t k) const {
    return fft_ && k > 0 && k + 1 < count() ? 2 : 1;
  }
  // Eigenvalues of the matrix with this first column.
  [[nodiscard]] std::vector<double> eigenvalues(std::vector<double> column) const {
    const double root = std::sqrt(static_cast<double>(n_));
    if (!fft_) {
      fwht(column);
      for (double& value : column) value *= root;
      return column;
    }
    std::vector<double> re(count()), im(count());
    fft_->forward(column, re, im);
    for (double& value : re) value *= root;
    return re;
  }
  // |T y|^2.
  [[nodiscard]] std::vector<double> power(std::vector<double> y) const {
    if (!fft_) {
      fwht(y);
      for (double& value : y) value *= value;
      return y;
    }
    std::vector<double> re(count()), im(count());
    fft_->forward(y, re, im);
    for (std::size_t k = 0; k < re.size(); ++k) re[k] = re[k] * re[k] + im[k] * im[k];
    return re;
  }

 private:
  std::size_t n_;
  std::unique_ptr<FftBr> fft_;
};

// The loss as a function of ln gamma and, with noise, ln(noise / scale).
class Objective {
 public:
  Objective(const KernelSpec& start, const Points& points, std::span<const double> y, FitRule rule)
      : start_(start),
        n_(y.size()),
        transformer_(start.type, n_),
        factors_(kernel_factors(start, points, n_)),
        power_(transformer_.power({y.begin(), y.end()})),
        rule_(rule) {}

  [[nodiscard]] bool has_noise() const { return start_.noise > 0; }

  double operator()(std::span<const double> x, std::span<double> gradient) {
    const std::size_t d = factors_.size();
    const double ratio = has_noise() ? std::exp(x[d]) : 0;
    set_gamma(x);
    // Products of the factors before and after each coordinate.
    std::vector<std::vector<double>> before(d, std::vector<double>(n_, 1.0));
    for (std::size_t j = 1; j < d; ++j) multiply(before[j], before[j - 1], j - 1);
    std::vector<double> after(n_, 1.0), column(n_);
    multiply(column, before[d - 1], d - 1);
    set_sums(transformer_.eigenvalues(column), ratio);
    for (std::size_t j = d; j-- > 0;) {
      for (std::size_t i = 0; i < n_; ++i) column[i] = before[j][i] * after[i] * factors_[j][i];
      gradient[j] = gamma_[j] * slope(transformer_.eigenvalues(column));
      multiply(after, after, j);
    }
    if (has_noise()) {
      gradient[d] = ratio * slope(std::vector<double>(transformer_.count(), 1.0));
    }
    return value_;
  }
  // y^T C^-1 y / n, the best scale.
  [[nodiscard]] double scale() const { return first_ / static_cast<double>(n_); }

 private:
  void set_gamma(std::span<const double> x) {
    gamma_.resize(factors_.size());
    for (std::size_t j = 0; j < gamma_.size(); ++j) gamma_[j] = std::exp(x[j]);
  }
  void multiply(std::vector<double>& out, const std::vector<double>& in, std::size_t j) const {
    for (std::size_t i = 0; i < n_; ++i) out[i] = in[i] * (1 + gamma_[j] * factors_[j][i]);
  }

  // Sums over 1 / (lambda + ratio): its logarithm, traces, and powers of y.
  void set_sums(std::vector<double> lambda, double ratio) {
    const double least = kRounding * *std::max_element(lambda.begin(), lambda.end());
    inverse_ = std::move(lambda);
    double logs = 0;
    first_ = second_ = trace_ = 0;
    for (std::size_t k = 0; k < inverse_.size(); ++k) {
      const double value = std::max(inverse_[k], least) + ratio, w = transformer_.weight(k);
      inverse_[k] = 1 / value;
      logs += w * std::log(value);
      first_ += w * power_[k] * inverse_[k];
      second_ += w * power_[k] * inverse_[k] * inverse_[k];
      trace_ += w * inverse_[k];
    }
    const auto n = static_cast<double>(n_);
    // The scale profiled out; cross-validation does not depend on it, and is taken as a logarithm.
    value_ = rule_ == FitRule::kLikelihood
                 ? 0.5 * (n + n * std::log(first_ / n) + logs + n * std::log(2 * std::numbers::pi))
                 : std::log(n * second_ / (trace_ * trace_));
  }
  // The derivative of the value when the matrix moves by one with these eigenvalues.
  [[nodiscard]] double slope(const std::vector<double>& moved) const {
    double trace = 0, trace2 = 0, quadratic = 0, cubic = 0;
    for (std::size_t k = 0; k < moved.size(); ++k) {
      const double w = transformer_.weight(k) * moved[k], inverse = inverse_[k];
      trace += w * inverse;
      trace2 += w * inverse * inverse;
      quadratic += w * power_[k] * inverse * inverse;
      cubic += w * power_[k] * inverse * inverse * inverse;
    }
    const auto n = static_cast<double>(n_);
    return rule_ == FitRule::kLikelihood ? 0.5 * (trace - n * quadratic / first_)
                                         : 2 * (trace2 / trace_ - cubic / second_);
  }

  const KernelSpec& start_;
  std::size_t n_;
  Transformer transformer_;
  std::vector<std::vector<double>> factors_;
  std::vector<double> power_, gamma_, inverse_;
  FitRule rule_;
  double value_ = 0, first_ = 0, second_ = 0, trace_ = 0;
};

double in_range(double value) {
  return std::clamp(value, kLeast, kMost);
}

// 1/2 (y^T (K + noise)^-1 y + ln det + n ln 2 pi), or the cross-validation score.
double loss_of(const Gram& gram, std::span<const double> y, FitRule rule) {
  const auto coef = gram.solve(y);
  const auto n = static_cast<double>(y.size());
  if (rule == FitRule::kLikelihood) {
    double quadratic = 0;
    for (std::size_t i = 0; i < y.size(); ++i) quadratic += y[i] * coef[i];
    return 0.5 * (quadratic + gram.log_determinant() + n * std::log(2 * std::numbers::pi));
  }
  double square = 0, trace = 0;
  for (const double c : coef) square += c * c;
  for (const double l : gram.eigenvalues()) trace += 1 / l;
  return n * square / (trace * trace);
}

std::uint64_t difference(KernelType type, std::uint64_t x, std::uint64_t z) {
  return type == KernelType::kShiftInvariant ? x - z : x ^ z;
}

// K(x, z) of two rows.
double kernel_value(const KernelSpec& kernel, const std::uint64_t* x, const std::uint64_t* z) {
  double value = kernel.scale;
  for (std::size_t j = 0; j < kernel.gamma.size(); ++j) {
    const std::uint64_t word = difference(kernel.type, x[j], z[j]);
    value *= 1 + kernel.gamma[j] * (kernel.type == KernelType::kShiftInvariant
                                        ? si_kernel(kernel.alpha[j], word)
                                        : dsi_kernel(kernel.alpha[j], word));
  }
  return value;
}

// k^T (K + noise)^-1 k by the transform of k.
double explained(const GaussianProcess& process, const Transformer& transformer,
                 std::vector<double> k) {
  const auto power = transformer.power(std::move(k));
  double sum = 0;
  for (std::size_t i = 0; i < power.size(); ++i) {
    sum += transformer.weight(i) * power[i] / (process.lambda[i] + process.kernel.noise);
  }
  return sum;
}

}  // namespace

GaussianProcess fit_process(const KernelSpec& start, const Points& points,
                            std::span<const double> y, FitRule rule) {
  const std::size_t d = start.gamma.size(), n = y.size();
  Objective objective(start, points, y, rule);
  std::vector<double> x;
  for (const double gamma : start.gamma) x.push_back(std::log(in_range(gamma)));
  if (objective.has_noise()) x.push_back(std::log(in_range(start.noise / start.scale)));
  const auto call = [&](std::span<const double> at, std::span<double> gradient) {
    return objective(at, gradient);
  };
  x = minimise_lbfgs(call, std::move(x), std::log(kLeast), std::log(kMost));
  std::vector<double> gradient(x.size());
  (void)objective(x, gradient);

  GaussianProcess process;
  process.kernel = start;
  for (std::size_t j = 0; j < d; ++j) process.kernel.gamma[j] = in_range(std::exp(x[j]));
  process.kernel.scale = in_range(objective.scale());
  process.kernel.noise =
      objective.has_noise() ? in_range(std::exp(x[d]) * process.kernel.scale) : 0;
  const auto column = first_column(process.kernel, points, n);
  const Gram gram(start.type, column, process.kernel.noise);
  process.coef = gram.solve(y);
  process.lambda = Gram(start.type, column, 0).eigenvalues();
  process.loss = loss_of(gram, y, rule);
  process.points.resize(n * d);
  points.fill(0, n, Format::kU64, process.points.data());
  return process;
}

Prediction predict(const GaussianProcess& process, std::span<const std::uint64_t> points,
                   int threads) {
  const std::size_t d = process.dims(), n = process.size(), count = points.size() / d;
  const Transformer transformer(process.kernel.type, n);
  const std::vector<std::uint64_t> origin(d);
  const double prior = kernel_value(process.kernel, origin.data(), origin.data());
  Prediction out{std::vector<double>(count), std::vector<double>(count)};
  core::parallel_for(count, threads, [&](std::uint64_t q) {
    std::vector<double> k(n);
    for (std::size_t i = 0; i < n; ++i) {
      k[i] = kernel_value(process.kernel, &points[q * d], &process.points[i * d]);
      out.mean[q] += process.coef[i] * k[i];
    }
    out.variance[q] = std::max(0.0, prior - explained(process, transformer, std::move(k)));
  });
  return out;
}

// The sequence's group structure makes row n + i differ from row n as row i from row 0, and every
// k(x_(n+i), .) a rearrangement of the same values: one variance serves all.
Prediction predict_next(const GaussianProcess& process, std::span<const std::uint64_t> points) {
  const std::size_t d = process.dims(), n = process.size();
  const KernelType type = process.kernel.type;
  if (points.size() != n * d) {
    throw core::input_error({"--grid"}, std::to_string(points.size() / d) +
                                            " points; the model has " + std::to_string(n));
  }
  constexpr std::uint64_t kTolerance = 1u << 13;  // points are given to 53 bits
  for (std::size_t i = 0; i < n * d; ++i) {
    const std::uint64_t moved = difference(type, points[i], points[i % d]);
    const std::uint64_t own = difference(type, process.points[i], process.points[i % d]);
    const std::uint64_t gap =
        type == KernelType::kShiftInvariant ? std::min(moved - own, own - moved) : moved ^ own;
    if (gap < kTolerance) continue;
    throw core::input_error({"--grid"}, "row " + std::to_string(i / d) +
                                            ": not one of the next points of the sequence");
  }
  std::vector<double> column(2 * n), coef(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    column[i] = kernel_value(process.kernel, &process.points[i * d], process.points.data());
    column[n + i] = kernel_value(process.kernel, &points[i * d], process.points.data());
    coef[i] = process.coef[i];
  }
  const auto product = Gram(type, column, 0).multiply(coef);
  const double known = explained(process, Transformer(type, n),
                                 {column.begin() + static_cast<std::ptrdiff_t>(n), column.end()});
  return {{product.begin() + static_cast<std::ptrdiff_t>(n), product.end()},
          std::vector<double>(n, std::max(0.0, column[0] - known))};
}

}  // namespace stateutils::qmc
