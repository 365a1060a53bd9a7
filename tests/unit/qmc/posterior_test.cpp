// Guided diffusion against posteriors in closed form, and those against quadrature.
#include "qmc/posterior.hpp"

#include <doctest.h>

#include <cmath>

#include "core/error.hpp"

namespace stateutils::qmc {
namespace {

LinearProblem problem(const char* prior, const char* rest) {
  return parse_linear_problem(std::string(R"({"prior":)") + prior + "," + rest + "}", "test");
}

const char* const kOne = R"({"weights":[1],"means":[[1,-2]],"sds":[0.8]})";
const char* const kTwo = R"({"weights":[1,3],"means":[[-1,0],[2,1]],"sds":[0.5,0.7]})";
const char* const kMeasured = R"("A":[[1,0.5]],"y":[1.5],"noise":0.6)";

}  // namespace

TEST_CASE("the exact posterior is what a quadrature of prior times likelihood gives") {
  const LinearProblem p = problem(kTwo, kMeasured);
  double total = 0, mean[2] = {}, square[2][2] = {};
  constexpr double kStep = 0.02;
  for (double x = -5; x < 7; x += kStep) {
    for (double y = -5; y < 6; y += kStep) {
      double prior = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        const double v = p.prior.sds[k] * p.prior.sds[k], dx = x - p.prior.means[k][0],
                     dy = y - p.prior.means[k][1];
        prior += p.prior.weights[k] / v * std::exp(-0.5 * (dx * dx + dy * dy) / v);
      }
      const double misfit = (1.5 - x - 0.5 * y) / 0.6,
                   weight = prior * std::exp(-0.5 * misfit * misfit);
      const double at[2] = {x, y};
      total += weight;
      for (int i = 0; i < 2; ++i) {
        mean[i] += weight * at[i];
        for (int j = 0; j < 2; ++j) square[i][j] += weight * at[i] * at[j];
      }
    }
  }
  const Moments exact = exact_posterior(p);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(exact.mean[i] == doctest::Approx(mean[i] / total).epsilon(1e-6));
    for (std::size_t j = 0; j < 2; ++j) {
      const double cov = square[i][j] / total - mean[i] * mean[j] / total / total;
      CHECK(exact.cov[i * 2 + j] == doctest::Approx(cov).epsilon(1e-6));
    }
  }
}

TEST_CASE("curvature is the derivative of the score") {
  const Mixture mixture = parse_mixture(kTwo, "test");
  const double x[2] = {0.3, 0.4}, z[2] = {0.6, -1.1};
  constexpr double kStep = 1e-5;
  for (const double sigma : {0.0, 0.5, 3.0}) {
    double bent[2];
    NoisyScore(mixture, sigma, x).curvature(z, bent);
    const double ahead[2] = {x[0] + kStep * z[0], x[1] + kStep * z[1]};
    const double behind[2] = {x[0] - kStep * z[0], x[1] - kStep * z[1]};
    const NoisyScore after(mixture, sigma, ahead), before(mixture, sigma, behind);
    for (std::size_t j = 0; j < 2; ++j) {
      const double slope = (after.score()[j] - before.score()[j]) / (2 * kStep);
      CHECK(bent[j] == doctest::Approx(slope).epsilon(1e-7));
    }
  }
}

TEST_CASE("for a Gaussian prior order 2 is exact up to its steps, order 1 is not") {
  const LinearProblem p = problem(kOne, kMeasured);
  const auto run = [&](int order, std::uint64_t steps) {
    return run_guided(p, order, steps, 1 << 9, 1, 7, 2, "test");
  };
  const GuidedRun coarse = run(2, 50), fine = run(2, 200), first = run(1, 200);
  CHECK(fine.mean_error < 2e-3);
  CHECK(fine.cov_error < 4e-3);
  CHECK(fine.cov_error < coarse.cov_error / 4);
  CHECK(first.cov_error > 10 * fine.cov_error);
  CHECK(fine.evaluations == 1200);
  CHECK(first.evaluations == 800);
}

TEST_CASE("for a mixture order 2 is nearer to the posterior than order 1; threads change nothing") {
  const LinearProblem p = problem(kTwo, kMeasured);
  const GuidedRun first = run_guided(p, 1, 100, 1 << 8, 4, 7, 1, "test");
  const GuidedRun second = run_guided(p, 2, 100, 1 << 8, 4, 7, 1, "test");
  CHECK(second.mean_error < first.mean_error);
  CHECK(second.cov_error < first.cov_error);
  CHECK(run_guided(p, 2, 100, 1 << 8, 4, 7, 2, "test").found.cov == second.found.cov);
}

TEST_CASE("what is no linear problem is refused") {
  CHECK_THROWS_AS((void)problem(kTwo, R"("A":[[1]],"y":[1],"noise":1)"), core::Error);
  CHECK_THROWS_AS((void)problem(kTwo, R"("A":[[1,2]],"y":[1,2],"noise":1)"), core::Error);
  CHECK_THROWS_AS((void)problem(kTwo, R"("A":[[1,2]],"y":[1],"noise":0)"), core::Error);
  CHECK_THROWS_AS((void)problem(kTwo, R"("A":[[1,2]],"y":[1])"), core::Error);
  CHECK_THROWS_AS((void)problem("{}", kMeasured), core::Error);
}

}  // namespace stateutils::qmc
