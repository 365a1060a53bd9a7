#include "qmc/cubature.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "known_answers.hpp"
#include "qmc/formula.hpp"
#include "qmc/integrand.hpp"
#include "qmc/path_option.hpp"
#include "qmc/quantiles.hpp"

namespace stateutils::qmc {
namespace {

double value_of(const char* text, std::vector<double> x) {
  double y = 0;
  Formula(text, x.size()).evaluate(x.data(), 1, &y);
  return y;
}

CubatureOptions options_of(std::uint32_t d, Algorithm algorithm, double tolerance,
                           std::uint64_t seed) {
  CubatureOptions o;
  o.algorithm = algorithm;
  o.tolerance.absolute = tolerance;
  o.points.d = d;
  o.points.sequence = "";
  o.points.seed = seed;
  o.points.replications = kMaxReplications;
  return o;
}

std::unique_ptr<Integrand> integrand_of(const char* f, std::uint32_t d) {
  return is_built_in(f) ? built_in_integrand(f, d) : formula_integrand(f, d, "");
}

CubatureResult run_with(const Integrand& integrand, const CubatureOptions& o) {
  return integrate(
      [&](const double* u, std::size_t rows, std::vector<double>& y) {
        y.resize(rows);
        integrand.evaluate(u, rows, y.data());
      },
      o);
}

struct Single : CubatureOutput {
  std::uint64_t n_total;
};

Single run(const char* f, std::uint32_t d, Algorithm algorithm, double tolerance,
           std::uint64_t seed) {
  const auto result = run_with(*integrand_of(f, d), options_of(d, algorithm, tolerance, seed));
  return {result.outputs[0], result.n_total};
}

}  // namespace

TEST_CASE("formulas: precedence, names, series") {
  CHECK(value_of("-2^2", {0}) == -4);
  CHECK(value_of("2^3^2", {0}) == 512);
  CHECK(value_of("2^-1", {0}) == 0.5);
  CHECK(value_of("1 + 2*3 - 4/2", {0}) == 5);
  CHECK(value_of("(1+2)*3", {0}) == 9);
  CHECK(value_of("x1 < x2", {1, 2}) == 1);
  CHECK(value_of("x1 + 1 >= x2 + 1", {1, 2}) == 0);
  CHECK(value_of("min(x1,x2,x3) + max(x1,x2,x3)", {3, 1, 2}) == 4);
  CHECK(value_of("sum(i,1,d,i*x[i])", {1, 2, 3}) == 14);
  CHECK(value_of("prod(i,1,d,sum(j,1,i,x[j]))", {1, 1, 1}) == 6);
  CHECK(value_of("sum(i,2,1,x1)", {5}) == 0);
  CHECK(value_of("abs(floor(-1.5)) + sqrt(4) + log(exp(1))", {0}) == 5);
  CHECK(value_of("sin(pi/2) + cos(0) + tanh(0)", {0}) == 2);
  CHECK(value_of("1.5e2 + .5", {0}) == 150.5);
  CHECK(value_of("1e+2", {0}) == 100);
}

TEST_CASE("formulas share and fold") {
  CHECK(Formula("sin(x1)*sin(x1) + sin(x1)*sin(x1)", 1).size() == 4);
  CHECK(Formula("2*3 + 4^2", 1).size() == 1);
  CHECK(Formula("0*x1 + x2 - x2", 2).size() == 6);  // NaN and infinity must still come through
}

TEST_CASE("formulas that are not understood") {
  for (const char* bad : {"", "1 +", "x0", "x3", "x[1.5]", "y", "sin 1", "sin(1", "sum(i,1,x1,i)",
                          "1 2", "x[", "min()", "((((1)))", "sum(i,1,1e9,i)"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Formula(bad, 2), core::Error);
  }
  CHECK_THROWS_AS(Formula(std::string(100000, '('), 1), core::Error);
}

TEST_CASE("published integrals within tolerance, f and -f opposite") {
  struct Case {
    const char *f, *negative;
    std::uint32_t d;
    double tolerance, exact;
  };
  for (const Case& c : {Case{"keister", "keister:scale=-1", 2, 1e-3, 1.808186429264},
                        Case{"keister", "keister:scale=-1", 3, 1e-3, 2.168309102165},
                        Case{"box", "box:scale=-1", 3, 1e-4, 0.960591956455},
                        Case{"ishigami", "ishigami:scale=-1", 3, 1e-2, 3.5},
                        Case{"g-function", "g-function:scale=-1", 3, 1e-2, 1},
                        Case{"linear", "linear:scale=-1", 4, 1e-3, 0}}) {
    for (const Algorithm a : {Algorithm::kNetG, Algorithm::kLatticeG, Algorithm::kBayesNet,
                              Algorithm::kBayesLattice, Algorithm::kRepT, Algorithm::kCltRep}) {
      for (const std::uint64_t seed : {1u, 2u}) {
        const auto plus = run(c.f, c.d, a, c.tolerance, seed);
        const auto minus = run(c.negative, c.d, a, c.tolerance, seed);
        CAPTURE(c.f);
        CHECK(plus.converged);
        CHECK(std::abs(plus.integral - c.exact) <= c.tolerance);
        CHECK(plus.integral == -minus.integral);
        CHECK(plus.n == minus.n);
      }
    }
  }
}

TEST_CASE("the guard counts every evaluation, constants stop at once, bad values are named") {
  const auto guarded = run("keister", 2, Algorithm::kNetG, 1e-3, 7);
  CHECK(guarded.n_total == 2 * guarded.n);
  const auto constant = run("3", 2, Algorithm::kLatticeG, 1e-3, 7);
  CHECK(constant.integral == 3);
  CHECK(constant.n == 1024);
  CHECK_THROWS_AS(run("log(x1 - 2)", 2, Algorithm::kNetG, 1e-3, 7), core::Error);
}

TEST_CASE("the same function as a name and as a formula") {
  const auto name = run("box", 3, Algorithm::kNetG, 1e-4, 3);
  const auto formula = run("sqrt(sum(i,1,d,x[i]^2))", 3, Algorithm::kNetG, 1e-4, 3);
  CHECK(name.n == formula.n);
  CHECK(name.integral == doctest::Approx(formula.integral).epsilon(1e-14));
}

TEST_CASE("corner peak in 50 dimensions stops at 10240 evaluations") {
  auto o = options_of(50, Algorithm::kRepT, 1e-4, 7);
  o.replications = 10;
  o.n_init = 1024;
  o.points.alpha = 3;
  o.points.replications = 10;
  const auto result = run_with(*integrand_of("genz-corner-peak:kind=2", 50), o);
  CHECK(result.n_total == 10240);
  CHECK(std::abs(result.outputs[0].integral - 0.0149368139) < 1e-4);
}

TEST_CASE("Sobol' indices of the Ishigami function") {
  // Closed form for a = 7, b = 0.1 (Ishigami and Homma 1990).
  const double closed[] = {0.313905, 0.442411, 0}, total[] = {0.557589, 0.442411, 0.243684};
  for (const Algorithm a : {Algorithm::kNetG, Algorithm::kLatticeG, Algorithm::kRepT}) {
    auto o = options_of(3, a, 1e-2, 5);
    o.sensitivity = true;
    const auto result = run_with(*integrand_of("ishigami", 3), o);
    CHECK(result.converged());
    REQUIRE(result.outputs.size() == 7);
    CHECK(result.outputs[0].integral == doctest::Approx(3.5).epsilon(0.02));
    for (int j = 0; j < 3; ++j) {
      CHECK(std::abs(result.outputs[1 + j].integral - closed[j]) < 1e-2);
      CHECK(std::abs(result.outputs[4 + j].integral - total[j]) < 1e-2);
    }
  }
  auto o = options_of(2, Algorithm::kNetG, 1e-2, 5);
  o.sensitivity = true;
  o.n_max = 4096;
  const auto constant = run_with(*integrand_of("3", 2), o);  // no variance: no ratio
  CHECK(!constant.converged());
}

TEST_CASE("vector outputs stop one by one") {
  auto o = options_of(2, Algorithm::kNetG, 1e-4, 3);
  const auto result = integrate(
      [](const double* u, std::size_t rows, std::vector<double>& y) {
        y.clear();
        for (std::size_t i = 0; i < rows; ++i) {
          y.push_back(u[2 * i] + u[2 * i + 1]);
          y.push_back(std::sqrt(u[2 * i] * u[2 * i + 1]));
        }
      },
      o);
  REQUIRE(result.outputs.size() == 2);
  CHECK(result.converged());
  CHECK(std::abs(result.outputs[0].integral - 1) < 1e-4);
  CHECK(std::abs(result.outputs[1].integral - 4.0 / 9) < 1e-4);
  CHECK(result.outputs[0].n < result.outputs[1].n);
}

TEST_CASE("control variates need fewer points and are exact when they are the integrand") {
  const auto f = integrand_of("x1*x2 + 0.01*exp(x1)", 2);
  for (const Algorithm a : {Algorithm::kNetG, Algorithm::kLatticeG}) {
    auto o = options_of(2, a, 1e-5, 3);
    const auto plain = run_with(*f, o);
    o.controls.push_back({std::shared_ptr<const Integrand>(integrand_of("x1*x2", 2)), 0.25});
    o.controls.push_back({std::shared_ptr<const Integrand>(integrand_of("2*x1*x2", 2)), 0.5});
    const auto helped = run_with(*f, o);
    const double exact = 0.25 + 0.01 * (std::exp(1.0) - 1);
    CHECK(std::abs(helped.outputs[0].integral - exact) < 1e-5);
    CHECK(helped.n_total < plain.n_total);
  }
}

TEST_CASE("multilevel estimates agree with one fine level") {
  const auto fine = run("asian:mean=geometric", 64, Algorithm::kNetG, 5e-3, 1);
  for (const Algorithm a : {Algorithm::kMlmc, Algorithm::kMlqmc}) {
    const auto option = PathOption::parse("asian:mean=geometric", 2);
    const auto result = integrate_levels(option, options_of(2, a, 5e-2, 7));
    CHECK(result.converged());
    CHECK(std::abs(result.outputs[0].integral - fine.integral) < 6e-2);
  }
}

TEST_CASE("quantiles of Student's t") {
  CHECK(student_quantile(0.975, 1) == doctest::Approx(12.706204736432095));
  CHECK(student_quantile(0.995, 24) == doctest::Approx(2.796939504772804));
  CHECK(student_quantile(0.05, 9) == doctest::Approx(-1.8331129326536335));
}

}  // namespace stateutils::qmc
