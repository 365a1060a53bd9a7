// Brownian motion, diffusion samplers and inference blocks against closed forms.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "known_answers.hpp"
#include "qmc/brownian.hpp"
#include "qmc/diffusion.hpp"
#include "qmc/inference.hpp"

namespace stateutils::qmc {

TEST_CASE("Brownian intervals join, whatever the order of the queries") {
  const BrownianPath path(7, 3, -1, 3, 1e-4);
  const double times[] = {-1, -0.99999, -0.3, 0, 0.123456, 1, 1.5, 2.9999, 3};
  for (std::size_t i = 0; i < std::size(times); ++i) {
    for (std::size_t j = i + 1; j < std::size(times); ++j) {
      const LevyPair whole = path.interval(times[i], times[j]);
      CHECK(std::isfinite(whole.w + whole.h));
      for (std::size_t k = i + 1; k < j; ++k) {
        const LevyPair both = join(path.interval(times[i], times[k]), times[k] - times[i],
                                   path.interval(times[k], times[j]), times[j] - times[k]);
        CHECK(both.w == doctest::Approx(whole.w).epsilon(1e-9));
        CHECK(both.h == doctest::Approx(whole.h).epsilon(1e-9));
      }
    }
  }
  CHECK_THROWS_AS(BrownianPath(1, 0, 1, 1, 0.1), core::Error);
  CHECK_THROWS_AS(BrownianPath(1, 0, 0, 1, 0), core::Error);
  CHECK_THROWS_AS(BrownianPath(1, 0, 0, 1, 1e-30), core::Error);
}

TEST_CASE("increments and areas of neighbours are independent, with variances h and h/12") {
  // Two neighbours inside leaves and across nodes; 20000 paths, errors of five deviations.
  constexpr int kPaths = 20000;
  for (const double s : {0.3, 0.25, 0.2501}) {
    const double m = s + 0.07, t = m + 0.11;
    std::vector<double> sum(4), square(16);
    for (int p = 0; p < kPaths; ++p) {
      const BrownianPath path(11, static_cast<std::uint32_t>(p), 0, 1, 0.05);
      const LevyPair a = path.interval(s, m), b = path.interval(m, t);
      const double x[] = {a.w / std::sqrt(0.07), a.h / std::sqrt(0.07 / 12), b.w / std::sqrt(0.11),
                          b.h / std::sqrt(0.11 / 12)};
      for (std::size_t i = 0; i < 4; ++i) {
        sum[i] += x[i];
        for (std::size_t j = 0; j < 4; ++j) square[i * 4 + j] += x[i] * x[j];
      }
    }
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(std::abs(sum[i]) < 5 * std::sqrt(kPaths));
      for (std::size_t j = 0; j < 4; ++j) {
        const double error = square[i * 4 + j] / kPaths - (i == j ? 1 : 0);
        CHECK(std::abs(error) < 5 * std::sqrt((i == j ? 2.0 : 1.0) / kPaths));
      }
    }
  }
}

TEST_CASE("stability on the real axis: Adams-Bashforth and the closed form of order 1") {
  const double adams[] = {-2, -1, -6.0 / 11, -3.0 / 10};
  for (int r = 1; r <= 4; ++r) {
    CHECK(stability_of(momentum_method("ghvb", r, 1), 8).real_axis ==
          doctest::Approx(adams[r - 1]).epsilon(1e-9));
    const std::string name = r == 1 ? "ddim" : "ab" + std::to_string(r);
    CHECK(stability_of(momentum_method(name, r, 0.3), 8).real_axis ==
          doctest::Approx(adams[r - 1]).epsilon(1e-9));
  }
  for (const double beta : {0.1, 0.5, 0.9}) {
    CHECK(stability_of(momentum_method("ghvb", 1, beta), 8).real_axis ==
          doctest::Approx(-2 * (2 - beta) / beta).epsilon(1e-9));
    CHECK(stability_of(momentum_method("hb-ddim", 1, beta), 8).real_axis ==
          doctest::Approx(-2 * (2 - beta) / beta).epsilon(1e-9));
  }
  CHECK_THROWS_AS((void)momentum_method("euler", 1, 1), core::Error);
}

TEST_CASE("higher orders come closer to a mixture") {
  const Mixture mix =
      parse_mixture(R"({"weights":[1,3],"means":[[-1,0],[2,1]],"sds":[0.5,0.7]})", "mix");
  CHECK(mix.weights[1] == 0.75);
  const auto first = run_diffusion(mix, "ddim", 1, 1, {10, 40}, 2000, 3, 1);
  const auto third = run_diffusion(mix, "ab3", 1, 1, {40}, 2000, 3, 2);
  CHECK(first[1].w2 < first[0].w2);
  CHECK(third[0].w2 <= first[1].w2 + 1e-3);
  CHECK(third[0].w2 < 0.2);  // what 2000 draws leave
  const auto again = run_diffusion(mix, "ab3", 1, 1, {40}, 2000, 3, 1);
  CHECK(again[0].w2 == third[0].w2);
  for (const char* bad : {"[]", "{}", R"({"weights":[1],"means":[[1],[2]],"sds":[1]})",
                          R"({"weights":[0],"means":[1],"sds":[1]})"}) {
    CHECK_THROWS_AS((void)parse_mixture(bad, "mix"), core::Error);
  }
}

TEST_CASE("resampling keeps the number and the mean counts") {
  const std::vector<double> weights = {0.5, 0.2, 0.05, 0.25, 0};
  for (const Resampling kind : {Resampling::kMultinomial, Resampling::kStratified,
                                Resampling::kSystematic, Resampling::kResidual}) {
    std::vector<double> mean(weights.size());
    constexpr int kRuns = 20000;
    InferenceRng rng(5, static_cast<std::uint64_t>(kind));
    for (int r = 0; r < kRuns; ++r) {
      const auto counts = resample(kind, weights, rng);
      CHECK(std::accumulate(counts.begin(), counts.end(), 0u) == weights.size());
      CHECK(counts[4] == 0);
      for (std::size_t i = 0; i < weights.size(); ++i) mean[i] += counts[i];
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      CHECK(std::abs(mean[i] / kRuns - 5 * weights[i]) < 5 * std::sqrt(1.3 / kRuns));
    }
  }
}

namespace {
const char* const kChain =
    R"({"init":[0.6,0.4],"trans":[[0.7,0.3],[0.4,0.6]],"emit":[[0.1,0.4,0.5],[0.6,0.3,0.1]],
        "obs":[0,1,2,2,0]})";
const char* const kGauss = R"({"gauss":{"a":0.9,"q":0.5,"r":1,"x0_var":2},"obs":[1,0.5,-1,2]})";
}  // namespace

TEST_CASE("exact answers of the chains by enumeration") {
  const auto model = parse_chain(kChain, "chain");
  const double init[] = {0.6, 0.4}, trans[2][2] = {{0.7, 0.3}, {0.4, 0.6}},
               emit[2][3] = {{0.1, 0.4, 0.5}, {0.6, 0.3, 0.1}};
  const int obs[] = {0, 1, 2, 2, 0};
  double evidence = 0, sums[5] = {};
  for (int path = 0; path < 32; ++path) {
    double p = 1;
    for (int t = 0; t < 5; ++t) {
      const int x = path >> t & 1;
      p *= (t == 0 ? init[x] : trans[path >> (t - 1) & 1][x]) * emit[x][obs[t]];
    }
    evidence += p;
    for (int t = 0; t < 5; ++t) sums[t] += p * (path >> t & 1);
  }
  const auto exact = model->exact();
  CHECK(exact.log_evidence == doctest::Approx(std::log(evidence)).epsilon(1e-13));
  for (int t = 0; t < 5; ++t) {
    CHECK(exact.means[static_cast<std::size_t>(t)] ==
          doctest::Approx(sums[t] / evidence).epsilon(1e-13));
  }
  // One observation: y ~ N(0, 3), posterior mean 2/3 y.
  const auto one = parse_chain(R"({"gauss":{"a":1,"q":1,"r":1,"x0_var":2},"obs":[1.5]})", "g");
  CHECK(one->exact().log_evidence ==
        doctest::Approx(-0.5 * (2.25 / 3 + std::log(6 * std::acos(-1.0)))));
  CHECK(one->exact().means[0] == doctest::Approx(1.0));
}

TEST_CASE("every composition of blocks keeps evidence and posterior") {
  for (const char* json : {kChain, kGauss}) {
    const auto model = parse_chain(json, "chain");
    for (const char* blocks :
         {"extend", "extend;resample:multinomial", "extend;resample:stratified;mh:2",
          "extend;resample:systematic;mh:3", "extend;resample:residual", "extend;mh:1"}) {
      CAPTURE(blocks);
      const auto result = run_inference(*model, parse_blocks(blocks), 50, 2000, 3, 1);
      CHECK(result.agrees(5));
      CHECK(result.evidence.error > 0);
    }
    const auto a = run_inference(*model, parse_blocks("extend;mh:1"), 20, 50, 3, 1);
    const auto b = run_inference(*model, parse_blocks("extend;mh:1"), 20, 50, 3, 2);
    CHECK(a.evidence.mean == b.evidence.mean);
    auto wrong = a;
    wrong.evidence.exact *= 1.5;
    CHECK(!wrong.agrees(5));
  }
  for (const char* bad : {"", "mh:1", "extend;extend", "extend;mh:0", "extend;resample:best"}) {
    CHECK_THROWS_AS((void)parse_blocks(bad), core::Error);
  }
  for (const char* bad : {"{}", R"({"init":[1],"trans":[[1]],"emit":[[1]],"obs":[1]})",
                          R"({"init":[0.5],"trans":[[1]],"emit":[[1]],"obs":[0]})",
                          R"({"gauss":{"a":1,"q":0,"r":1,"x0_var":1},"obs":[0]})"}) {
    CHECK_THROWS_AS((void)parse_chain(bad, "chain"), core::Error);
  }
}

}  // namespace stateutils::qmc
