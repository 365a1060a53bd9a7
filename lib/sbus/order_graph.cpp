#include "sbus/order_graph.hpp"

#include <algorithm>
#include <numeric>

#include "sbus/components.hpp"

namespace stateutils::sbus {

// One node per distinct end: an event leads to the point of its end, each point to the next one,
// and the last point before an event's start to the event. That is all of "ended before it began"
// in a linear number of edges.
void OrderGraph::add_real_time() {
  std::vector<std::int64_t> ends;
  ends.reserve(events_);
  for (const auto& [start, end] : interval_) ends.push_back(end);
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  const auto point = [&](std::size_t i) { return static_cast<std::uint32_t>(events_ + i); };
  for (std::size_t i = 1; i < ends.size(); ++i) edge(point(i - 1), point(i));
  for (std::uint32_t e = 0; e < events_; ++e) {
    const auto [start, end] = interval_[e];
    const auto own = std::lower_bound(ends.begin(), ends.end(), end) - ends.begin();
    edge(e, point(static_cast<std::size_t>(own)));
    const auto before = std::lower_bound(ends.begin(), ends.end(), start) - ends.begin();
    if (before > 0) edge(point(static_cast<std::size_t>(before) - 1), e);
  }
  nodes_ = events_ + ends.size();
}

void OrderGraph::index_edges() {
  first_.assign(nodes_ + 1, 0);
  for (const auto& [from, to] : edges_) ++first_[from + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  target_.resize(edges_.size());
  std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
  for (const auto& [from, to] : edges_) target_[next[from]++] = to;
}

std::vector<std::vector<std::uint32_t>> OrderGraph::components() const {
  std::vector<std::uint32_t> sizes;
  const auto component = strong_components(
      first_, [this](std::uint32_t e) { return target_[e]; }, sizes);
  std::vector<std::vector<std::uint32_t>> found(sizes.size());
  for (std::uint32_t v = 0; v < nodes_; ++v) found[sizes.size() - 1 - component[v]].push_back(v);
  return found;
}

void OrderGraph::solve(std::span<const std::pair<std::uint32_t, std::int64_t>> writes,
                       std::size_t keys, std::vector<Query>& queries) {
  add_real_time();
  index_edges();
  const auto groups = components();
  std::vector<std::uint32_t> group_of(nodes_);
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    for (const std::uint32_t v : groups[g]) group_of[v] = g;
  }
  std::vector<std::vector<std::uint32_t>> asked(groups.size());  // queries by group of either end
  for (std::uint32_t q = 0; q < queries.size(); ++q) {
    asked[group_of[queries[q].event]].push_back(q);
    const std::uint32_t other = group_of[queries[q].other];
    if (other != group_of[queries[q].event]) asked[other].push_back(q);
  }
  // Per group the highest version of each key that came before; held until its last successor.
  std::vector<std::vector<std::int64_t>> known(groups.size());
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    auto& own = known[g];
    own.resize(keys, -1);
    for (const std::uint32_t v : groups[g]) {
      if (v >= events_ || writes[v].first == UINT32_MAX) continue;
      own[writes[v].first] = std::max(own[writes[v].first], writes[v].second);
    }
    for (const std::uint32_t q : asked[g]) {
      Query& query = queries[q];
      if (group_of[query.event] == g) {
        query.latest = own[query.other_key];
        query.before = query.latest >= query.other_version;
      }
      if (group_of[query.other] == g) query.after = own[query.key] >= query.version;
    }
    for (const std::uint32_t v : groups[g]) {
      for (std::uint32_t e = first_[v]; e < first_[v + 1]; ++e) {
        const std::uint32_t to = group_of[target_[e]];
        if (to == g) continue;
        auto& theirs = known[to];
        if (theirs.empty()) theirs.assign(keys, -1);
        for (std::size_t k = 0; k < keys; ++k) theirs[k] = std::max(theirs[k], own[k]);
      }
    }
    std::vector<std::int64_t>().swap(own);
  }
}

}  // namespace stateutils::sbus
