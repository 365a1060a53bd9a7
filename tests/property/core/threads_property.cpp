// Results do not depend on the thread count.
#include <doctest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

#include "core/rng.hpp"
#include "core/threads.hpp"

using namespace stateutils::core;

TEST_CASE("blocked sums have the same bits for 1, 2 and 7 threads") {
  Rng rng(1, 0);
  for (const std::size_t n : {0ul, 1ul, 4095ul, 4096ul, 4097ul, 100000ul}) {
    std::vector<double> values(n);
    for (double& value : values) value = rng.unit() - 0.5;
    const auto sum = [&](std::uint64_t first, std::uint64_t last) {
      return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(first),
                             values.begin() + static_cast<std::ptrdiff_t>(last), 0.0);
    };
    const double one = blocked_sum(n, 1, sum);
    CHECK(one == blocked_sum(n, 2, sum));
    CHECK(one == blocked_sum(n, 7, sum));
  }
}

TEST_CASE("every index runs once; the failure reported is the first by index") {
  for (const int threads : {1, 2, 7}) {
    std::vector<int> runs(1000, 0);
    parallel_for(runs.size(), threads, [&](std::uint64_t i) { ++runs[i]; });
    CHECK(runs == std::vector<int>(1000, 1));
    try {
      parallel_for(1000, threads, [](std::uint64_t i) {
        if (i >= 10) throw std::runtime_error(std::to_string(i));
      });
      FAIL("no exception");
    } catch (const std::runtime_error& error) {
      CHECK(std::string(error.what()) == "10");
    }
  }
}
