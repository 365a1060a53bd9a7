#include "sbus/dep_graph.hpp"

#include <algorithm>

#include "sbus/components.hpp"

namespace stateutils::sbus {
namespace {

// All pairs (a, b) with a path from a to b.
class Reach {
 public:
  explicit Reach(std::size_t nodes)
      : nodes_(nodes), words_((nodes + 63) / 64), bits_(nodes * words_) {}

  [[nodiscard]] bool has(std::uint32_t from, std::uint32_t to) const {
    return (bits_[from * words_ + to / 64] >> (to % 64) & 1u) != 0;
  }
  [[nodiscard]] std::size_t bytes() const { return bits_.size() * sizeof(std::uint64_t); }
  // False when the edge closes a cycle.
  bool add(std::uint32_t from, std::uint32_t to) {
    if (from == to || has(to, from)) return false;
    if (has(from, to)) return true;
    for (std::uint32_t x = 0; x < nodes_; ++x) {
      if (x != from && !has(x, from)) continue;
      std::uint64_t* row = &bits_[x * words_];
      const std::uint64_t* more = &bits_[to * words_];
      for (std::size_t w = 0; w < words_; ++w) row[w] |= more[w];
      row[to / 64] |= std::uint64_t{1} << (to % 64);
    }
    return true;
  }

 private:
  std::size_t nodes_, words_;
  std::vector<std::uint64_t> bits_;
};

// Makes every choice that has one way left; drops those already met. False on a contradiction.
bool propagate(Reach& reach, std::vector<Choice>& choices, std::uint64_t& steps) {
  const auto possible = [&](const Dep& dep) {
    return dep.from != dep.to && !reach.has(dep.to, dep.from);
  };
  bool changed = true;
  while (changed) {
    changed = false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Choice c = choices[i];
      if (steps > 0) --steps;
      if (reach.has(c.first.from, c.first.to) || reach.has(c.second.from, c.second.to)) continue;
      const bool first = possible(c.first), second = possible(c.second);
      if (first && second) {
        choices[kept++] = c;
        continue;
      }
      changed = true;
      const Dep& taken = first ? c.first : c.second;
      if (!reach.add(taken.from, taken.to)) return false;
    }
    choices.resize(kept);
  }
  return true;
}

// Every level of the search keeps its own reachability and choices; more in all is given up.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

Verdict search(Reach reach, std::vector<Choice> choices, std::uint64_t& steps, std::size_t depth) {
  const std::size_t own = reach.bytes() + choices.size() * sizeof(Choice);
  if (depth * own > kMostBytes) return Verdict::kUnknown;
  while (true) {
    if (!propagate(reach, choices, steps)) return Verdict::kInvalid;
    if (choices.empty()) return Verdict::kValid;
    if (steps == 0) return Verdict::kUnknown;
    const Choice c = choices.back();
    Reach first = reach;
    if (first.add(c.first.from, c.first.to)) {
      const Verdict verdict = search(std::move(first), choices, steps, depth + 1);
      if (verdict != Verdict::kInvalid) return verdict;
    }
    if (!reach.add(c.second.from, c.second.to)) return Verdict::kInvalid;
  }
}

}  // namespace

// By source, in the given order otherwise: a counting sort.
DepGraph::DepGraph(std::size_t nodes, const std::vector<Dep>& deps)
    : deps_(deps.size()), first_(nodes + 1, 0) {
  for (const Dep& dep : deps) ++first_[dep.from + 1];
  for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
  std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
  for (const Dep& dep : deps) deps_[next[dep.from]++] = dep;
}

std::vector<std::uint32_t> DepGraph::components(unsigned kinds,
                                                std::vector<std::uint32_t>& sizes) const {
  const auto target = [&](std::size_t e) {
    const Dep& dep = deps_[e];
    return (kinds >> static_cast<unsigned>(dep.kind) & 1u) != 0 ? dep.to : UINT32_MAX;
  };
  return strong_components(first_, target, sizes);
}

bool DepGraph::acyclic() const {
  std::vector<std::uint32_t> sizes;
  (void)components(~0u, sizes);
  if (std::any_of(sizes.begin(), sizes.end(), [](std::uint32_t size) { return size > 1; }))
    return false;
  return std::none_of(deps_.begin(), deps_.end(),
                      [](const Dep& dep) { return dep.from == dep.to; });
}

Verdict choose_acyclic(std::size_t nodes, std::span<const Dep> known, std::vector<Choice> choices,
                       std::uint64_t& steps) {
  // Beyond this the bit sets would leave a search no depth.
  constexpr std::size_t kMostNodes = 16384;
  if (nodes > kMostNodes) return Verdict::kUnknown;
  Reach reach(nodes);
  for (const Dep& dep : known) {
    if (!reach.add(dep.from, dep.to)) return Verdict::kInvalid;
  }
  return search(std::move(reach), std::move(choices), steps, 1);
}

}  // namespace stateutils::sbus
