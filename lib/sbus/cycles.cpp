#include "sbus/cycles.hpp"

#include <algorithm>
#include <map>

namespace stateutils::sbus {
namespace {

constexpr unsigned bit(DepKind kind) {
  return 1u << static_cast<unsigned>(kind);
}
constexpr unsigned kWwWr = bit(DepKind::kWw) | bit(DepKind::kWr);
constexpr unsigned kOrder = bit(DepKind::kSession) | bit(DepKind::kRealTime);

struct Class {
  const char* name;
  DepKind starts_with;  // every cycle of the class can be turned to begin with such an edge
  unsigned path;        // kinds of the edges that lead back
  bool no_adjacent;     // no two rw in a row
};
constexpr Class kClasses[] = {
    {"G0", DepKind::kWw, bit(DepKind::kWw), false},
    {"G1c", DepKind::kWr, kWwWr, false},
    {"G-single", DepKind::kRw, kWwWr, false},
    {"G-nonadjacent", DepKind::kRw, kWwWr | bit(DepKind::kRw), true},
    {"G2-item", DepKind::kRw, kWwWr | bit(DepKind::kRw), false},
};

class Finder {
 public:
  Finder(const DepGraph& graph, std::size_t events, bool adjacent, std::uint64_t steps)
      : graph_(graph),
        events_(events),
        adjacent_(adjacent),
        steps_(steps),
        from_(graph.nodes() * 2),
        mark_(graph.nodes() * 2) {}

  CycleSearch run() {
    // Without sessions and time first, then with more of them: the plainest class that there is.
    for (const unsigned order : {0u, bit(DepKind::kSession), kOrder}) {
      for (const Class& wanted : kClasses) {
        if (adjacent_ || &wanted != std::end(kClasses) - 1) look_for(wanted, order);
      }
      if (!out_.cycles.empty()) break;
    }
    return std::move(out_);
  }

 private:
  void look_for(const Class& wanted, unsigned order) {
    const unsigned kinds = wanted.path | order | bit(wanted.starts_with);
    std::vector<std::uint32_t> sizes;
    const auto component = graph_.components(kinds, sizes);
    std::map<std::uint32_t, std::vector<Dep>> best;  // by component
    for (std::uint32_t v = 0; v < graph_.nodes(); ++v) {
      if (sizes[component[v]] < 2) continue;
      for (const Dep& dep : graph_.out(v)) {
        if (dep.kind != wanted.starts_with || component[dep.to] != component[v]) continue;
        auto& known = best[component[v]];
        if (known.size() == 2) continue;  // there is none shorter
        if (steps_ == 0) {
          out_.timeout = true;
          continue;
        }
        std::vector<Dep> cycle = close(dep, wanted, order, component, known.size());
        if (!cycle.empty() && fits(cycle, wanted) &&
            (known.empty() || cycle.size() < known.size())) {
          known = std::move(cycle);
        }
      }
    }
    for (auto& [unused, cycle] : best) {
      if (!cycle.empty()) out_.cycles.push_back({wanted.name + suffix(cycle), plain(cycle)});
    }
  }
  // G-nonadjacent and G2 need a second rw, else the cycle is of a class before.
  static bool fits(const std::vector<Dep>& cycle, const Class& wanted) {
    const auto count = std::count_if(cycle.begin(), cycle.end(),
                                     [](const Dep& dep) { return dep.kind == DepKind::kRw; });
    if ((wanted.path & bit(DepKind::kRw)) == 0) return true;
    if (count < 2) return false;
    if (wanted.no_adjacent) return true;
    for (std::size_t i = 0; i < cycle.size(); ++i) {
      const Dep& next = cycle[(i + 1) % cycle.size()];
      if (cycle[i].kind == DepKind::kRw && next.kind == DepKind::kRw) return true;
    }
    return false;
  }
  static std::string suffix(const std::vector<Dep>& cycle) {
    const auto has = [&](DepKind kind) {
      return std::any_of(cycle.begin(), cycle.end(),
                         [&](const Dep& dep) { return dep.kind == kind; });
    };
    return has(DepKind::kRealTime) ? "-realtime" : has(DepKind::kSession) ? "-process" : "";
  }
  // Runs of edges over points of time become one edge.
  [[nodiscard]] std::vector<Dep> plain(std::vector<Dep> cycle) const {
    std::rotate(
        cycle.begin(),
        std::find_if(cycle.begin(), cycle.end(), [this](const Dep& d) { return d.from < events_; }),
        cycle.end());
    std::vector<Dep> out;
    for (const Dep& dep : cycle) {
      if (dep.from < events_) {
        out.push_back(dep);
      } else {
        out.back().to = dep.to;
      }
    }
    return out;
  }

  // Breadth-first from the edge's end back to its start; states are (node, came by rw).
  std::vector<Dep> close(const Dep& first, const Class& wanted, unsigned order,
                         const std::vector<std::uint32_t>& component, std::size_t bound) {
    ++serial_;
    queue_.clear();
    const auto visit = [&](std::uint32_t node, bool by_rw, std::size_t parent, const Dep& dep) {
      const std::size_t state = node * 2u + (by_rw ? 1 : 0);
      if (mark_[state] == serial_) return;
      mark_[state] = serial_;
      from_[state] = {parent, dep};
      queue_.push_back(state);
    };
    const bool tracks_rw = wanted.no_adjacent;
    visit(first.to, tracks_rw && first.kind == DepKind::kRw, SIZE_MAX, first);
    for (std::size_t at = 0; at < queue_.size(); ++at) {
      const std::size_t state = queue_[at];
      const auto node = static_cast<std::uint32_t>(state / 2);
      const bool by_rw = state % 2 != 0;
      if (node == first.from) {
        if (tracks_rw && by_rw) continue;  // the first edge is an rw too
        return unwind(state, bound);
      }
      for (const Dep& dep : graph_.out(node)) {
        if (steps_ > 0) --steps_;
        if (((wanted.path | order) & bit(dep.kind)) == 0 || component[dep.to] != component[node])
          continue;
        if (tracks_rw && by_rw && dep.kind == DepKind::kRw) continue;
        visit(dep.to, tracks_rw && dep.kind == DepKind::kRw, state, dep);
      }
      if (steps_ == 0) {
        out_.timeout = true;
        return {};
      }
    }
    return {};
  }
  std::vector<Dep> unwind(std::size_t state, std::size_t bound) const {
    std::vector<Dep> cycle;
    for (std::size_t at = state; at != SIZE_MAX; at = from_[at].first)
      cycle.push_back(from_[at].second);
    std::reverse(cycle.begin(), cycle.end());
    if (bound != 0 && cycle.size() >= bound) return {};
    return cycle;
  }

  const DepGraph& graph_;
  std::size_t events_;
  bool adjacent_;
  std::uint64_t steps_;
  CycleSearch out_;
  std::vector<std::pair<std::size_t, Dep>> from_;
  std::vector<std::uint32_t> mark_;
  std::vector<std::size_t> queue_;
  std::uint32_t serial_ = 0;
};

}  // namespace

CycleSearch find_cycles(const DepGraph& graph, std::size_t events, bool adjacent,
                        std::uint64_t steps) {
  return Finder(graph, events, adjacent, steps).run();
}

}  // namespace stateutils::sbus
