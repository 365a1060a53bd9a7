// Happens-before against a transitive closure over all pairs.
#include "sbus/order_graph.hpp"

#include <doctest.h>

#include <map>
#include <random>

using stateutils::sbus::OrderGraph;

TEST_CASE("the order graph answers as the transitive closure does") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    const std::size_t n = 2 + below(14), keys = 1 + below(3);
    OrderGraph graph(n);
    std::vector<std::vector<bool>> reach(n, std::vector<bool>(n));
    std::vector<std::pair<std::int64_t, std::int64_t>> interval(n);
    std::vector<std::pair<std::uint32_t, std::int64_t>> writes(n, {UINT32_MAX, 0});
    std::map<std::uint32_t, std::vector<std::uint32_t>> chain;
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto start = static_cast<std::int64_t>(below(40));
      interval[i] = {start, start + static_cast<std::int64_t>(below(12))};
      graph.interval(i, interval[i].first, interval[i].second);
      if (below(4) == 0) continue;
      const auto key = static_cast<std::uint32_t>(below(keys));
      chain[key].push_back(i);
      writes[i] = {key, static_cast<std::int64_t>(chain[key].size())};
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) reach[i][j] = interval[i].second < interval[j].first;
    }
    for (const auto& [key, list] : chain) {
      graph.chain(list);
      for (std::size_t i = 1; i < list.size(); ++i) reach[list[i - 1]][list[i]] = true;
    }
    for (std::size_t extra = below(4); extra > 0; --extra) {
      const std::size_t a = below(n), b = below(n);
      if (a == b) continue;
      graph.edge(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b));
      reach[a][b] = true;
    }
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          if (reach[i][k] && reach[k][j]) reach[i][j] = true;
        }
      }
    }
    std::vector<OrderGraph::Query> queries;
    for (std::uint32_t c = 0; c < n; ++c) {
      for (std::uint32_t w = 0; w < n; ++w) {
        if (c == w || writes[c].first == UINT32_MAX || writes[w].first == UINT32_MAX) continue;
        if (writes[c].first == writes[w].first) continue;
        queries.push_back(
            {c, w, writes[w].first, writes[w].second, writes[c].first, writes[c].second});
      }
    }
    graph.solve(writes, keys, queries);
    for (const OrderGraph::Query& query : queries) {
      CHECK(query.before == reach[query.other][query.event]);
      CHECK(query.after == reach[query.event][query.other]);
    }
  }
}
