// suite SEEDS [CASE]: misses and median sizes of every case and algorithm, a JSON line each.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "../property/qmc/suite.hpp"
#include "core/threads.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  const std::uint64_t seeds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10;
  const std::string only = argc > 2 ? argv[2] : "";
  static constexpr const char* kNames[] = {"net-g",         "lattice-g", "bayes-net",
                                           "bayes-lattice", "rep-t",     "clt-rep"};
  for (const qmc::SuiteCase& c : qmc::suite_cases()) {
    if (!only.empty() && c.name != only) continue;
    for (const auto& size : c.reference) {
      std::vector<qmc::SuiteRun> runs(seeds);
      core::parallel_for(seeds, core::available_threads(), [&](std::uint64_t seed) {
        runs[seed] = qmc::run_suite(c, size.algorithm, seed);
      });
      const bool total = size.algorithm == qmc::Algorithm::kCltRep;
      std::vector<std::uint64_t> n;
      std::uint64_t misses = 0, signs = 0;
      for (const qmc::SuiteRun& run : runs) {
        misses += run.missed ? 1 : 0;
        signs += run.opposite ? 0 : 1;
        n.push_back(total ? run.n_total : run.n);
      }
      const auto middle = n.begin() + static_cast<std::ptrdiff_t>(seeds / 2);
      std::nth_element(n.begin(), middle, n.end());
      std::printf(
          "{\"case\":\"%s\",\"algo\":\"%s\",\"seeds\":%llu,\"misses\":%llu,"
          "\"wrong_signs\":%llu,\"median_n\":%llu,\"reference_n\":%llu}\n",
          c.name.c_str(), kNames[static_cast<int>(size.algorithm)],
          static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(misses),
          static_cast<unsigned long long>(signs), static_cast<unsigned long long>(*middle),
          static_cast<unsigned long long>(size.n));
      std::fflush(stdout);
    }
  }
  return 0;
}
