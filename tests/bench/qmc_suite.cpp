// suite SEEDS [CASE [ALGORITHM]]: misses and median sizes of every case and algorithm, a JSON line
// each; exit 1 when one does not hold. Independent sampling, which is slow, takes a fiftieth of the
// seeds.
#include <cstdio>
#include <cstdlib>

#include "../property/qmc/suite.hpp"
#include "core/threads.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  const std::uint64_t all = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10;
  const std::string only_case = argc > 2 ? argv[2] : "", only_algorithm = argc > 3 ? argv[3] : "";
  bool holds = true;
  for (const qmc::SuiteCase& c : qmc::suite_cases()) {
    if (!only_case.empty() && c.name != only_case) continue;
    for (const auto& size : c.reference) {
      if (!only_algorithm.empty() && size.algorithm != only_algorithm) continue;
      const bool slow = size.algorithm.starts_with("mc-");
      const std::uint64_t seeds = std::max<std::uint64_t>(1, slow ? all / 50 : all);
      std::vector<qmc::SuiteRun> runs(seeds);
      core::parallel_for(seeds, core::available_threads(), [&](std::uint64_t seed) {
        runs[seed] = qmc::run_suite(c, size.algorithm, seed);
      });
      const qmc::SuiteVerdict verdict = qmc::judge_suite(c, size, runs);
      holds = holds && verdict.holds;
      std::printf(
          "{\"case\":\"%s\",\"algo\":\"%s\",\"seeds\":%llu,\"misses\":%llu,"
          "\"wrong_signs\":%llu,\"median_n\":%llu,\"reference_n\":%llu,\"holds\":%s}\n",
          c.name.c_str(), size.algorithm.c_str(), static_cast<unsigned long long>(seeds),
          static_cast<unsigned long long>(verdict.misses),
          static_cast<unsigned long long>(verdict.wrong_signs),
          static_cast<unsigned long long>(verdict.median_n),
          static_cast<unsigned long long>(size.n), verdict.holds ? "true" : "false");
      std::fflush(stdout);
    }
  }
  return holds ? 0 : 1;
}
