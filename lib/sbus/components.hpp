// Strongly connected components of a graph in any form.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace stateutils::sbus {

// Tarjan's algorithm with an explicit stack. The edges of node v are first[v] .. first[v + 1] - 1;
// target(e) is where edge e leads, or UINT32_MAX for one that does not count. Returns the component
// of each node, numbered in reverse topological order; `sizes` gets the number of nodes of each.
template <class Index, class Target>
std::vector<std::uint32_t> strong_components(const std::vector<Index>& first, const Target& target,
                                             std::vector<std::uint32_t>& sizes) {
  constexpr std::uint32_t kNone = UINT32_MAX;
  const std::size_t n = first.size() - 1;
  std::vector<std::uint32_t> component(n, kNone), index(n, 0), low(n, 0), stack, path;
  std::vector<Index> next(first.begin(), first.end() - 1);
  std::uint32_t serial = 0;
  sizes.clear();
  for (std::uint32_t root = 0; root < n; ++root) {
    if (index[root] != 0) continue;
    path.push_back(root);
    while (!path.empty()) {
      const std::uint32_t v = path.back();
      if (index[v] == 0) {
        index[v] = low[v] = ++serial;
        stack.push_back(v);
      }
      bool descended = false;
      for (; next[v] < first[v + 1]; ++next[v]) {
        const std::uint32_t to = target(next[v]);
        if (to == kNone) continue;
        if (index[to] == 0) {
          path.push_back(to);
          descended = true;
          break;
        }
        if (component[to] == kNone) low[v] = std::min(low[v], low[to]);
      }
      if (descended) continue;
      path.pop_back();
      if (low[v] != index[v]) continue;
      sizes.push_back(0);
      std::uint32_t w = 0;
      do {
        w = stack.back();
        stack.pop_back();
        component[w] = static_cast<std::uint32_t>(sizes.size() - 1);
        ++sizes.back();
      } while (w != v);
    }
  }
  return component;
}

}  // namespace stateutils::sbus
