// Orders that reads force, on histories that are larger than a block of sources.
#include "sbus/forced_order.hpp"

#include <doctest.h>

#include <algorithm>
#include <random>

#include "sbus/block_reach.hpp"
#include "sbus/likely_order.hpp"
#include "sbus/txn_check.hpp"
#include "sbus/weak_levels.hpp"

using namespace stateutils::sbus;

namespace {

// A serial run of transactions on registers, its sessions one after the other so that nothing but
// the reads tells the order. `stale` of a thousand reads return any earlier version.
class Run {
 public:
  Run(unsigned seed, std::size_t txns, std::size_t sessions, std::size_t keys, unsigned stale = 0)
      : random_(seed) {
    std::vector<std::vector<Txn>> by_session(sessions);
    versions_.assign(keys, {TxnHistory::kInitial});
    for (std::uint32_t k = 0; k < keys; ++k) (void)history.keys.number("k" + std::to_string(k));
    for (std::size_t i = 0; i < txns; ++i) {
      Txn txn;
      txn.session = below(sessions);
      const std::uint32_t from = below(keys), count = 1 + below(3);
      for (std::uint32_t j = 0; j < count; ++j) {
        const auto key = static_cast<std::uint32_t>((from + j) % keys);
        if (below(2) == 0) {
          write(txn, key);
        } else {
          const auto& all = versions_[key];
          read(txn, key, below(1000) < stale ? all[below(all.size())] : all.back());
        }
      }
      by_session[txn.session].push_back(std::move(txn));
    }
    for (auto& session : by_session) {
      for (Txn& txn : session) append(std::move(txn));
    }
  }

  // Two transactions that read the same version of a key and both write it.
  void lose_update() {
    const std::uint32_t key = below(versions_.size());
    const std::uint32_t version = versions_[key].back();
    for (int i = 0; i < 2; ++i) {
      Txn txn;
      txn.session = 1'000'000 + static_cast<std::uint32_t>(i);
      read(txn, key, version);
      write(txn, key);
      append(std::move(txn));
    }
  }

  TxnHistory history;

 private:
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }
  void append(Txn txn) {
    history.ops += txn.ops.size();
    history.txns.push_back(std::move(txn));
  }
  static void read(Txn& txn, std::uint32_t key, std::uint32_t version) {
    TxnOp op;
    op.key = key;
    op.value = version;
    txn.ops.push_back(op);
  }
  void write(Txn& txn, std::uint32_t key) {
    TxnOp op;
    op.kind = TxnOp::Kind::kWrite;
    op.key = key;
    op.value = history.values.number("v" + std::to_string(next_++));
    versions_[key].push_back(op.value);
    txn.ops.push_back(op);
  }

  std::mt19937 random_;
  std::vector<std::vector<std::uint32_t>> versions_;  // by key, in the order of the writes
  int next_ = 0;
};

Verdict verdict_at(const TxnHistory& history, Level level) {
  TxnOptions options;
  options.level = level;
  return check_txns(history, options, "run").verdict;
}

}  // namespace

TEST_CASE("reachability by blocks is reachability") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto nodes = static_cast<std::uint32_t>(50 + random() % 600);
    std::vector<Dep> deps;
    for (std::uint32_t i = 0; i < 2 * nodes; ++i) {
      const auto a = static_cast<std::uint32_t>(random() % nodes);
      const auto b = static_cast<std::uint32_t>(random() % nodes);
      if (a != b) deps.push_back({std::min(a, b), std::max(a, b), DepKind::kWr, Dep::kNoKey});
    }
    const DepGraph graph(nodes, deps);
    std::vector<std::uint32_t> sources;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(nodes, SourceSet::kSize); ++i) {
      sources.push_back(static_cast<std::uint32_t>(random() % nodes));
    }
    BlockReach reach(graph);
    REQUIRE(!reach.cyclic());
    reach.sweep(sources, nodes - 1);
    for (std::size_t s = 0; s < sources.size(); s += 37) {
      std::vector<bool> seen(nodes);
      std::vector<std::uint32_t> todo{sources[s]};
      while (!todo.empty()) {
        const std::uint32_t node = todo.back();
        todo.pop_back();
        for (const Dep& dep : graph.out(node)) {
          if (!seen[dep.to]) todo.push_back(dep.to);
          seen[dep.to] = true;
        }
      }
      for (std::uint32_t node = 0; node < nodes; ++node) {
        CHECK(reach.reaching(node).has(s) == seen[node]);
      }
    }
    deps.push_back({deps.front().to, deps.front().from, DepKind::kWr, Dep::kNoKey});
    CHECK(BlockReach(DepGraph(nodes, deps)).cyclic());
  }
}

TEST_CASE("serial runs of which only the reads are known are never refused, lost updates always") {
  int valid = 0;
  for (unsigned seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    const std::size_t keys = seed % 3 == 0 ? 2 : 15;  // 2: more than a block of writers each
    Run run(seed, 1500, 1 + seed, keys);
    const Verdict found = verdict_at(run.history, Level::kSer);
    CHECK(found != Verdict::kInvalid);
    if (found == Verdict::kValid) ++valid;
    run.lose_update();
    CHECK(verdict_at(run.history, Level::kSer) == Verdict::kInvalid);
    CHECK(verdict_at(run.history, Level::kSi) == Verdict::kInvalid);
  }
  CHECK(valid >= 5);
}

TEST_CASE("the causal level by reachability is that by clocks") {
  int valid = 0, invalid = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const Run run(seed, 10 + seed, 3, 4, seed % 2 == 0 ? 0 : 20);
    const TxnFacts facts = find_facts(run.history, false, "run");
    const auto init = static_cast<std::uint32_t>(run.history.txns.size());
    std::vector<Dep> deps = facts.deps;
    for (const auto& session : facts.sessions) {
      for (std::size_t i = 1; i < session.size(); ++i) {
        deps.push_back({session[i - 1], session[i], DepKind::kSession, Dep::kNoKey});
      }
    }
    const DepGraph causal(run.history.txns.size(), deps);
    const std::vector<Dep> required = required_writers(facts, causal, init);
    deps.insert(deps.end(), required.begin(), required.end());
    for (std::uint32_t t = 0; t < init; ++t) {
      deps.push_back({init, t, DepKind::kSession, Dep::kNoKey});
    }
    const bool expected = saturated(run.history, facts, Level::kCc).acyclic();
    CHECK(DepGraph(run.history.txns.size() + 1, deps).acyclic() == expected);
    ++(expected ? valid : invalid);
  }
  CHECK(valid > 50);
  CHECK(invalid > 50);
}
