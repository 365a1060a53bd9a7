// What a cache line costs on this machine: nanoseconds of CPU time for one load from a large table
// at random, when each waits for the one before, and when they are independent. statesmix_latency
// [MEBIBYTES].
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <utility>
#include <vector>

namespace {

struct alignas(64) Line {
  std::uint64_t next;
};

std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 31;
  x *= 0x9E3779B97F4A7C15u;
  return x ^ (x >> 29);
}

template <class F>
double nanoseconds(std::uint64_t loads, F work) {
  const std::clock_t start = std::clock();
  work();
  const std::clock_t spent = std::clock() - start;
  return 1e9 / CLOCKS_PER_SEC * static_cast<double>(spent) / static_cast<double>(loads);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t mebibytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 256;
  if (mebibytes == 0 || mebibytes > 65536) return 2;
  const std::uint64_t n = mebibytes << 14;
  std::vector<Line> lines(n);
  // One cycle through all lines (Sattolo's shuffle).
  for (std::uint64_t i = 0; i < n; ++i) lines[i].next = i;
  for (std::uint64_t i = n - 1; i > 0; --i) std::swap(lines[i].next, lines[mixed(i) % i].next);
  const std::uint64_t loads = 1u << 22;
  std::uint64_t at = 0, sum = 0;
  const double dependent = nanoseconds(loads, [&] {
    for (std::uint64_t i = 0; i < loads; ++i) at = lines[at].next;
  });
  const double independent = nanoseconds(loads, [&] {
    for (std::uint64_t i = 0; i < loads; ++i) sum += lines[((mixed(i + at) >> 32) * n) >> 32].next;
  });
  // The sums are printed so that no load can be left out.
  std::printf("{\"mebibytes\":%llu,\"dependent_ns\":%.2f,\"independent_ns\":%.2f,\"check\":%llu}\n",
              static_cast<unsigned long long>(mebibytes), dependent, independent,
              static_cast<unsigned long long>((at + sum) % 1000));
  return 0;
}
