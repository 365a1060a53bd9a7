#include "bench/learn/merge_graph.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxSymbols = 1'000'000'000;

}  // namespace

// Level by level: the strings of one state stand side by side and are parted by their next symbol,
// so that states and transitions come out in shortlex order without a search.
MergeGraph::MergeGraph(const Strings& sample) {
  build(sample);
}

void MergeGraph::build(const Strings& sample) {
  struct Group {
    std::uint32_t begin, end;
  };
  // Visits and ids are 32 bits wide; a learner in memory would not get that far.
  if (sample.symbols.size() > kMaxSymbols) {
    throw core::environment_error("a sample of more than 10^9 symbols does not fit; use stream");
  }
  std::vector<std::uint32_t> order(sample.size()), next_order;
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::vector<Group> level{{0, static_cast<std::uint32_t>(order.size())}}, next_level;
  std::vector<std::uint32_t> counts(sample.alphabet, 0);
  std::vector<std::uint32_t> met;
  states_.emplace_back();
  StateId id = 0;
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    next_level.clear();
    next_order.clear();
    for (const Group& group : level) {
      MergeState& state = states_[id];
      state.visits = group.end - group.begin;
      met.clear();
      for (std::uint32_t i = group.begin; i < group.end; ++i) {
        const std::uint32_t s = order[i];
        if (sample.begin[s + 1] - sample.begin[s] > depth) {
          const Symbol symbol = sample.symbols[sample.begin[s] + depth];
          if (counts[symbol]++ == 0) met.push_back(symbol);
          continue;
        }
        ++state.stops;
        if (sample.labels.empty() || sample.labels[s] < 0) continue;
        ++(sample.labels[s] == 1 ? state.accepted : state.rejected);
      }
      std::sort(met.begin(), met.end());
      if (!met.empty()) state.first = static_cast<EdgeId>(edges_.size());
      auto at = static_cast<std::uint32_t>(next_order.size());
      for (std::size_t k = 0; k < met.size(); ++k) {
        const auto target = static_cast<StateId>(states_.size() + k);
        const EdgeId following =
            k + 1 < met.size() ? static_cast<EdgeId>(edges_.size() + 1) : kNoState;
        edges_.push_back({met[k], target, counts[met[k]], following});
        next_level.push_back({at, at + counts[met[k]]});
        const std::uint32_t count = counts[met[k]];
        counts[met[k]] = at;  // from here on: where its next string goes
        at += count;
      }
      next_order.resize(at);
      for (std::uint32_t i = group.begin; i < group.end; ++i) {
        const std::uint32_t s = order[i];
        if (sample.begin[s + 1] - sample.begin[s] <= depth) continue;
        next_order[counts[sample.symbols[sample.begin[s] + depth]]++] = s;
      }
      for (const std::uint32_t symbol : met) counts[symbol] = 0;
      states_.resize(states_.size() + met.size());
      ++id;
    }
    level.swap(next_level);
    order.swap(next_order);
  }
}

void MergeGraph::undo(std::size_t mark) {
  while (log_.size() > mark) {
    *log_.back().place = log_.back().old;
    log_.pop_back();
  }
}

}  // namespace stateutils::bench
