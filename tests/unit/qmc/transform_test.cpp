#include "qmc/transform.hpp"

#include <cmath>

#include "core/error.hpp"
#include "known_answers.hpp"
#include "qmc/linear_algebra.hpp"
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
  constexpr std::size_t kCount = kNormalPart;
  std::vector<double> u(kCount), p(kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    u[i] = (static_cast<double>(i) + 0.5) / kCount;
    p[i] = 0.075 * std::exp(-22.0 * u[i]);
  }
  const auto run = [&](const NormalKernels& kernels) {
    std::vector<double> centre = u, tail(kCount);
    kernels.centre(centre.data(), kCount);
    kernels.tail(p.data(), kCount, tail.data());
    centre.insert(centre.end(), tail.begin(), tail.end());
    return centre;
  };
#ifdef __x86_64__
  for (const core::Isa isa : core::available_isas()) {
    if (isa == core::Isa::kAvx2) CHECK(run(kNormalAvx2) == run(kNormalScalar));
    if (isa == core::Isa::kAvx512) CHECK(run(kNormalAvx512) == run(kNormalScalar));
  }
#endif
  // In bulk as one by one.
  std::vector<double> bulk = u;
  bulk.insert(bulk.end(), p.begin(), p.end());
  std::vector<double> single = bulk;
  normal_quantiles(bulk.data(), bulk.size());
  for (double& x : single) x = normal_quantile(x);
  CHECK(bulk == single);
}

TEST_CASE("inverse normal within 2 ulp of a solution in extended precision") {
  // Newton's method on erfc; near 1/2 on erf, whose zero keeps its digits.
  const auto exact = [](double u, double guess) {
    const long double root_half = std::sqrt(0.5L);
    long double x = guess;
    for (int round = 0; round < 2; ++round) {
      const long double error =
          std::abs(u - 0.5) < 0.4
              ? 0.5L * std::erf(x * root_half) - (static_cast<long double>(u) - 0.5L)
              : 0.5L * std::erfc(-x * root_half) - static_cast<long double>(u);
      x -= error / (0.398942280401432677939946L * std::exp(-x * x / 2));
    }
    return x;
  };
  double worst = 0;
  for (int i = 1; i < 60000; ++i) {
    // Evenly over the middle, then down to 2^-53 in equal ratios.
    const double u = i < 30000 ? i / 60000.0 + 1e-7 : std::exp2(-(i - 29999) * 52.9 / 30000 - 1);
    const double x = normal_quantile(u);
    const double ulp = std::nextafter(std::abs(x), INFINITY) - std::abs(x);
    worst =
        std::max(worst, static_cast<double>(std::abs(exact(u, x) - static_cast<long double>(x)) /
                                            static_cast<long double>(ulp)));
  }
  CHECK(worst <= 2);
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

TEST_CASE("quantiles that need a solver") {
  // scipy.stats 1.17: t.ppf, gamma.ppf, beta.ppf.
  const auto check = [](const char* spec, double u, double expected) {
    CAPTURE(spec);
    CHECK(mapped(spec, 1, {u})[0] == doctest::Approx(expected).epsilon(1e-12));
  };
  check("student-t(5)", 0.001, -5.893429531356009);
  check("student-t(2.5)", 0.9, 1.7302509288071766);
  check("student-t(100)", 0.3, -0.5260762706003465);
  check("gamma(0.3)", 0.01, 1.5022226552360407e-07);
  check("gamma(2.5,3)", 0.7, 9.096644976232351);
  check("gamma(50,0.5)", 0.999, 37.362313194759714);
  check("gamma(1000)", 0.4, 991.6780855309853);
  check("beta(2,5)", 0.2, 0.1398806882699578);
  check("beta(0.5,0.5)", 0.9, 0.9755282581475768);
  check("beta(30,4)", 0.01, 0.7265132635612903);
  // Inverse of the closed forms.
  for (const double u : {1e-12, 0.01, 0.3, 0.5, 0.9, 1 - 0x1p-50}) {
    check("gamma(1,2)", u, -2 * std::log1p(-u));
    check("beta(1,3)", u, -std::expm1(std::log1p(-u) / 3));
    check("beta(4,1)", u, std::pow(u, 0.25));
    check("student-t(1)", u, u == 0.5 ? 0 : -1 / std::tan(std::acos(-1.0) * (u < 0.5 ? u : u - 1)));
  }
  for (const char* bad : {"gamma(0)", "beta(1)", "student-t(-1)", "gamma(1,0)"}) {
    CHECK_THROWS_AS(mapped(bad, 1, {0.5}), core::Error);
  }
}

TEST_CASE("eigenvectors and Cholesky factors rebuild their matrix") {
  constexpr std::size_t kSize = 7;
  std::vector<double> a(kSize * kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      a[i * kSize + j] = std::exp(-std::abs(static_cast<double>(i) - static_cast<double>(j)) / 3);
    }
  }
  const Eigen eigen = symmetric_eigen(a, kSize);
  const auto lower = cholesky(a, kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      double by_eigen = 0, by_factor = 0, product = 0;
      for (std::size_t k = 0; k < kSize; ++k) {
        const double vi = eigen.vectors[i * kSize + k];
        by_eigen += vi * eigen.values[k] * eigen.vectors[j * kSize + k];
        by_factor += lower[i * kSize + k] * lower[j * kSize + k];
        product += eigen.vectors[k * kSize + i] * eigen.vectors[k * kSize + j];
      }
      CHECK(by_eigen == doctest::Approx(a[i * kSize + j]).epsilon(1e-13));
      CHECK(by_factor == doctest::Approx(a[i * kSize + j]).epsilon(1e-13));
      CHECK(std::abs(product - (i == j ? 1 : 0)) < 1e-13);
    }
    CHECK(eigen.vectors[i] > 0);  // the first row
    if (i > 0) CHECK(eigen.values[i] <= eigen.values[i - 1]);
  }
  CHECK_THROWS_AS((void)cholesky({1, 2, 2, 1}, 2), core::Error);
}

}  // namespace stateutils::qmc
