#include "bench/score/stats.hpp"

#include <doctest.h>

using namespace stateutils::bench;

TEST_CASE("pass@k and pass^k by hand") {
  CHECK(pass_at_k(4, 2, 1) == doctest::Approx(0.5));
  CHECK(pass_at_k(4, 2, 2) == doctest::Approx(1 - 1.0 / 6));
  CHECK(pass_hat_k(4, 2, 2) == doctest::Approx(1.0 / 6));
  CHECK(pass_at_k(8, 0, 8) == 0);
  CHECK(pass_at_k(8, 1, 8) == 1);
  CHECK(pass_hat_k(8, 8, 8) == 1);
}

TEST_CASE("intervals and the exact test against published values") {
  // Wilson and Clopper-Pearson for 8 of 10 (Brown, Cai, DasGupta 2001).
  CHECK(wilson(8, 10).lo == doctest::Approx(0.490162).epsilon(1e-5));
  CHECK(wilson(8, 10).hi == doctest::Approx(0.943318).epsilon(1e-5));
  CHECK(clopper_pearson(8, 10).lo == doctest::Approx(0.443905).epsilon(1e-5));
  CHECK(clopper_pearson(8, 10).hi == doctest::Approx(0.974789).epsilon(1e-5));
  CHECK(clopper_pearson(0, 10).lo == 0);
  CHECK(clopper_pearson(0, 10).hi == doctest::Approx(0.308498).epsilon(1e-5));
  CHECK(mcnemar(5, 0) == doctest::Approx(0.0625));
  CHECK(mcnemar(3, 3) == 1);
  CHECK(mcnemar(0, 0) == 1);
}

TEST_CASE("limits of factorised decoding") {
  CHECK(shuffle_limit(4, 4).kl == doctest::Approx(0));
  CHECK(shuffle_limit(3, 1).accuracy == doctest::Approx(6.0 / 27));
  CHECK(random_replace_limit(4).accuracy == doctest::Approx(27.0 / 64));
}
