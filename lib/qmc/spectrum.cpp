#include "qmc/spectrum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>

#include "qmc/kernels.hpp"
#include "qmc/minimise.hpp"
#include "qmc/normal.hpp"
#include "qmc/quantiles.hpp"
#include "qmc/transforms.hpp"

namespace stateutils::qmc {
namespace {

using Complex = std::complex<double>;

double share(unsigned m) {
  return 5 * std::ldexp(1.0, -static_cast<int>(m));  // C(m) = 5 2^-m
}

// One plan serves all outputs and randomizations of a size.
const FftBr& plan_of(std::size_t n) {
  thread_local std::unique_ptr<const FftBr> plan;
  if (!plan || plan->size() != n) plan = std::make_unique<const FftBr>(n);
  return *plan;
}

// Coefficients of 2^m values, divided by 2^m; doubled by as many values more.
template <class T>
class Coefficients {
 public:
  void append(std::vector<double> y) {
    std::vector<T> next = transform(std::move(y));
    if (values_.empty()) {
      values_ = std::move(next);
      return;
    }
    const std::size_t n = values_.size();
    values_.resize(2 * n);
    for (std::size_t j = 0; j < n; ++j) {
      const T other = turned(next[j], j, n), mine = values_[j];
      values_[j] = (mine + other) * 0.5;
      values_[j + n] = (mine - other) * 0.5;
    }
  }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] unsigned m() const {
    return static_cast<unsigned>(std::countr_zero(values_.size()));
  }
  [[nodiscard]] const T& operator[](std::size_t i) const { return values_[i]; }
  void subtract(double factor, const Coefficients& other) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] -= factor * other.values_[i];
  }

 private:
  static std::vector<T> transform(std::vector<double> y);
  static T turned(T value, std::size_t j, std::size_t n);
  std::vector<T> values_;
};

template <>
std::vector<double> Coefficients<double>::transform(std::vector<double> y) {
  fwht(y);
  const double scale = 1 / std::sqrt(static_cast<double>(y.size()));
  for (double& value : y) value *= scale;
  return y;
}
template <>
std::vector<Complex> Coefficients<Complex>::transform(std::vector<double> y) {
  const std::size_t n = y.size();
  std::vector<double> re(n / 2 + 1), im(n / 2 + 1);
  plan_of(n).forward(y, re, im);
  const double scale = 1 / std::sqrt(static_cast<double>(n));
  std::vector<Complex> out(n);
  for (std::size_t k = 0; k <= n / 2; ++k) {
    out[k] = {scale * re[k], scale * im[k]};
    if (k > 0) out[n - k] = std::conj(out[k]);
  }
  return out;
}
template <>
double Coefficients<double>::turned(double value, std::size_t, std::size_t) {
  return value;
}
template <>
Complex Coefficients<Complex>::turned(Complex value, std::size_t j, std::size_t n) {
  return value *
         std::polar(1.0, -std::numbers::pi * static_cast<double>(j) / static_cast<double>(n));
}

// The order in which coefficients are taken to decay (ibid., section 4).
template <class T>
class DecayOrder {
 public:
  void reset(const Coefficients<T>& c) {
    order_.resize(c.size());
    std::iota(order_.begin(), order_.end(), 0u);
    sort_levels(c, static_cast<int>(c.m()) - 1, 1);
  }
  void double_for(const Coefficients<T>& c) {
    const std::size_t n = order_.size();
    order_.resize(2 * n);
    for (std::size_t j = 0; j < n; ++j) order_[j + n] = static_cast<std::uint32_t>(n) + order_[j];
    const int top = static_cast<int>(c.m()) - 1;
    sort_levels(c, top, std::max(1, top - 3));
  }
  [[nodiscard]] bool empty() const { return order_.empty(); }
  [[nodiscard]] std::uint32_t operator[](std::size_t i) const { return order_[i]; }
  // sum of |coefficient| over places [first, last).
  [[nodiscard]] double sum(const Coefficients<T>& c, std::size_t first, std::size_t last) const {
    double total = 0;
    for (std::size_t i = first; i < last; ++i) total += std::abs(c[order_[i]]);
    return total;
  }

 private:
  void sort_levels(const Coefficients<T>& c, int from, int to) {
    const std::size_t n = order_.size();
    for (int level = from; level >= to; --level) {
      const std::size_t half = std::size_t{1} << level;
      for (std::size_t i = 1; i < half; ++i) {
        // |z|^2 orders as |z| does, and costs no root.
        if (!(std::norm(c[order_[i + half]]) > std::norm(c[order_[i]]))) continue;
        for (std::size_t k = i; k < n; k += 2 * half) std::swap(order_[k], order_[k + half]);
      }
    }
  }
  std::vector<std::uint32_t> order_;
};

// x with A x = b for a symmetric positive matrix, row by row; columns that depend on earlier ones
// get 0.
std::vector<double> solve_positive(std::vector<double> a, std::vector<double> b) {
  const std::size_t p = b.size();
  std::vector<double> scale(p);
  for (std::size_t k = 0; k < p; ++k) scale[k] = a[k * p + k];
  std::vector<bool> used(p);
  for (std::size_t k = 0; k < p; ++k) {
    used[k] = a[k * p + k] > 1e-12 * scale[k];
    for (std::size_t i = k + 1; i < p && used[k]; ++i) {
      const double factor = a[i * p + k] / a[k * p + k];
      for (std::size_t j = k; j < p; ++j) a[i * p + j] -= factor * a[k * p + j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = p; k-- > 0;) {
    double rest = b[k];
    for (std::size_t j = k + 1; j < p; ++j) rest -= a[k * p + j] * b[j];
    b[k] = used[k] ? rest / a[k * p + k] : 0;
  }
  return b;
}

template <class T>
class DecaySpectrum final : public Spectrum {
 public:
  explicit DecaySpectrum(std::vector<double> control_means)
      : control_means_(std::move(control_means)), controls_(control_means_.size()) {}

  void add(std::vector<double> y, std::vector<std::vector<double>> controls) override {
    values_.append(std::move(y));
    if (controls_.empty()) {
      if (order_.empty()) {
        order_.reset(values_);
      } else {
        order_.double_for(values_);
      }
      mean_ = std::real(values_[0]);
      half_width_ = width_of(values_);
      return;
    }
    for (std::size_t k = 0; k < controls_.size(); ++k) controls_[k].append(std::move(controls[k]));
    adjust();
  }
  [[nodiscard]] double mean() const override { return mean_; }
  [[nodiscard]] double half_width() const override { return half_width_; }

  // Necessary conditions of the cone, from level m0 - 4 on (ibid., eq. 4.4 and after).
  [[nodiscard]] bool violates_cone(unsigned m0) const override {
    const Coefficients<T>& c = controls_.empty() ? values_ : adjusted_;
    const unsigned m = c.m();
    double largest = 0, smallest = std::numeric_limits<double>::infinity();
    for (unsigned level = m0 - 4; level <= m; ++level) {
      const auto lag = static_cast<int>(m - level);
      const double outer = std::ldexp(1.0, -lag);
      const double inner = share(m - level) / ((1 + share(4)) * 0.0625);
      const double width = inner * outer;
      const double sum = order_.sum(c, std::size_t{1} << (level - 1), std::size_t{1} << level);
      largest = std::max(largest, sum / (1 + width));
      if (width < 1) smallest = std::min(smallest, sum / (1 - width));
    }
    return largest > smallest;
  }

 private:
  double width_of(const Coefficients<T>& c) const {
    const std::size_t first = c.size() / 32;
    return share(c.m()) * order_.sum(c, first, 2 * first);
  }

  // Least squares over the coefficients that the bounds stand on; the rest of the integrand is
  // bounded in their place.
  void adjust() {
    const std::size_t p = controls_.size(), n = values_.size();
    order_.reset(values_);
    std::vector<double> gram(p * p), right(p);
    const auto product = [](const T& a, const T& b) {
      return std::real(std::conj(Complex(a)) * b);
    };
    for (std::size_t place = n / 32; place < n; ++place) {
      const std::uint32_t i = order_[place];
      for (std::size_t k = 0; k < p; ++k) {
        right[k] += product(controls_[k][i], values_[i]);
        for (std::size_t l = 0; l < p; ++l) {
          gram[k * p + l] += product(controls_[k][i], controls_[l][i]);
        }
      }
    }
    const std::vector<double> beta = solve_positive(std::move(gram), std::move(right));
    adjusted_ = values_;
    mean_ = 0;
    for (std::size_t k = 0; k < p; ++k) {
      adjusted_.subtract(beta[k], controls_[k]);
      mean_ += beta[k] * control_means_[k];
    }
    mean_ += std::real(adjusted_[0]);
    order_.reset(adjusted_);
    half_width_ = width_of(adjusted_);
  }

  std::vector<double> control_means_;
  Coefficients<T> values_, adjusted_;
  std::vector<Coefficients<T>> controls_;
  DecayOrder<T> order_;
  double mean_ = 0, half_width_ = 0;
};

template <class T>
class BayesSpectrum final : public Spectrum {
 public:
  BayesSpectrum(std::shared_ptr<const BayesKernel> kernel, BayesRule rule, double confidence)
      : kernel_(std::move(kernel)), rule_(rule), confidence_(confidence) {}

  void add(std::vector<double> y, std::vector<std::vector<double>>) override {
    values_.append(std::move(y));
    const std::size_t n = values_.size(), count = kernel_->is_lattice() ? n / 2 + 1 : n;
    power_.resize(count);
    const auto size = static_cast<double>(n);
    for (std::size_t k = 0; k < count; ++k) power_[k] = std::norm(values_[k]) * size * size;
    mean_ = std::real(values_[0]);
    const bool constant = std::all_of(power_.begin() + 1, power_.end(), [&](double p) {
      return p <= 0x1p-100 * power_[0];  // the transform's own rounding
    });
    if (constant) {
      half_width_ = 0;
      return;
    }
    const double log_theta =
        minimise_brent([&](double t) { return fit(std::exp(t)).loss; }, -5, 0, 1e-2);
    half_width_ = fit(std::exp(log_theta)).half_width;
  }
  [[nodiscard]] double mean() const override { return mean_; }
  [[nodiscard]] double half_width() const override { return half_width_; }
  [[nodiscard]] bool violates_cone(unsigned) const override { return false; }

 private:
  struct Fit {
    double loss, half_width;
  };

  // Sums over the spectrum: ln lambda, |y|^2 / lambda, |y|^2 / lambda^2 and 1 / lambda.
  [[nodiscard]] Fit fit(double theta) const {
    const std::vector<double> lambda = kernel_->eigenvalues(theta);
    const auto n = static_cast<double>(values_.size());
    const double least = 0x1p-50 * std::abs(lambda[0]);
    double logs = std::log(n + lambda[0]), first = 0, second = 0, inverse = 1 / (n + lambda[0]);
    for (std::size_t k = 1; k < lambda.size(); ++k) {
      const bool twice = kernel_->is_lattice() && k + 1 < lambda.size();
      const double weight = twice ? 2 : 1, l = std::max(lambda[k], least);
      logs += weight * std::log(l);
      first += weight * power_[k] / l;
      second += weight * power_[k] / (l * l);
      inverse += weight / l;
    }
    const double alpha = 1 - confidence_, z = normal_quantile(1 - alpha / 2);
    const double discrepancy = lambda[0] / (n + lambda[0]);
    switch (rule_) {
      case BayesRule::kGcv:
        return {std::log(second) - 2 * std::log(inverse),
                z * std::sqrt(discrepancy * second / n / inverse)};
      case BayesRule::kFull:
        return {logs + n * std::log(first), student_quantile(1 - alpha / 2, n - 1) *
                                                std::sqrt(lambda[0] / n * first / (n * (n - 1)))};
      case BayesRule::kMle:
        break;
    }
    return {logs + n * std::log(first), z * std::sqrt(discrepancy * first / (n * n))};
  }

  std::shared_ptr<const BayesKernel> kernel_;
  BayesRule rule_;
  double confidence_;
  Coefficients<T> values_;
  std::vector<double> power_;  // |y~|^2, unnormalised
  double mean_ = 0, half_width_ = 0;
};

}  // namespace

std::unique_ptr<Spectrum> decay_spectrum(bool lattice, std::vector<double> control_means) {
  if (lattice) return std::make_unique<DecaySpectrum<Complex>>(std::move(control_means));
  return std::make_unique<DecaySpectrum<double>>(std::move(control_means));
}

std::unique_ptr<Spectrum> bayes_spectrum(std::shared_ptr<const BayesKernel> kernel, BayesRule rule,
                                         double confidence) {
  if (kernel->is_lattice()) {
    return std::make_unique<BayesSpectrum<Complex>>(std::move(kernel), rule, confidence);
  }
  return std::make_unique<BayesSpectrum<double>>(std::move(kernel), rule, confidence);
}

void BayesKernel::extend(std::size_t n) {
  const std::size_t d = points_->dims(), old = n_;
  std::vector<std::uint64_t> words((n - old) * d), origin(d);
  points_->fill(0, 1, Format::kU64, origin.data());
  points_->fill(old, n - old, Format::kU64, words.data());
  factors_.resize(d);
  const double sign = order_ % 2 == 1 ? 1 : -1;
  for (std::size_t j = 0; j < d; ++j) {
    factors_[j].resize(n);
    for (std::size_t i = old; i < n; ++i) {
      const std::uint64_t x = words[(i - old) * d + j];
      if (!lattice_) {
        factors_[j][i] = dsi_kernel(1, x ^ origin[j]) / 10;
        continue;
      }
      const std::uint64_t z = x - origin[j];
      const std::uint64_t folded = z >> 63 ? 0 - z : z;  // even: one half for both
      factors_[j][i] = sign * bernoulli(2 * order_, static_cast<double>(folded) * 0x1p-64);
    }
  }
  n_ = n;
}

std::vector<double> BayesKernel::eigenvalues(double theta) const {
  std::vector<double> column(n_);
  for (const std::vector<double>& factor : factors_) {
    // (1 + p)(1 + t) - 1, never adding the 1.
    for (std::size_t i = 0; i < n_; ++i) {
      const double t = theta * factor[i];
      column[i] = column[i] * (1 + t) + t;
    }
  }
  const double root = std::sqrt(static_cast<double>(n_));
  if (!lattice_) {
    fwht(column);
    for (double& value : column) value *= root;
    return column;
  }
  std::vector<double> re(n_ / 2 + 1), im(n_ / 2 + 1);
  plan_of(n_).forward(column, re, im);
  for (double& value : re) value *= root;
  return re;
}

}  // namespace stateutils::qmc
