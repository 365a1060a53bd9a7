#include "sbus/likely_order.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>

#include "sbus/flat_map.hpp"
#include "sbus/forced_order.hpp"

namespace stateutils::sbus {
namespace {

using ByRank = std::pair<std::uint32_t, std::uint32_t>;  // rank, node

// Nodes so that all edges lead forward, of those that may come next the lowest rank first; fewer
// than all when there is a cycle.
std::vector<std::uint32_t> topological(const DepGraph& graph,
                                       const std::vector<std::uint32_t>& rank) {
  std::vector<std::uint32_t> before(graph.nodes(), 0), out;
  for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
    for (const Dep& dep : graph.out(node)) ++before[dep.to];
  }
  std::priority_queue<ByRank, std::vector<ByRank>, std::greater<>> ready;
  for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
    if (before[node] == 0) ready.emplace(rank[node], node);
  }
  while (!ready.empty()) {
    out.push_back(ready.top().second);
    ready.pop();
    for (const Dep& dep : graph.out(out.back())) {
      if (--before[dep.to] == 0) ready.emplace(rank[dep.to], dep.to);
    }
  }
  return out;
}

// Twice the middle between the longest path that leads to a node and the one that leads on from
// it, counted from the ends of `order`: it grows along every edge.
std::vector<std::uint32_t> middles(const DepGraph& graph, const std::vector<std::uint32_t>& order) {
  std::vector<std::uint32_t> early(graph.nodes(), 0), left(graph.nodes(), 0);
  std::uint32_t longest = 0;
  for (const std::uint32_t node : order) {
    longest = std::max(longest, early[node]);
    for (const Dep& dep : graph.out(node)) early[dep.to] = std::max(early[dep.to], early[node] + 1);
  }
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    for (const Dep& dep : graph.out(*node)) left[*node] = std::max(left[*node], left[dep.to] + 1);
    early[*node] += longest - left[*node];
  }
  return early;
}

class Guess {
 public:
  Guess(const TxnFacts& facts, std::size_t nodes)
      : f_(facts), nodes_(nodes), first_read_(facts.committed.size() + 1, 0) {
    for (const ExternalRead& read : f_.reads) ++first_read_[read.txn + 1];
    for (std::size_t t = 1; t < first_read_.size(); ++t) first_read_[t] += first_read_[t - 1];
    writes_.resize(facts.committed.size());
    for (std::uint32_t key = 0; key < f_.writers.size(); ++key) {
      for (const std::uint32_t t : f_.writers[key]) writes_[t].push_back(key);
    }
  }

  bool run(std::vector<Dep> deps, std::uint64_t& steps) {
    std::size_t batch = 0;
    while (steps > 0) {
      const DepGraph graph(nodes_, deps);
      const auto order = topological(graph, std::vector<std::uint32_t>(nodes_, 0));
      if (order.size() != nodes_) return false;
      const auto middle = middles(graph, order);
      if (is_serial(topological(graph, middle))) return true;
      std::vector<Dep> open = clearest_first(middle);
      if (open.empty()) return false;
      batch = batch == 0 ? open.size() / 4 + 1 : std::min(4 * batch, open.size());
      while (!decide({open.data(), batch}, deps, steps)) {
        if (steps == 0) return false;
        if (batch == 1) {  // the other way round, then
          std::swap(open[0].from, open[0].to);
          if (!decide({open.data(), 1}, deps, steps)) return false;
          break;
        }
        batch = (batch + 3) / 4;
      }
    }
    return false;
  }

 private:
  // Whether every read sees the last write before it.
  [[nodiscard]] bool is_serial(const std::vector<std::uint32_t>& order) const {
    std::vector<std::uint32_t> last(f_.writers.size(), TxnFacts::kInit);
    for (const std::uint32_t t : order) {
      if (t >= f_.committed.size() || !f_.committed[t]) continue;
      for (std::size_t r = first_read_[t]; r < first_read_[t + 1]; ++r) {
        if (last[f_.reads[r].key] != f_.reads[r].writer) return false;
      }
      for (const std::uint32_t key : writes_[t]) last[key] = t;
    }
    return true;
  }
  // Neighbours among the writers of a key that have not been decided, those farthest apart first.
  [[nodiscard]] std::vector<Dep> clearest_first(const std::vector<std::uint32_t>& middle) const {
    std::vector<Dep> out;
    for (std::uint32_t key = 0; key < f_.writers.size(); ++key) {
      std::vector<std::uint32_t> writers = f_.writers[key];
      std::sort(writers.begin(), writers.end(), [&](std::uint32_t x, std::uint32_t y) {
        return std::pair(middle[x], x) < std::pair(middle[y], y);
      });
      for (std::size_t i = 1; i < writers.size(); ++i) {
        const Dep dep{writers[i - 1], writers[i], DepKind::kWw, key};
        if (decided_.find(pair_of(dep)) == nullptr) out.push_back(dep);
      }
    }
    const auto what = [&](const Dep& dep) {
      return std::tuple(middle[dep.from] - middle[dep.to], dep.from, dep.to, dep.key);
    };
    std::sort(out.begin(), out.end(),
              [&](const Dep& x, const Dep& y) { return what(x) < what(y); });
    return out;
  }
  // Adds the orders and what they force to `deps`, unless they contradict each other.
  bool decide(std::span<const Dep> orders, std::vector<Dep>& deps, std::uint64_t& steps) {
    std::vector<Dep> more = deps, forced;
    more.insert(more.end(), orders.begin(), orders.end());
    if (forces_contradiction(f_, {}, nodes_, more, steps, forced)) return false;
    more.insert(more.end(), forced.begin(), forced.end());
    deps = std::move(more);
    for (const Dep& dep : orders) decided_.insert(pair_of(dep), 1);
    return true;
  }
  [[nodiscard]] static std::uint64_t pair_of(const Dep& dep) {
    return std::uint64_t{dep.from} << 32 | dep.to;
  }

  const TxnFacts& f_;
  std::size_t nodes_;
  std::vector<std::size_t> first_read_;             // by txn
  std::vector<std::vector<std::uint32_t>> writes_;  // keys by txn
  FlatMap<char> decided_;                           // pairs of writers
};

}  // namespace

bool has_likely_order(const TxnFacts& facts, std::size_t nodes, std::vector<Dep> deps,
                      std::uint64_t& steps) {
  return Guess(facts, nodes).run(std::move(deps), steps);
}

}  // namespace stateutils::sbus
