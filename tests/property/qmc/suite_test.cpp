// A few seeds of the suite of cubature; a thousand are run by tests/bench/qmc_suite.
#include "suite.hpp"

#include <doctest.h>

namespace stateutils::qmc {

TEST_CASE("the suite within tolerance, f and -f opposite, sizes no larger than the reference") {
  constexpr std::uint64_t kMostPoints = 1'000'000;  // of a run; longer ones are left to the bench
  for (const SuiteCase& c : suite_cases()) {
    if (c.name == kUnbounded) continue;
    for (SuiteCase::Size size : c.reference) {
      if (size.n > kMostPoints) continue;
      // Medians of a thousand seeds that lie between two powers of two.
      if (size.algorithm == "bayes-net" || size.algorithm == "clt-rep") size.n = 0;
      const std::uint64_t seeds = size.algorithm.starts_with("mc-") ? 1 : 5;
      std::vector<SuiteRun> runs;
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        runs.push_back(run_suite(c, size.algorithm, seed));
      }
      CAPTURE(c.name);
      CAPTURE(size.algorithm);
      CHECK(judge_suite(c, size, runs).holds);
    }
  }
}

}  // namespace stateutils::qmc
