#include "qmc/quantiles.hpp"

#include <cmath>
#include <initializer_list>
#include <limits>

namespace stateutils::qmc {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kTiny = 1e-300;
constexpr int kMaxSeriesTerms = 200000;

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);  // std::lgamma writes a global
}

// The root of an increasing concave h with derivative h' > 0, from a first guess.
template <class ValueAndSlope>
double newton(double t, const ValueAndSlope& h) {
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  for (int round = 0; round < 200; ++round) {
    const auto [value, slope] = h(t);
    if (value == 0) return t;
    (value < 0 ? low : high) = t;
    double next = t - value / slope;
    if (!(next > low && next < high) || !std::isfinite(next)) {
      if (std::isinf(low)) {
        next = t - 1 - std::abs(t) * 0.5;
      } else if (std::isinf(high)) {
        next = t + 1 + std::abs(t) * 0.5;
      } else {
        next = 0.5 * (low + high);
      }
    }
    const double step = next - t;
    t = next;
    if (std::abs(step) <= 2 * kEpsilon * (1e-3 + std::abs(t))) return t;
  }
  return t;
}

// Lower and upper incomplete gamma without the factor x^a e^-x / Gamma(a).
double gamma_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int k = 1; k < kMaxSeriesTerms && term > sum * kEpsilon * 0.1; ++k) {
    term *= x / (a + k);
    sum += term;
  }
  return sum;
}
double gamma_fraction(double a, double x) {  // Lentz
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (int i = 1; i < kMaxSeriesTerms; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    c = b + an / c;
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    if (std::abs(c) < kTiny) c = kTiny;
    h *= d * c;
    if (std::abs(d * c - 1) < kEpsilon) break;
  }
  return h;
}

// The continued fraction of the incomplete beta function (Press et al., section 6.4).
double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double h = d;
  for (int m = 1; m < kMaxSeriesTerms; ++m) {
    const double m2 = 2.0 * m;
    for (const double numerator : {m * (b - m) * x / ((a + m2 - 1) * (a + m2)),
                                   -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1))}) {
      d = 1 + numerator * d;
      c = 1 + numerator / c;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      if (std::abs(c) < kTiny) c = kTiny;
      h *= d * c;
    }
    if (std::abs(d * c - 1) < kEpsilon) break;
  }
  return h;
}

struct Point {
  double value, slope;
};

}  // namespace

GammaQuantile::GammaQuantile(double shape) : shape_(shape), log_gamma_(log_gamma(shape)) {}

double GammaQuantile::log_tail(double x, bool upper) const {
  const double factor = shape_ * std::log(x) - x - log_gamma_;
  if (x < shape_ + 1) {
    const double lower = factor + std::log(gamma_series(shape_, x));
    return upper ? std::log1p(-std::exp(lower)) : lower;
  }
  const double above = factor + std::log(gamma_fraction(shape_, x));
  return upper ? above : std::log1p(-std::exp(above));
}

double GammaQuantile::operator()(double p) const {
  const bool upper = p > 0.5;
  const double wanted = upper ? std::log1p(-p) : std::log(p);
  // The distribution near 0, or Wilson and Hilferty's cube.
  double guess = (std::log(p) + std::log(shape_) + log_gamma_) / shape_;
  if (shape_ > 0.5 && guess > std::log(0.2 * (shape_ + 1))) guess = std::log(shape_);
  const auto h = [&](double t) {
    const double x = std::exp(t), tail = log_tail(x, upper);
    const double slope = std::exp(shape_ * t - x - log_gamma_ - tail);
    return upper ? Point{wanted - tail, slope} : Point{tail - wanted, slope};
  };
  return std::exp(newton(guess, h));
}

BetaQuantile::BetaQuantile(double a, double b)
    : a_(a), b_(b), log_beta_(log_gamma(a) + log_gamma(b) - log_gamma(a + b)) {}

double BetaQuantile::log_lower(double t, double a, double b) const {
  const double log_x = -std::log1p(std::exp(-t)), log_y = -std::log1p(std::exp(t));
  const double factor = a * log_x + b * log_y - log_beta_, x = std::exp(log_x);
  if (x < (a + 1) / (a + b + 2)) return factor + std::log(beta_fraction(a, b, x) / a);
  return std::log1p(-std::exp(factor) * beta_fraction(b, a, std::exp(log_y)) / b);
}

// The logit of the quantile for p at most 1/2.
double BetaQuantile::solve(double p, double a, double b) const {
  const double wanted = std::log(p);
  // The distribution near 0, or the mean.
  const double mean = std::log(a / b);
  double guess = (wanted + std::log(a) + log_beta_) / a;
  if (guess > std::log(0.5 * a / (a + b))) guess = mean;
  const auto h = [&](double t) {
    const double tail = log_lower(t, a, b);
    const double log_x = -std::log1p(std::exp(-t)), log_y = -std::log1p(std::exp(t));
    return Point{tail - wanted, std::exp(a * log_x + b * log_y - log_beta_ - tail)};
  };
  return newton(guess, h);
}

double BetaQuantile::logit(double p) const {
  return p <= 0.5 ? solve(p, a_, b_) : -solve(1 - p, b_, a_);
}

double BetaQuantile::operator()(double p) const {
  return 1 / (1 + std::exp(-logit(p)));
}

StudentQuantile::StudentQuantile(double degrees) : degrees_(degrees), beta_(degrees / 2, 0.5) {}

// P(|T| > t) = I_z(v/2, 1/2) with z = v / (v + t^2), so t^2 = v (1-z)/z.
double StudentQuantile::operator()(double p) const {
  if (p == 0.5) return 0;
  const double tail = 2 * (p < 0.5 ? p : 1 - p);
  const double t = std::sqrt(degrees_) * std::exp(-0.5 * beta_.logit(tail));
  return p < 0.5 ? -t : t;
}

double student_quantile(double p, double degrees) {
  return StudentQuantile(degrees)(p);
}

}  // namespace stateutils::qmc
