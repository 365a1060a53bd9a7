// Shortest plans by search over (world state, what is known).
#pragma once

#include <cstdint>
#include <vector>

#include "bench/judge/judge.hpp"
#include "bench/task/task.hpp"

namespace stateutils::bench {

enum class Algorithm { kBfs, kBibfs, kAstar };  // for worlds that are searched as bits

struct SearchOptions {
  Algorithm algorithm = Algorithm::kBfs;
  std::uint64_t max_states = 2'000'000;
  std::size_t all_shortest = 1;  // distinct optimal plans wanted
  bool prune = true;
  bool needs_evidence = true;  // shortcuts are solved as if no twin existed
};

enum class SearchEnd { kSolved, kUnsolvable, kLimit };

struct SearchResult {
  SearchEnd end = SearchEnd::kUnsolvable;
  std::vector<Plan> plans;               // optimal ones, the reference first
  std::vector<std::vector<Call>> calls;  // the same without "done"
  std::string answer;                    // of the reference; empty = none asked
  int steps = 0;
  std::uint64_t states = 0, expanded = 0;
};

[[nodiscard]] SearchResult solve(const Task& task, Machine& machine, const Judge& judge,
                                 const SearchOptions& options);

}  // namespace stateutils::bench
