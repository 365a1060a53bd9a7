#include "sbus/block_reach.hpp"

#include <algorithm>
#include <utility>

namespace stateutils::sbus {

// Kahn's algorithm with a queue: what is near in time stays near, which keeps sweeps short.
BlockReach::BlockReach(const DepGraph& graph) : nodes_(graph.nodes()) {
  std::vector<std::uint32_t> before(nodes_, 0), order;
  std::size_t edges = 0;
  for (std::uint32_t node = 0; node < nodes_; ++node) {
    for (const Dep& dep : graph.out(node)) ++before[dep.to];
    edges += graph.out(node).size();
  }
  order.reserve(nodes_);
  for (std::uint32_t node = 0; node < nodes_; ++node) {
    if (before[node] == 0) order.push_back(node);
  }
  for (std::size_t next = 0; next < order.size(); ++next) {
    for (const Dep& dep : graph.out(order[next])) {
      if (--before[dep.to] == 0) order.push_back(dep.to);
    }
  }
  if (order.size() != nodes_) return;
  at_.resize(nodes_);
  for (std::uint32_t i = 0; i < nodes_; ++i) at_[order[i]] = i;
  first_.reserve(nodes_ + 1);
  targets_.reserve(edges);
  for (const std::uint32_t node : order) {
    first_.push_back(targets_.size());
    for (const Dep& dep : graph.out(node)) targets_.push_back(at_[dep.to]);
  }
  first_.push_back(targets_.size());
}

std::uint64_t BlockReach::sweep(std::span<const std::uint32_t> sources, std::uint32_t last) {
  std::vector<std::pair<std::uint32_t, std::size_t>> starts;  // position, place in the block
  for (std::size_t i = 0; i < sources.size(); ++i) starts.emplace_back(at_[sources[i]], i);
  std::sort(starts.begin(), starts.end());
  begin_ = starts.empty() ? last : starts.front().first;
  rows_.assign(last < begin_ ? 0 : last - begin_ + 1, {});
  std::uint64_t followed = 0;
  auto start = starts.begin();
  for (std::uint32_t from = begin_; from < begin_ + rows_.size(); ++from) {
    SourceSet reach = rows_[from - begin_];
    for (; start != starts.end() && start->first == from; ++start) reach.insert(start->second);
    if (reach.empty()) continue;
    for (std::size_t e = first_[from]; e < first_[from + 1]; ++e) {
      if (targets_[e] <= last) rows_[targets_[e] - begin_].add(reach);
    }
    followed += first_[from + 1] - first_[from];
  }
  return followed;
}

}  // namespace stateutils::sbus
