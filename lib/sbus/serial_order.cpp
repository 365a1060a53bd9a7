#include "sbus/serial_order.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>

namespace stateutils::sbus {
namespace {

class SerialRun {
 public:
  SerialRun(const TxnHistory& history, const TxnFacts& facts, std::span<const Dep> deps,
            std::size_t nodes)
      : f_(facts),
        txns_(history.txns.size()),
        after_(nodes, {deps.begin(), deps.end()}),
        first_read_(txns_ + 1, 0),
        first_write_(txns_ + 1, 0) {
    index_reads();
    for (const auto& writers : f_.writers) {
      for (const std::uint32_t t : writers) ++first_write_[t + 1];
    }
    for (std::size_t t = 0; t < txns_; ++t) first_write_[t + 1] += first_write_[t];
    writes_.resize(first_write_[txns_]);
    std::vector<std::size_t> next(first_write_.begin(), first_write_.end() - 1);
    for (std::uint32_t key = 0; key < f_.writers.size(); ++key) {
      for (const std::uint32_t t : f_.writers[key]) writes_[next[t]++] = {key, 0};
    }
    for (const ExternalRead& read : reads_) {
      if (read.writer == TxnFacts::kInit) continue;
      if (WriteOf* write = find_write(read.writer, read.key); write != nullptr) ++write->readers;
    }
  }

  // Runs what is ready in the order of `rank`, the lowest first.
  bool run(const std::vector<std::uint32_t>& rank) {
    const std::size_t nodes = after_.nodes();
    std::vector<std::uint32_t> before(nodes, 0);
    for (std::uint32_t node = 0; node < nodes; ++node) {
      for (const Dep& dep : after_.out(node)) ++before[dep.to];
    }
    pending_.assign(f_.writers.size(), 0);
    for (const ExternalRead& read : reads_) {
      if (read.writer == TxnFacts::kInit) ++pending_[read.key];
    }
    waiting_.assign(f_.writers.size(), {});
    std::vector<std::uint32_t> points;  // of time, passed at once
    using Ranked = std::pair<std::uint32_t, std::uint32_t>;
    std::priority_queue<Ranked, std::vector<Ranked>, std::greater<>> ready;
    const auto enter = [&](std::uint32_t node) {
      if (node >= txns_) {
        points.push_back(node);
      } else if (f_.committed[node]) {
        ready.emplace(rank[node], node);
      }
    };
    const auto release = [&](std::uint32_t node) {
      for (const Dep& dep : after_.out(node)) {
        if (--before[dep.to] == 0) enter(dep.to);
      }
    };
    std::size_t left =
        static_cast<std::size_t>(std::count(f_.committed.begin(), f_.committed.end(), true));
    for (std::uint32_t node = 0; node < nodes; ++node) {
      if (before[node] == 0) enter(node);
    }
    while (!ready.empty() || !points.empty()) {
      if (!points.empty()) {
        const std::uint32_t point = points.back();
        points.pop_back();
        release(point);
        continue;
      }
      const std::uint32_t t = ready.top().second;
      ready.pop();
      if (waits(t)) continue;
      --left;
      execute(t, [&](std::uint32_t waiter) { ready.emplace(rank[waiter], waiter); });
      release(t);
    }
    return left == 0;
  }

 private:
  struct WriteOf {
    std::uint32_t key = 0, readers = 0;
  };

  // A transaction's reads in the order of their keys; what it read twice is there once.
  void index_reads() {
    reads_ = f_.reads;
    const auto what = [](const ExternalRead& r) { return std::tuple(r.txn, r.key, r.writer); };
    std::sort(reads_.begin(), reads_.end(),
              [&](const ExternalRead& x, const ExternalRead& y) { return what(x) < what(y); });
    reads_.erase(std::unique(reads_.begin(), reads_.end(),
                             [&](const ExternalRead& x, const ExternalRead& y) {
                               return what(x) == what(y);
                             }),
                 reads_.end());
    for (const ExternalRead& read : reads_) ++first_read_[read.txn + 1];
    for (std::size_t t = 0; t < txns_; ++t) first_read_[t + 1] += first_read_[t];
  }
  [[nodiscard]] std::span<const ExternalRead> reads_of(std::uint32_t t) const {
    return std::span(reads_).subspan(first_read_[t], first_read_[t + 1] - first_read_[t]);
  }
  [[nodiscard]] std::span<WriteOf> writes_of(std::uint32_t t) {
    return std::span(writes_).subspan(first_write_[t], first_write_[t + 1] - first_write_[t]);
  }
  // A transaction's writes are in the order of their keys.
  [[nodiscard]] WriteOf* find_write(std::uint32_t t, std::uint32_t key) {
    const auto writes = writes_of(t);
    const auto at = std::lower_bound(writes.begin(), writes.end(), key,
                                     [](const WriteOf& w, std::uint32_t k) { return w.key < k; });
    return at == writes.end() || at->key != key ? nullptr : &*at;
  }

  // Puts the transaction aside while others have yet to read what it would overwrite.
  bool waits(std::uint32_t t) {
    for (const WriteOf& write : writes_of(t)) {
      const auto reads = reads_of(t);
      const bool own = std::binary_search(
          reads.begin(), reads.end(), ExternalRead{t, write.key, 0},
          [](const ExternalRead& x, const ExternalRead& y) { return x.key < y.key; });
      if (pending_[write.key] <= (own ? 1u : 0u)) continue;
      waiting_[write.key].push_back(t);
      return true;
    }
    return false;
  }
  template <class Wake>
  void execute(std::uint32_t t, Wake&& wake) {
    for (const ExternalRead& read : reads_of(t)) {
      --pending_[read.key];
      // One reader left may be a writer that waits for all others.
      if (pending_[read.key] > 1) continue;
      for (const std::uint32_t waiter : waiting_[read.key]) wake(waiter);
      waiting_[read.key].clear();
    }
    for (const WriteOf& write : writes_of(t)) pending_[write.key] = write.readers;
  }

  const TxnFacts& f_;
  std::size_t txns_;
  DepGraph after_;
  std::vector<ExternalRead> reads_;  // by txn, then key
  std::vector<std::size_t> first_read_, first_write_;
  std::vector<WriteOf> writes_;                      // by txn, then key
  std::vector<std::uint32_t> pending_;               // per key: readers of its version yet to run
  std::vector<std::vector<std::uint32_t>> waiting_;  // per key: txns that would overwrite it
};

// Position of each transaction when sorted by `order`.
template <class Order>
std::vector<std::uint32_t> ranks(std::size_t txns, Order&& order) {
  std::vector<std::uint32_t> sorted(txns), rank(txns);
  for (std::uint32_t t = 0; t < txns; ++t) sorted[t] = t;
  std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t x, std::uint32_t y) {
    return std::tuple(order(x), x) < std::tuple(order(y), y);
  });
  for (std::uint32_t i = 0; i < txns; ++i) rank[sorted[i]] = i;
  return rank;
}

}  // namespace

bool has_serial_order(const TxnHistory& history, const TxnFacts& facts, std::span<const Dep> deps,
                      std::size_t nodes) {
  const std::size_t txns = history.txns.size();
  SerialRun run(history, facts, deps, nodes);
  // What ended first likely took effect first. Without times, a place in the file says something
  // where sessions are mixed, and a place in its session where they follow each other.
  const bool timed = std::any_of(history.txns.begin(), history.txns.end(),
                                 [](const Txn& txn) { return txn.timed; });
  if (timed && run.run(ranks(txns, [&](std::uint32_t t) { return history.txns[t].end; }))) {
    return true;
  }
  return run.run(ranks(txns, [](std::uint32_t) { return 0; })) ||
         run.run(ranks(txns, [&](std::uint32_t t) { return facts.place[t]; }));
}

}  // namespace stateutils::sbus
