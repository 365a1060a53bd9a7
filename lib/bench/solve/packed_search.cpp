#include <algorithm>
#include <bit>
#include <utility>

#include "bench/solve/packed_goal.hpp"

namespace stateutils::bench {
namespace {

// The states met so far: open addressing over whole states, no deletion. A search meets each state
// many times and only asks whether it is new, so the table holds nothing else.
class SeenStates {
 public:
  SeenStates() : slots_(kFirst, kEmpty) {}

  [[nodiscard]] bool insert(std::uint64_t state) {
    if (state == kEmpty) return !std::exchange(has_empty_, true);
    if (2 * size_ >= slots_.size()) grow();
    std::size_t i = place(state);
    while (slots_[i] != kEmpty) {
      if (slots_[i] == state) return false;
      i = (i + 1) & (slots_.size() - 1);
    }
    slots_[i] = state;
    ++size_;
    return true;
  }
  void prefetch(std::uint64_t state) const { __builtin_prefetch(&slots_[place(state)]); }

 private:
  static constexpr std::size_t kFirst = 1u << 12;
  static constexpr std::uint64_t kEmpty = ~0ull;

  // Fibonacci hashing (Knuth, TAOCP 3, section 6.4): the high bits of a product.
  [[nodiscard]] std::size_t place(std::uint64_t state) const {
    state ^= state >> 32;
    return static_cast<std::size_t>((state * 0x9E3779B97F4A7C15ull) >> shift_);
  }

  void grow() {
    std::vector<std::uint64_t> old(slots_.size() * 4, kEmpty);
    old.swap(slots_);
    shift_ = 64 - static_cast<unsigned>(std::bit_width(slots_.size() - 1));
    for (const std::uint64_t state : old) {
      if (state == kEmpty) continue;
      std::size_t i = place(state);
      while (slots_[i] != kEmpty) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = state;
    }
  }

  std::vector<std::uint64_t> slots_;
  std::size_t size_ = 0;
  unsigned shift_ = 64 - 12;
  bool has_empty_ = false;
};

// Breadth-first order: level k is states_[level_[k]] up to states_[level_[k + 1]].
class PackedBfs {
 public:
  explicit PackedBfs(const PackedSystem& system) : system_(system) {
    (void)seen_.insert(system.initial());
    add(system.initial(), 0, 0);
  }

  void expand(std::uint32_t at) {
    // Two passes, so that the table's lines are on their way while the rest is computed.
    next_.clear();
    system_.expand(states_[at], [&](std::uint32_t action, std::uint64_t state) {
      seen_.prefetch(state);
      next_.push_back({state, action});
    });
    for (const Next& n : next_) {
      if (seen_.insert(n.state)) add(n.state, at, n.action);
    }
  }
  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] std::uint64_t state(std::uint32_t at) const { return states_[at]; }
  [[nodiscard]] std::vector<std::uint64_t>& states() { return states_; }

  // Actions that led to `at` first; in breadth-first order with ordered actions they are the first
  // of the shortest in lexicographic order.
  [[nodiscard]] std::vector<std::uint32_t> path(std::uint32_t at) const {
    std::vector<std::uint32_t> out;
    for (; at != 0; at = parents_[at].from) out.push_back(parents_[at].action);
    std::reverse(out.begin(), out.end());
    return out;
  }

 private:
  struct Parent {
    std::uint32_t from, action;
  };
  struct Next {
    std::uint64_t state;
    std::uint32_t action;
  };
  void add(std::uint64_t state, std::uint32_t from, std::uint32_t action) {
    states_.push_back(state);
    parents_.push_back({from, action});
  }

  const PackedSystem& system_;
  SeenStates seen_;
  std::vector<std::uint64_t> states_;
  std::vector<Parent> parents_;
  std::vector<Next> next_;
};

class PackedSearch {
 public:
  PackedSearch(const PackedSystem& system, const Judge& judge, Machine& machine,
               const SearchOptions& options)
      : system_(system),
        machine_(machine),
        options_(options),
        goal_(system, judge, machine.store()),
        bfs_(system) {}

  SearchResult run() {
    std::size_t level_end = 1;
    std::uint32_t at = 0;
    int depth = 0;
    for (; at < bfs_.size() && goals_.empty(); ++depth) {
      levels_.push_back(at);
      for (; at < level_end; ++at) {
        if (goal_.holds(bfs_.state(at))) {
          if (goals_.empty()) out_.states = bfs_.size();
          goals_.push_back(at);
          if (options_.all_shortest <= 1) return finish(depth);
        } else if (goals_.empty()) {
          if (bfs_.size() > options_.max_states) return stop(SearchEnd::kLimit);
          ++out_.expanded;
          bfs_.expand(at);
        }
      }
      level_end = bfs_.size();
    }
    if (goals_.empty()) return stop(SearchEnd::kUnsolvable);
    return finish(depth - 1);
  }

 private:
  SearchResult stop(SearchEnd end) {
    out_.end = end;
    out_.states = bfs_.size();
    return std::move(out_);
  }

  SearchResult finish(int depth) {
    out_.end = SearchEnd::kSolved;
    out_.steps = depth;
    if (options_.all_shortest <= 1) {
      take(bfs_.path(goals_.front()));
      return std::move(out_);
    }
    sort_states();
    useful_.assign(bfs_.size(), 0);
    for (const std::uint32_t g : goals_) useful_[g] = 1;
    levels_.resize(static_cast<std::size_t>(depth) + 1);
    for (std::uint32_t i = goals_.front(); i-- > 0;) mark(i);
    std::vector<std::uint32_t> path;
    collect(0, path, static_cast<std::size_t>(depth));
    return std::move(out_);
  }

  void take(const std::vector<std::uint32_t>& actions) {
    Plan plan;
    std::vector<Call> calls;
    for (const std::uint32_t a : actions) {
      calls.push_back(system_.actions()[a].call);
      plan.push_back(machine_.text(calls.back()));
    }
    out_.plans.push_back(std::move(plan));
    out_.calls.push_back(std::move(calls));
  }

  // Positions by state, for walking the shortest plans again.
  void sort_states() {
    order_.resize(bfs_.size());
    for (std::uint32_t i = 0; i < order_.size(); ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(),
              [&](std::uint32_t a, std::uint32_t b) { return bfs_.state(a) < bfs_.state(b); });
  }
  [[nodiscard]] std::uint32_t find(std::uint64_t state) const {
    const auto at =
        std::lower_bound(order_.begin(), order_.end(), state,
                         [&](std::uint32_t i, std::uint64_t s) { return bfs_.state(i) < s; });
    return at != order_.end() && bfs_.state(*at) == state ? *at : kNoNode;
  }
  [[nodiscard]] std::size_t level(std::uint32_t at) const {
    return static_cast<std::size_t>(std::upper_bound(levels_.begin(), levels_.end(), at) -
                                    levels_.begin()) -
           1;
  }

  template <class Use>
  void each_next(std::uint32_t at, const Use& use) const {
    const std::size_t here = level(at);
    system_.expand(bfs_.state(at), [&](std::uint32_t action, std::uint64_t state) {
      const std::uint32_t next = find(state);
      if (next != kNoNode && level(next) == here + 1) use(action, next);
    });
  }
  void mark(std::uint32_t at) {
    if (useful_[at] != 0) return;
    each_next(at, [&](std::uint32_t, std::uint32_t next) { useful_[at] |= useful_[next]; });
  }
  void collect(std::uint32_t at, std::vector<std::uint32_t>& path, std::size_t left) {
    if (out_.plans.size() >= options_.all_shortest) return;
    if (left == 0) return take(path);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ways;
    each_next(at, [&](std::uint32_t action, std::uint32_t next) {
      if (useful_[next] != 0) ways.emplace_back(action, next);
    });
    for (const auto& [action, next] : ways) {
      path.push_back(action);
      collect(next, path, left - 1);
      path.pop_back();
    }
  }

  static constexpr std::uint32_t kNoNode = 0xFFFFFFFFu;
  const PackedSystem& system_;
  Machine& machine_;
  const SearchOptions& options_;
  PackedGoal goal_;
  PackedBfs bfs_;
  SearchResult out_;
  std::vector<std::uint32_t> goals_, levels_, order_;
  std::vector<std::uint8_t> useful_;
};

}  // namespace

SearchResult search_packed(const PackedSystem& system, const Judge& judge, Machine& machine,
                           const SearchOptions& options) {
  const bool one_plan = options.all_shortest <= 1;
  if (one_plan && options.algorithm != Algorithm::kBfs) {
    if (auto found = search_guided(system, judge, machine, options)) return std::move(*found);
  }
  return PackedSearch(system, judge, machine, options).run();
}

Reached reach_all(const PackedSystem& system, std::uint64_t max_states) {
  Reached out;
  PackedBfs bfs(system);
  std::size_t level_end = 1;
  std::uint32_t at = 0;
  for (int depth = 0; at < bfs.size(); ++depth) {
    for (; at < level_end; ++at) {
      if (bfs.size() > max_states) {
        out.complete = false;
        out.depths.resize(bfs.size(), depth + 1);
        out.states = std::move(bfs.states());
        return out;
      }
      out.depths.push_back(depth);
      bfs.expand(at);
    }
    level_end = bfs.size();
  }
  out.states = std::move(bfs.states());
  return out;
}

}  // namespace stateutils::bench
