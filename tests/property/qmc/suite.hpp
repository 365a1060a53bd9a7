// The cases that cubature is judged by: integrands with known integrals, tolerances, and the sizes
// that QMCPy 1.5 needs for them (medians over seeds). Only tests know these values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "qmc/cubature.hpp"
#include "qmc/normal.hpp"

namespace stateutils::qmc {

// Outside the theory of the guarded algorithms.
inline constexpr const char* kUnbounded = "box3-inverse";

struct SuiteCase {
  std::string name, f;
  std::uint32_t d;
  double tolerance, exact;
  struct Size {
    std::string algorithm;
    std::uint64_t n;  // that of QMCPy, 0 where none is known
  };
  std::vector<Size> reference;
};

struct SuiteRun {
  bool missed, opposite;  // opposite: the integral of -f is minus that of f
  std::uint64_t n;        // of one randomization for the algorithms that QMCPy counts so, else all
};

struct SuiteVerdict {
  std::uint64_t misses = 0, wrong_signs = 0, median_n = 0;
  bool holds = false;
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
  using Sizes = std::vector<SuiteCase::Size>;
  // Orders as in the document; mc-clt has a size for one case only.
  const auto guarded = [](std::uint64_t net, std::uint64_t lattice) {
    return Sizes{{"net-g", net}, {"lattice-g", lattice}, {"rep-t", 0}};
  };
  const auto all = [&](std::uint64_t net, std::uint64_t lattice, std::uint64_t bayes_net,
                       std::uint64_t bayes_lattice, std::uint64_t clt, std::uint64_t mc = 0) {
    Sizes sizes = guarded(net, lattice);
    sizes.insert(sizes.end(),
                 {{"bayes-net", bayes_net}, {"bayes-lattice", bayes_lattice}, {"clt-rep", clt}});
    if (mc > 0) sizes.push_back({"mc-clt", mc});
    return sizes;
  };
  Sizes oscillatory = guarded(65536, 0), ishigami = guarded(0, 0);
  oscillatory.push_back({"clt-rep", 98304});
  ishigami.insert(ishigami.end(), {{"mc-clt", 0}, {"mc-g", 0}});
  constexpr double kBox = 0.960591956455, kInverseBox = 1.190038681990;
  const double call = suite_call(std::log(100.0) + 0.05 - 0.02, 0.04, 100, std::exp(-0.05));
  return {
      {"keister2", "keister", 2, 1e-3, 1.808186429264,
       all(8192, 8192, 4096, 256, 16384, 12'000'000)},
      {"keister3", "keister", 3, 1e-3, 2.168309102165, all(16384, 16384, 8192, 4096, 49152)},
      {"keister5", "keister", 5, 1e-2, 1.135323991012, guarded(8192, 0)},
      {"box3", "box", 3, 1e-5, kBox, all(32768, 32768, 32768, 131072, 32768)},
      {"oscillatory1-3", "genz-oscillatory", 3, 1e-5, suite_oscillatory(1, 3), oscillatory},
      {"oscillatory3-5", "genz-oscillatory:kind=3", 5, 1e-4, suite_oscillatory(3, 5),
       guarded(0, 0)},
      {"corner2-5", "genz-corner-peak:kind=2", 5, 1e-5, suite_corner_peak(2, 5), guarded(0, 0)},
      {"corner3-3", "genz-corner-peak:kind=3", 3, 1e-5, suite_corner_peak(3, 3), guarded(0, 0)},
      {"ishigami", "ishigami", 3, 1e-2, 3.5, ishigami},
      {"european", "european:S0=100,K=100,r=0.05,vol=0.2", 2, 1e-2, call, guarded(0, 0)},
      {"asian16", "asian:mean=geometric", 16, 1e-2, suite_geometric_asian(16), guarded(0, 0)},
      // For clt-rep the published 3.1e6 lies between the middle two of a few seeds: of 100 seeds of
      // QMCPy's own nets under the rule of its version 1.5, 42 end at 2^21 and 32 at 2^22.
      {kUnbounded, "box:s=-1", 3, 1e-4, kInverseBox, all(524288, 0, 524288, 131072, 4194304)},
  };
}

// One seed, f and -f.
inline SuiteRun run_suite(const SuiteCase& c, const std::string& algorithm, std::uint64_t seed) {
  CubatureOptions o;
  o.algorithm = parse_algorithm(algorithm);
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
  const bool per_randomization = algorithm.ends_with("-g") && algorithm != "mc-g";
  return {!output.converged || std::abs(output.integral - c.exact) > c.tolerance,
          output.integral == -minus.outputs[0].integral,
          per_randomization || algorithm.starts_with("bayes") ? output.n : plus.n_total};
}

// Guarded algorithms never miss (3 % of the unbounded case by net-g, whatever by lattice-g), all
// signs are right, and the median is no larger than the reference: 5 % where it is random itself.
inline SuiteVerdict judge_suite(const SuiteCase& c, const SuiteCase::Size& size,
                                const std::vector<SuiteRun>& runs) {
  SuiteVerdict verdict;
  std::vector<std::uint64_t> n;
  for (const SuiteRun& run : runs) {
    verdict.misses += run.missed ? 1 : 0;
    verdict.wrong_signs += run.opposite ? 0 : 1;
    n.push_back(run.n);
  }
  const auto middle = n.begin() + static_cast<std::ptrdiff_t>(n.size() / 2);
  std::nth_element(n.begin(), middle, n.end());
  verdict.median_n = *middle;
  const bool net = size.algorithm == "net-g", lattice = size.algorithm == "lattice-g";
  const bool few = c.name == kUnbounded ? !net || 100 * verdict.misses <= 3 * runs.size()
                                        : !(net || lattice) || verdict.misses == 0;
  const bool random = size.algorithm == "clt-rep" || size.algorithm == "mc-clt";
  const std::uint64_t most = size.n + (random ? size.n / 20 : 0);
  verdict.holds = few && verdict.wrong_signs == 0 && (size.n == 0 || verdict.median_n <= most);
  return verdict;
}

}  // namespace stateutils::qmc
