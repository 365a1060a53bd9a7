// What this machine can do, and how close the library comes to it: both sides of each ratio are
// measured alternately in one process, on bytes that no file system can shrink.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace stateutils::ckpt::bench {

struct BenchOptions {
  std::string folder;  // for scratch files, which are gone afterwards
  std::uint64_t bytes = 256u << 20;
  int rounds = 3;  // kept; one more is run first
  int threads = 1;
  bool sync = true;
};

// `ratio` is ours / limit in seconds (medians over the rounds), except where `higher_is_better`.
struct Measured {
  std::string what{}, limit{};
  double ours_s = 0, limit_s = 0, ratio = 0, target = 0;
  bool higher_is_better = false;  // ratio is limit / ours: how many times faster
  [[nodiscard]] bool met() const { return higher_is_better ? ratio >= target : ratio <= target; }
};

// Runs all measurements; `each` gets them one by one.
void run_bench(const BenchOptions& options, const std::function<void(const Measured&)>& each);

}  // namespace stateutils::ckpt::bench
