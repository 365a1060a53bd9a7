#include "qmc/cubature.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "known_answers.hpp"
#include "qmc/formula.hpp"
#include "qmc/integrand.hpp"

namespace stateutils::qmc {
namespace {

double value_of(const char* text, std::vector<double> x) {
  double y = 0;
  Formula(text, x.size()).evaluate(x.data(), 1, &y);
  return y;
}

CubatureResult run(const char* f, std::uint32_t d, Algorithm algorithm, double tolerance,
                   std::uint64_t seed) {
  const auto integrand = is_built_in(f) ? built_in_integrand(f, d) : formula_integrand(f, d, "");
  CubatureOptions o;
  o.algorithm = algorithm;
  o.tolerance.absolute = tolerance;
  o.points.d = d;
  o.points.sequence = "";
  o.points.seed = seed;
  o.points.replications = kMaxReplications;
  return integrate(
      [&](const double* u, std::size_t rows, double* y) { integrand->evaluate(u, rows, y); }, o);
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
    for (const Algorithm a :
         {Algorithm::kNetG, Algorithm::kLatticeG, Algorithm::kRepT, Algorithm::kCltRep}) {
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
  const auto integrand = built_in_integrand("genz-corner-peak:kind=2", 50);
  CubatureOptions o;
  o.algorithm = Algorithm::kRepT;
  o.tolerance.absolute = 1e-4;
  o.replications = 10;
  o.n_init = 1024;
  o.points.d = 50;
  o.points.sequence = "";
  o.points.alpha = 3;
  o.points.seed = 7;
  o.points.replications = 10;
  const auto result = integrate(
      [&](const double* u, std::size_t rows, double* y) { integrand->evaluate(u, rows, y); }, o);
  CHECK(result.n_total == 10240);
  CHECK(std::abs(result.integral - 0.0149368139) < 1e-4);
}

TEST_CASE("quantiles of Student's t") {
  CHECK(student_quantile(0.975, 1) == doctest::Approx(12.706204736432095));
  CHECK(student_quantile(0.995, 24) == doctest::Approx(2.796939504772804));
  CHECK(student_quantile(0.05, 9) == doctest::Approx(-1.8331129326536335));
}

}  // namespace stateutils::qmc
