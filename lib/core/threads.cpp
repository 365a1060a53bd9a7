#include "core/threads.hpp"

#include <omp.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <limits>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "core/units.hpp"

namespace stateutils::core {
namespace {

// cgroup v2: "max 100000" or "200000 100000"; v1 keeps quota and period in two files.
double cgroup_cpus() {
  std::string quota, period;
  if (std::ifstream file("/sys/fs/cgroup/cpu.max"); file >> quota >> period) {
    // read below
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  const auto share = parse_double(quota), whole = parse_double(period);
  if (!share || !whole || *share <= 0 || *whole <= 0) return std::numeric_limits<double>::max();
  return *share / *whole;
}

}  // namespace

int available_threads() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int cpus = 1;
  if (::sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = CPU_COUNT(&mask);
  const double quota = std::ceil(cgroup_cpus());
  if (quota < cpus) cpus = static_cast<int>(quota);
  return std::max(cpus, 1);
}

int startable_threads(int wanted) {
  rlimit limit{};
  if (wanted <= 1 || ::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return wanted;
  }
  std::atomic<bool> done{false};
  std::vector<std::thread> tried;
  bool all = true;
  try {
    tried.reserve(static_cast<std::size_t>(wanted));
    // One more than the team needs, so that its start leaves room for the work.
    for (int i = 0; i < wanted; ++i) tried.emplace_back([&done] { done.wait(false); });
  } catch (const std::system_error&) {
    all = false;
  } catch (const std::bad_alloc&) {
    all = false;
  }
  done = true;
  done.notify_all();
  for (std::thread& thread : tried) thread.join();
  if (!all) return 1;
#pragma omp parallel num_threads(wanted)
  {}
  return wanted;
}

void parallel_for(std::uint64_t n, int threads, const std::function<void(std::uint64_t)>& body) {
  if (threads <= 1 || n <= 1) {
    for (std::uint64_t i = 0; i < n; ++i) body(i);
    return;
  }
  std::atomic<std::uint64_t> first_failed{n};
  std::exception_ptr failure;
  const auto team =
      static_cast<int>(std::min<std::uint64_t>(n, static_cast<std::uint64_t>(threads)));
#pragma omp parallel for schedule(dynamic) num_threads(team)
  for (std::uint64_t i = 0; i < n; ++i) {
    if (i > first_failed.load(std::memory_order_relaxed)) continue;
    try {
      body(i);
    } catch (...) {
#pragma omp critical(stateutils_parallel_for)
      if (i < first_failed.load(std::memory_order_relaxed)) {
        first_failed.store(i, std::memory_order_relaxed);
        failure = std::current_exception();
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

double pairwise_sum(std::span<const double> values) {
  if (values.size() <= 8) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
  const std::size_t half = values.size() / 2;
  return pairwise_sum(values.first(half)) + pairwise_sum(values.subspan(half));
}

double blocked_sum(std::uint64_t n, int threads,
                   const std::function<double(std::uint64_t, std::uint64_t)>& block_sum) {
  constexpr std::uint64_t kBlock = 4096;
  std::vector<double> sums((n + kBlock - 1) / kBlock);
  parallel_for(sums.size(), threads, [&](std::uint64_t block) {
    sums[block] = block_sum(block * kBlock, std::min(n, (block + 1) * kBlock));
  });
  return pairwise_sum(sums);
}

}  // namespace stateutils::core
