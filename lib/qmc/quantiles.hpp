// Quantiles of the gamma, beta and Student t distributions, by safeguarded Newton steps on the
// logarithm of the smaller tail.
#pragma once

namespace stateutils::qmc {

// Relative errors are about 1e-13, more for parameters beyond 10^3. Probabilities lie in (0,1).
class GammaQuantile {
 public:
  explicit GammaQuantile(double shape);  // above 0
  [[nodiscard]] double operator()(double p) const;

 private:
  [[nodiscard]] double log_tail(double x, bool upper) const;
  double shape_, log_gamma_;
};

class BetaQuantile {
 public:
  BetaQuantile(double a, double b);  // above 0
  [[nodiscard]] double operator()(double p) const;
  // ln(x / (1 - x)) of the quantile x: no digits are lost at either end.
  [[nodiscard]] double logit(double p) const;

 private:
  [[nodiscard]] double log_lower(double t, double a, double b) const;
  [[nodiscard]] double solve(double p, double a, double b) const;
  double a_, b_, log_beta_;
};

class StudentQuantile {
 public:
  explicit StudentQuantile(double degrees);
  [[nodiscard]] double operator()(double p) const;

 private:
  double degrees_;
  BetaQuantile beta_;
};

[[nodiscard]] double student_quantile(double p, double degrees);

}  // namespace stateutils::qmc
