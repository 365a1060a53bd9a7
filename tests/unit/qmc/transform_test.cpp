#include "qmc/transform.hpp"

#include <cmath>

#include "core/error.hpp"
#include "known_answers.hpp"
#include "qmc/normal.hpp"

namespace stateutils::qmc {
namespace {

std::vector<double> mapped(const char* spec, std::size_t d, std::vector<double> x,
                           std::vector<double>* weights = nullptr) {
  const Transform map(spec, d);
  if (weights != nullptr) weights->assign(x.size() / d, 1.0);
  map.apply(x.data(), x.size() / d, 0, "x", weights == nullptr ? nullptr : weights->data());
  return x;
}

}  // namespace

TEST_CASE("inverse normal within 2 ulp of SciPy's, which is within 1") {
  const auto file = kat_json("known-answers.json");
  for (const auto& row : file["normal_icdf"]) {
    const double expected = row["x"].get<double>();
    const double x = normal_quantile(row["u"].get<double>());
    const double ulp = std::nextafter(std::abs(expected), INFINITY) - std::abs(expected);
    CHECK(std::abs(x - expected) <= 2 * ulp);
  }
  CHECK(normal_quantile(0.5) == 0);
  CHECK(normal_quantile(0) == -INFINITY);
  CHECK(normal_quantile(1) == INFINITY);
}

TEST_CASE("the normal quantile has the same bits on every instruction set") {
  std::vector<double> u(5000);
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = (static_cast<double>(i) + 0.5) / 5000;
  std::vector<double> scalar(5000), vector(5000);
  normal_middle_scalar(u.data(), u.size(), scalar.data());
#ifdef __x86_64__
  for (const core::Isa isa : core::available_isas()) {
    if (isa == core::Isa::kScalar) continue;
    (isa == core::Isa::kAvx2 ? normal_middle_avx2 : normal_middle_avx512)(u.data(), u.size(),
                                                                          vector.data());
    CHECK(scalar == vector);
  }
#endif
}

TEST_CASE("maps invert the distribution functions they belong to") {
  const std::vector<double> u = {0.001, 0.1, 0.3, 0.5, 0.77, 0.9, 0.999};
  const auto check = [&](const char* spec, double (*cdf)(double)) {
    const auto x = mapped(spec, 1, u);
    for (std::size_t i = 0; i < u.size(); ++i) {
      CAPTURE(spec);
      CHECK(cdf(x[i]) == doctest::Approx(u[i]).epsilon(1e-12));
    }
  };
  check("uniform(-1,3)", [](double x) { return (x + 1) / 4; });
  check("normal(1,2)", [](double x) { return normal_cdf((x - 1) / 2); });
  check("lognormal(0.5,0.25)", [](double x) { return normal_cdf((std::log(x) - 0.5) / 0.25); });
  check("exponential(3)", [](double x) { return -std::expm1(-3 * x); });
  check("weibull(1.5,2)", [](double x) { return -std::expm1(-std::pow(x / 2, 1.5)); });
  check("kumaraswamy(2,3)", [](double x) { return 1 - std::pow(1 - x * x, 3); });
  check("triangular(0,1,4)",
        [](double x) { return x < 1 ? x * x / 4 : 1 - (4 - x) * (4 - x) / 12; });
  check("johnson-su(1,2,3,4)",
        [](double x) { return normal_cdf(1 + 3 * std::asinh((x - 2) / 4)); });
  // Continuous Bernoulli: F(x) = (l^x (1-l)^(1-x) + l - 1) / (2 l - 1).
  check("bernoulli-cont(0.25)",
        [](double x) { return (std::pow(0.25, x) * std::pow(0.75, 1 - x) - 0.75) / -0.5; });
  check("bernoulli-cont(0.5)", [](double x) { return x; });
}

TEST_CASE("weights of periodizations are their derivatives") {
  for (const char* spec : {"c0", "c1", "c1sin", "c2sin", "c3sin"}) {
    for (const double u : {0.1, 0.4, 0.8}) {
      std::vector<double> weight;
      const double h = 1e-6;
      (void)mapped(spec, 1, {u}, &weight);
      const double slope = (mapped(spec, 1, {u + h})[0] - mapped(spec, 1, {u - h})[0]) / (2 * h);
      CAPTURE(spec);
      CHECK(weight[0] == doctest::Approx(slope).epsilon(1e-7));
      CHECK(mapped(spec, 1, {0})[0] == doctest::Approx(0));
      CHECK(mapped(spec, 1, {1})[0] == doctest::Approx(1));
    }
  }
  CHECK(mapped("baker", 1, {0.25})[0] == 0.5);
  CHECK(std::isfinite(mapped("baker|normal", 1, {0})[0]));
}

TEST_CASE("Brownian motion has its covariance whatever the construction") {
  for (const PathMethod method : {PathMethod::kPca, PathMethod::kBridge, PathMethod::kCholesky}) {
    for (const std::size_t d : {1u, 2u, 5u, 8u}) {
      const auto a = brownian_matrix(d, 2, method);
      for (std::size_t i = 0; i < d; ++i) {
        for (std::size_t j = 0; j < d; ++j) {
          double sum = 0;
          for (std::size_t k = 0; k < d; ++k) sum += a[i * d + k] * a[j * d + k];
          const double expected =
              2 * static_cast<double>(std::min(i, j) + 1) / static_cast<double>(d);
          CHECK(sum == doctest::Approx(expected).epsilon(1e-12));
        }
        if (method == PathMethod::kPca) CHECK(a[i] > 0);
      }
    }
  }
}

TEST_CASE("columns, stages and their domains") {
  const auto x = mapped("uniform(0,2):1,3;uniform(5,6):2", 3, {0.5, 0.5, 0.5});
  CHECK(x == std::vector<double>{1, 5.5, 1});
  CHECK(mapped("uniform(0,1)|uniform(0,10)", 1, {0.5})[0] == 5);
  for (const char* bad : {"nothing", "uniform(1)", "uniform(a,b)", "normal(0,-1)", "uniform(0,1):4",
                          "brownian(1):2", "normal(0", "triangular(2,1,3)"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Transform(bad, 3), core::Error);
  }
  CHECK_THROWS_AS(mapped("normal", 1, {0.0}), core::Error);
  CHECK_THROWS_AS(mapped("baker", 1, {1.5}), core::Error);
}

}  // namespace stateutils::qmc
