// Orders along sessions: clocks against plain reachability, the search against brute force, and
// runs of databases that are far beyond both.
#include "sbus/chain_order.hpp"

#include <doctest.h>

#include <random>

#include "brute_levels.hpp"
#include "sbus/chain_clocks.hpp"
#include "sbus/txn_check.hpp"

using namespace stateutils::sbus;

namespace {

// Reachability in a table of all pairs.
class AllPairs {
 public:
  explicit AllPairs(std::size_t n) : reach_(n, std::vector<bool>(n)) {}
  bool add(std::size_t from, std::size_t to) {
    if (from == to || reach_[to][from]) return false;
    for (std::size_t x = 0; x < reach_.size(); ++x) {
      if (x != from && !reach_[x][from]) continue;
      for (std::size_t y = 0; y < reach_.size(); ++y) {
        if (y == to || reach_[to][y]) reach_[x][y] = true;
      }
    }
    return true;
  }
  [[nodiscard]] bool has(std::size_t from, std::size_t to) const { return reach_[from][to]; }

 private:
  std::vector<std::vector<bool>> reach_;
};

bool same(const ChainClocks& clocks, const AllPairs& pairs) {
  for (std::uint32_t from = 0; from < clocks.events(); ++from) {
    for (std::uint32_t to = 0; to < clocks.events(); ++to) {
      const bool later = clocks.after(from)[clocks.chain(to)] <= clocks.place(to);
      if (clocks.precedes(from, to) != pairs.has(from, to) || later != pairs.has(from, to)) {
        return false;
      }
    }
  }
  return true;
}

// What happens at a database of registers. Transactions begin, read what was committed when they
// began (or, with `snapshots` off, run at once), and commit one after the other; with
// `first_wins` one that would overwrite what was committed since it began is dropped.
class Database {
 public:
  Database(unsigned seed, std::size_t sessions, std::size_t keys, bool snapshots, bool first_wins)
      : random_(seed), snapshots_(snapshots), first_wins_(first_wins), open_(sessions) {
    versions_.assign(keys, {{0, TxnHistory::kInitial}});
    by_session_.resize(sessions);
    for (std::uint32_t k = 0; k < keys; ++k) (void)history.keys.number("k" + std::to_string(k));
  }

  // The sessions one after the other, so that nothing but the reads tells how they mixed.
  TxnHistory run(std::size_t txns) {
    std::size_t done = 0;
    while (done < txns) {
      Open& own = open_[below(open_.size())];
      if (own.begun && below(3) == 0) {
        own.begun = false;
        if (commit(own)) ++done;
        continue;
      }
      if (own.begun) continue;
      own = {true, commits_};
      if (snapshots_) continue;
      own.begun = false;
      if (commit(own)) ++done;
    }
    for (auto& session : by_session_) {
      for (Txn& txn : session) {
        history.ops += txn.ops.size();
        history.txns.push_back(std::move(txn));
      }
    }
    return std::move(history);
  }

  TxnHistory history;

 private:
  struct Version {
    std::uint64_t commit;
    std::uint32_t value;
  };
  struct Open {
    bool begun = false;
    std::uint64_t snapshot = 0;
  };
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }

  bool commit(const Open& own) {
    const auto session = static_cast<std::uint32_t>(&own - open_.data());
    Txn txn;
    txn.session = session;
    const std::uint32_t from = below(versions_.size()), count = 1 + below(3);
    for (std::uint32_t j = 0; j < count; ++j) {
      const auto key = static_cast<std::uint32_t>((from + j) % versions_.size());
      TxnOp op;
      op.key = key;
      if (below(3) != 0) {
        const auto& all = versions_[key];
        std::size_t at = all.size() - 1;
        while (all[at].commit > own.snapshot) --at;
        op.value = all[at].value;
        txn.ops.push_back(op);
      }
      if (below(2) == 0) {
        if (first_wins_ && versions_[key].back().commit > own.snapshot) return false;
        op.kind = TxnOp::Kind::kWrite;
        op.value = history.values.number("v" + std::to_string(next_++));
        txn.ops.push_back(op);
      }
    }
    ++commits_;
    for (const TxnOp& op : txn.ops) {
      if (op.kind == TxnOp::Kind::kWrite) versions_[op.key].push_back({commits_, op.value});
    }
    by_session_[session].push_back(std::move(txn));
    return true;
  }

  std::mt19937 random_;
  bool snapshots_, first_wins_;
  std::vector<Open> open_;
  std::vector<std::vector<Version>> versions_;  // by key
  std::vector<std::vector<Txn>> by_session_;
  std::uint64_t commits_ = 0;
  int next_ = 0;
};

TxnResult at_level(const TxnHistory& history, Level level, bool sessions = true) {
  TxnOptions options;
  options.level = level;
  options.sessions = sessions;
  return check_txns(history, options, "run");
}

}  // namespace

TEST_CASE("clocks on chains are reachability, at once, one by one and taken back") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::vector<std::uint32_t> sizes;
    for (std::size_t c = 1 + random() % 5; c > 0; --c) {
      sizes.push_back(static_cast<std::uint32_t>(random() % 9));
    }
    ChainClocks clocks(sizes);
    const std::uint32_t n = clocks.events();
    AllPairs pairs(n);
    for (std::uint32_t e = 0; e < n; ++e) {
      if (clocks.place(e) > 0) CHECK(pairs.add(e - 1, e));
    }
    CHECK(same(clocks, pairs));
    if (n < 2) continue;
    std::vector<ChainClocks::Edge> edges;
    for (std::uint32_t i = 0; i < n / 2; ++i) {
      const auto a = static_cast<std::uint32_t>(random() % n);
      const auto b = static_cast<std::uint32_t>(random() % n);
      if (pairs.add(a, b)) edges.emplace_back(a, b);
    }
    CHECK(clocks.rebuild(edges));
    CHECK(same(clocks, pairs));
    const AllPairs before = pairs;
    const auto mark = clocks.mark();
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto a = static_cast<std::uint32_t>(random() % n);
      const auto b = static_cast<std::uint32_t>(random() % n);
      CHECK(clocks.insert(a, b) == pairs.add(a, b));
      if (pairs.has(a, b)) edges.emplace_back(a, b);
    }
    CHECK(same(clocks, pairs));
    clocks.undo(mark);
    CHECK(same(clocks, before));
    CHECK(clocks.rebuild(edges));
    CHECK(same(clocks, pairs));
    if (edges.empty()) continue;
    edges.emplace_back(edges.back().second, edges.back().first);
    CHECK(!clocks.rebuild(edges));
  }
}

TEST_CASE("orders that keep the sessions: as brute force says, and never cut short") {
  int valid = 0, invalid = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    const brute::Small small = brute::random_history(random);
    const brute::Brute brute(small);
    const TxnFacts facts = find_facts(small.history, false, "random");
    for (const Level level : {Level::kSer, Level::kSi, Level::kPc}) {
      CAPTURE(seed);
      CAPTURE(level_name(level));
      const bool split = level != Level::kSer;
      const auto read = [&](std::uint32_t t) { return split ? 2 * t : t; };
      const auto write = [&](std::uint32_t t) { return split ? 2 * t + 1 : t; };
      std::vector<Dep> known;
      for (const ExternalRead& r : facts.reads) {
        if (r.writer != TxnFacts::kInit) {
          known.push_back({write(r.writer), read(r.txn), DepKind::kWr, r.key});
          continue;
        }
        for (const std::uint32_t t : facts.writers[r.key]) {
          if (t != r.txn) known.push_back({read(r.txn), write(t), DepKind::kRw, r.key});
        }
      }
      std::uint64_t steps = 1'000'000;
      const ChainOutcome found =
          order_chains(facts, {.split = split, .writers_apart = level == Level::kSi}, known, steps);
      const bool expected = brute.holds(level, true);
      CHECK(found.verdict == (expected ? Verdict::kValid : Verdict::kInvalid));
      ++(expected ? valid : invalid);
    }
  }
  CHECK(valid > 1000);
  CHECK(invalid > 1000);
}

TEST_CASE("runs of databases pass at their level, however long, and fail at the next") {
  for (unsigned seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    const std::size_t txns = seed == 0 ? 20000 : 3000, sessions = 2 + 4 * seed,
                      keys = 5 + 40 * seed;
    const TxnHistory serial = Database(seed, sessions, keys, false, false).run(txns);
    CHECK(at_level(serial, Level::kSer).verdict == Verdict::kValid);
    CHECK(at_level(serial, Level::kSer, false).verdict == Verdict::kValid);
    const TxnHistory snapshots = Database(seed, sessions, keys, true, true).run(txns);
    CHECK(at_level(snapshots, Level::kSi).verdict == Verdict::kValid);
    CHECK(at_level(snapshots, Level::kSi, false).verdict == Verdict::kValid);
    CHECK(at_level(snapshots, Level::kSer).verdict == Verdict::kInvalid);
    const TxnHistory prefixes = Database(seed, sessions, keys, true, false).run(txns);
    CHECK(at_level(prefixes, Level::kPc).verdict == Verdict::kValid);
    const TxnResult lost = at_level(prefixes, Level::kSi);
    CHECK(lost.verdict == Verdict::kInvalid);
    CHECK(!lost.anomalies.empty());
  }
}
