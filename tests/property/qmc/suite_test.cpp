// Guarded cubature never misses, and its sign is that of the integrand; a thousand seeds are run by
// tests/bench/qmc_suite.
#include "suite.hpp"

#include <doctest.h>

#include <algorithm>

namespace stateutils::qmc {

TEST_CASE("the suite within tolerance, f and -f opposite, sizes no larger than the reference") {
  constexpr std::uint64_t kSeeds = 5;
  for (const SuiteCase& c : suite_cases()) {
    if (c.name == "box3-inverse") continue;  // outside the theory, and long
    for (const SuiteCase::Size& size : c.reference) {
      std::vector<std::uint64_t> n;
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const SuiteRun run = run_suite(c, size.algorithm, seed);
        CAPTURE(c.name);
        CAPTURE(static_cast<int>(size.algorithm));
        CAPTURE(seed);
        const bool guarded =
            size.algorithm == Algorithm::kNetG || size.algorithm == Algorithm::kLatticeG;
        if (guarded) CHECK(!run.missed);
        CHECK(run.opposite);
        n.push_back(size.algorithm == Algorithm::kCltRep ? run.n_total : run.n);
      }
      std::nth_element(n.begin(), n.begin() + kSeeds / 2, n.end());
      CAPTURE(c.name);
      CAPTURE(static_cast<int>(size.algorithm));
      // Of five seeds; the medians of the others lie between two powers of two.
      const bool steady =
          size.algorithm != Algorithm::kCltRep && size.algorithm != Algorithm::kBayesNet;
      if (size.n > 0 && steady) CHECK(n[kSeeds / 2] <= size.n);
    }
  }
}

}  // namespace stateutils::qmc
