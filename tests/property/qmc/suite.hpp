// The cases that cubature is judged by: integrands with known integrals, tolerances, and the sizes
// that QMCPy 1.5 needs for them (medians over seeds). Only tests know these values.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "qmc/cubature.hpp"
#include "qmc/normal.hpp"

namespace stateutils::qmc {

struct SuiteCase {
  std::string name, f;
  std::uint32_t d;
  double tolerance, exact;
  struct Size {
    Algorithm algorithm;
    std::uint64_t n;
  };
  std::vector<Size> reference;
};

struct SuiteRun {
  bool missed, opposite;
  std::uint64_t n, n_total;
};

// c of Genz's families in the form of the manual page.
inline std::vector<double> suite_weights(int kind, double total, std::uint32_t d) {
  std::vector<double> c(d);
  double sum = 0;
  for (std::uint32_t j = 1; j <= d; ++j) {
    c[j - 1] = kind == 1   ? (j - 0.5) / d
               : kind == 2 ? 1.0 / (j * j)
                           : std::exp(j * std::log(1e-8) / d);
    sum += c[j - 1];
  }
  for (double& w : c) w *= total / sum;
  return c;
}

// int cos(sum c x) = Re prod (e^(i c) - 1) / (i c) = cos(sum c / 2) prod sin(c/2) / (c/2).
inline double suite_oscillatory(int kind, std::uint32_t d) {
  double sum = 0, product = 1;
  for (const double c : suite_weights(kind, 4.5, d)) {
    sum += c / 2;
    product *= std::sin(c / 2) / (c / 2);
  }
  return std::cos(sum) * product;
}

// int (1 + sum c x)^-(d+1), by Gauss-Legendre rules of 5 points an axis over two panels each: the
// integrand is nearly a polynomial there, and the closed form cancels.
inline double suite_corner_peak(int kind, std::uint32_t d) {
  static constexpr double kX[] = {-0.9061798459386639928, -0.5384693101056830910, 0,
                                  0.5384693101056830910, 0.9061798459386639928};
  static constexpr double kW[] = {0.2369268850561890875, 0.4786286704993664680,
                                  0.5688888888888888889, 0.4786286704993664680,
                                  0.2369268850561890875};
  const auto c = suite_weights(kind, 0.25, d);
  std::uint64_t count = 1;
  for (std::uint32_t j = 0; j < d; ++j) count *= 10;
  double total = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    double sum = 1, weight = 1;
    std::uint64_t rest = i;
    for (std::uint32_t j = 0; j < d; ++j, rest /= 10) {
      const std::uint64_t node = rest % 10;
      sum += c[j] * (0.25 * (kX[node % 5] + 1) + 0.5 * static_cast<double>(node / 5));
      weight *= 0.25 * kW[node % 5];
    }
    total += weight * std::pow(sum, -static_cast<double>(d) - 1);
  }
  return total;
}

inline double suite_call(double log_mean, double variance, double strike, double discount) {
  const double sd = std::sqrt(variance), d2 = (log_mean - std::log(strike)) / sd, d1 = d2 + sd;
  return discount * (std::exp(log_mean + variance / 2) * normal_cdf(d1) - strike * normal_cdf(d2));
}

// The geometric mean by the trapezoid rule is lognormal.
inline double suite_geometric_asian(std::uint32_t d) {
  const double vol = 0.5;
  double mean = std::log(30.0), variance = 0;
  const auto weight = [d](std::uint32_t k) { return (k < d ? 1.0 : 0.5) / d; };
  for (std::uint32_t k = 1; k <= d; ++k) {
    mean -= weight(k) * vol * vol / 2 * k / d;
    for (std::uint32_t l = 1; l <= d; ++l) {
      variance += weight(k) * weight(l) * vol * vol * std::min(k, l) / d;
    }
  }
  return suite_call(mean, variance, 35, 1);
}

inline std::vector<SuiteCase> suite_cases() {
  using A = Algorithm;
  const auto both = [](std::uint64_t net, std::uint64_t lattice) {
    return std::vector<SuiteCase::Size>{{A::kNetG, net}, {A::kLatticeG, lattice}};
  };
  const auto all = [](std::uint64_t net, std::uint64_t lattice, std::uint64_t bayes_net,
                      std::uint64_t bayes_lattice, std::uint64_t clt) {
    return std::vector<SuiteCase::Size>{{A::kNetG, net},
                                        {A::kLatticeG, lattice},
                                        {A::kBayesNet, bayes_net},
                                        {A::kBayesLattice, bayes_lattice},
                                        {A::kCltRep, clt}};
  };
  constexpr double kBox = 0.960591956455, kInverseBox = 1.190038681990;
  const double call = suite_call(std::log(100.0) + 0.05 - 0.02, 0.04, 100, std::exp(-0.05));
  // 0: no reference size.
  return {
      {"keister2", "keister", 2, 1e-3, 1.808186429264, all(8192, 8192, 4096, 256, 16384)},
      {"keister3", "keister", 3, 1e-3, 2.168309102165, all(16384, 16384, 8192, 4096, 49152)},
      {"keister5", "keister", 5, 1e-2, 1.135323991012, both(8192, 0)},
      {"box3", "box", 3, 1e-5, kBox, all(32768, 32768, 32768, 131072, 32768)},
      {"oscillatory1-3", "genz-oscillatory", 3, 1e-5, suite_oscillatory(1, 3), both(65536, 0)},
      {"oscillatory3-5", "genz-oscillatory:kind=3", 5, 1e-4, suite_oscillatory(3, 5), both(0, 0)},
      {"corner2-5", "genz-corner-peak:kind=2", 5, 1e-5, suite_corner_peak(2, 5), both(0, 0)},
      {"corner3-3", "genz-corner-peak:kind=3", 3, 1e-5, suite_corner_peak(3, 3), both(0, 0)},
      {"ishigami", "ishigami", 3, 1e-2, 3.5, both(0, 0)},
      {"european", "european:S0=100,K=100,r=0.05,vol=0.2", 2, 1e-2, call, both(0, 0)},
      {"asian16", "asian:mean=geometric", 16, 1e-2, suite_geometric_asian(16), both(0, 0)},
      {"box3-inverse", "box:s=-1", 3, 1e-4, kInverseBox, both(524288, 0)},
  };
}

// One seed, f and -f.
inline SuiteRun run_suite(const SuiteCase& c, Algorithm algorithm, std::uint64_t seed) {
  CubatureOptions o;
  o.algorithm = algorithm;
  o.tolerance.absolute = c.tolerance;
  o.points.d = c.d;
  o.points.sequence = "";
  o.points.seed = seed;
  o.points.replications = kMaxReplications;
  const auto integral = [&](double sign) {
    const std::string text =
        c.f + (c.f.find(':') == std::string::npos ? ":" : ",") + "scale=" + (sign < 0 ? "-1" : "1");
    const auto f = built_in_integrand(text, c.d);
    return integrate(
        [&](const double* u, std::size_t rows, std::vector<double>& y) {
          y.resize(rows);
          f->evaluate(u, rows, y.data());
        },
        o);
  };
  const CubatureResult plus = integral(1), minus = integral(-1);
  const CubatureOutput& output = plus.outputs[0];
  return {!output.converged || std::abs(output.integral - c.exact) > c.tolerance,
          output.integral == -minus.outputs[0].integral, output.n, plus.n_total};
}

}  // namespace stateutils::qmc
