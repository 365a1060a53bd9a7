// The measurements behind `bench`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace stateutils::tools {

// Where a row's results go decides the limit it is held against.
enum class Dest { kMemory, kBuffer, kPipe };

struct BenchRow {
  std::string what, randomize;
  unsigned d = 0;
  std::uint64_t n = 0;  // points or items of one run
  Dest dest = Dest::kBuffer;
  int threads = 1;
  std::uint64_t bytes = 0;   // written by one run; 0: no bandwidth to speak of
  std::uint64_t coords = 0;  // coordinates or items; 0: none
  std::function<void()> run;
  double seconds = 0;  // the best run
};

struct BenchLimits {
  double store_gbs = 0, store_all_gbs = 0, copy_gbs = 0, pipe_gbs = 0;
};

// Processor time of this thread, and elapsed time, in seconds.
[[nodiscard]] double thread_seconds();
[[nodiscard]] double wall_seconds();

[[nodiscard]] std::vector<BenchRow> point_rows(int threads, bool quick);

// Runs everything in alternating rounds and keeps the best of each.
void measure(std::vector<BenchRow>& rows, BenchLimits& limits, int threads, bool quick);

}  // namespace stateutils::tools
