#include "sbus/key_order.hpp"

#include <algorithm>

namespace stateutils::sbus {
namespace {

// What a transaction saw of a key: the writer of its first and of its last version.
struct Sight {
  std::uint32_t txn, key, first, last;
};

// By key, then by transaction.
std::vector<Sight> sights_of(const TxnFacts& facts) {
  std::vector<Sight> out;
  for (const ExternalRead& read : facts.reads) {
    out.push_back({read.txn, read.key, read.writer, read.writer});
  }
  for (std::uint32_t key = 0; key < facts.writers.size(); ++key) {
    for (const std::uint32_t t : facts.writers[key]) out.push_back({t, key, t, t});
  }
  // Reads that count come before the transaction's own writes, and stay in front of them here.
  std::stable_sort(out.begin(), out.end(), [](const Sight& x, const Sight& y) {
    return x.key != y.key ? x.key < y.key : x.txn < y.txn;
  });
  std::size_t kept = 0;
  for (const Sight& sight : out) {
    if (kept > 0 && out[kept - 1].key == sight.key && out[kept - 1].txn == sight.txn) {
      out[kept - 1].last = sight.last;
    } else {
      out[kept++] = sight;
    }
  }
  out.resize(kept);
  return out;
}

// `before` saw the key earlier than `after`. Who sees the initial state after another version
// must come first by its read and second by this order: `kind` shows the contradiction.
void add_order(const Sight& before, const Sight& after, DepKind kind, std::vector<Dep>& deps) {
  if (before.last == after.first || before.last == TxnFacts::kInit) return;
  if (after.first == TxnFacts::kInit) {
    deps.push_back({before.txn, after.txn, kind, after.key});
  } else {
    deps.push_back({before.last, after.first, DepKind::kWw, after.key});
  }
}

// Calls visit(begin, end) for the sights of each key.
template <class Visit>
void for_each_key(std::vector<Sight>& sights, const Visit& visit) {
  for (auto begin = sights.begin(); begin != sights.end();) {
    const auto end = std::find_if(begin, sights.end(),
                                  [&](const Sight& sight) { return sight.key != begin->key; });
    visit(begin, end);
    begin = end;
  }
}

}  // namespace

void add_sequential_keys(const TxnHistory& history, const TxnFacts& facts, std::vector<Dep>& deps) {
  std::vector<Sight> sights = sights_of(facts);
  for_each_key(sights, [&](auto begin, auto end) {
    std::sort(begin, end, [&](const Sight& x, const Sight& y) {
      const std::uint32_t a = history.txns[x.txn].session, b = history.txns[y.txn].session;
      return a != b ? a < b : facts.place[x.txn] < facts.place[y.txn];
    });
    for (auto at = begin; at != end && at + 1 != end; ++at) {
      if (history.txns[at->txn].session != history.txns[(at + 1)->txn].session) continue;
      add_order(*at, *(at + 1), DepKind::kSession, deps);
    }
  });
}

void add_linearizable_keys(const TxnHistory& history, const TxnFacts& facts,
                           std::vector<Dep>& deps) {
  std::vector<Sight> sights = sights_of(facts);
  std::erase_if(sights, [&](const Sight& sight) { return !history.txns[sight.txn].timed; });
  const auto start = [&](const Sight& s) { return history.txns[s.txn].start; };
  const auto finish = [&](const Sight& s) { return history.txns[s.txn].end; };
  for_each_key(sights, [&](auto begin, auto end) {
    std::vector<Sight> by_end(begin, end);
    std::sort(by_end.begin(), by_end.end(),
              [&](const Sight& x, const Sight& y) { return finish(x) < finish(y); });
    // The latest start among those that ended no later: who ended before that start is already
    // ordered through its transaction.
    std::vector<std::int64_t> latest;
    for (const Sight& sight : by_end) {
      latest.push_back(std::max(start(sight), latest.empty() ? INT64_MIN : latest.back()));
    }
    for (auto after = begin; after != end; ++after) {
      auto before = std::lower_bound(by_end.begin(), by_end.end(), start(*after),
                                     [&](const Sight& s, std::int64_t t) { return finish(s) < t; });
      if (before == by_end.begin()) continue;
      const std::int64_t from = latest[static_cast<std::size_t>(before - by_end.begin()) - 1];
      while (before != by_end.begin() && finish(*(before - 1)) >= from) {
        --before;
        add_order(*before, *after, DepKind::kRealTime, deps);
      }
    }
  });
}

}  // namespace stateutils::sbus
