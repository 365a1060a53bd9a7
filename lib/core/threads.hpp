// How many threads, and loops over them whose results do not depend on how many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace stateutils::core {

// The affinity mask and the cgroup CPU quota, whichever is less; at least 1.
[[nodiscard]] int available_threads();

// `wanted`, or 1 when a limit of the address space (ulimit -v) has no room for that many stacks.
// OpenMP's runtime ends the process when a thread does not start, so under such a limit the threads
// are tried here and the team is started before the work takes the room.
[[nodiscard]] int startable_threads(int wanted);

// Calls body(i) for i in [0, n) on up to `threads` threads; small n stays on this one. The first
// exception (by index) is rethrown here after all threads have stopped.
void parallel_for(std::uint64_t n, int threads, const std::function<void(std::uint64_t)>& body);

// The sum of n values with one fixed shape whatever the thread count: blocks of 4096 added in
// order, block sums added by a binary tree. block_sum(first, last) adds its own range in order.
[[nodiscard]] double blocked_sum(
    std::uint64_t n, int threads,
    const std::function<double(std::uint64_t, std::uint64_t)>& block_sum);
[[nodiscard]] double pairwise_sum(std::span<const double> values);

}  // namespace stateutils::core
