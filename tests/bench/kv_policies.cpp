// Flat policies after load, for the comparison of tests/bench/kv.sh:
//   kv_policies TRACE POLICY CAPACITY ROUNDS  prints hits and CPU seconds a round
//   kv_policies TRACE --oracle                writes the references as oracleGeneral records
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "core/input.hpp"
#include "kv/flat_cache.hpp"
#include "kv/readers.hpp"

using namespace stateutils;

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void write_oracle(const kv::Trace& trace) {
  const std::vector<std::uint32_t> next = kv::next_positions(trace);
  std::uint32_t at = 0;
  kv::for_each_reference(trace, [&](std::uint32_t block) {
    char record[24];
    const std::uint64_t id = std::uint64_t{block} + 1;
    const std::uint32_t size = 1;
    const std::int64_t later = next[at] == kv::kNone ? -1 : std::int64_t{next[at]};
    std::memcpy(record, &at, 4);
    std::memcpy(record + 4, &id, 8);
    std::memcpy(record + 12, &size, 4);
    std::memcpy(record + 16, &later, 8);
    std::fwrite(record, 1, sizeof record, stdout);
    ++at;
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5) return 2;
  const auto source = core::open_input(argv[1]);
  const kv::Trace trace = kv::read_trace(*source, {});
  if (argc == 3) {
    write_oracle(trace);
    return 0;
  }
  const int rounds = std::atoi(argv[4]);
  const auto capacity = static_cast<std::uint64_t>(std::atoll(argv[3]));
  const double start = cpu_seconds();
  std::uint64_t hits = 0;
  for (int round = 0; round < rounds; ++round) {
    hits = kv::flat_cache(trace, argv[2], capacity).hits;
  }
  const double seconds = (cpu_seconds() - start) / rounds;
  std::printf("%llu %.9f\n", static_cast<unsigned long long>(hits), seconds);
  return 0;
}
