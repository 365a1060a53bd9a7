#include "sbus/forced_order.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "sbus/block_reach.hpp"
#include "sbus/flat_map.hpp"

namespace stateutils::sbus {
namespace {

std::uint64_t edge(std::uint32_t from, std::uint32_t to) {
  return std::uint64_t{from} << 32 | to;
}

// Reads by key, then by whom they read from, and the writers of each key.
class KeyIndex {
 public:
  KeyIndex(const TxnFacts& facts, bool with_initial) : reads_(facts.reads), first_{0} {
    if (!with_initial) {
      std::erase_if(reads_, [](const ExternalRead& r) { return r.writer == TxnFacts::kInit; });
    }
    const auto what = [](const ExternalRead& r) { return std::tuple(r.key, r.writer, r.txn); };
    std::sort(reads_.begin(), reads_.end(),
              [&](const ExternalRead& x, const ExternalRead& y) { return what(x) < what(y); });
    const auto same = [&](const ExternalRead& x, const ExternalRead& y) {
      return what(x) == what(y);
    };
    reads_.erase(std::unique(reads_.begin(), reads_.end(), same), reads_.end());
    first_.resize(facts.writers.size() + 1);
    for (const ExternalRead& read : reads_) ++first_[read.key + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
  }
  [[nodiscard]] std::span<const ExternalRead> of(std::uint32_t key) const {
    return std::span(reads_).subspan(first_[key], first_[key + 1] - first_[key]);
  }
  [[nodiscard]] std::span<const ExternalRead> from(std::uint32_t key, std::uint32_t writer) const {
    const auto all = of(key);
    const auto less = [](const ExternalRead& read, std::uint32_t w) { return read.writer < w; };
    const auto begin = std::lower_bound(all.begin(), all.end(), writer, less);
    auto end = begin;
    while (end != all.end() && end->writer == writer) ++end;
    return {begin, end};
  }

 private:
  std::vector<ExternalRead> reads_;
  std::vector<std::size_t> first_;
};

// One pass over all keys of one graph.
class Round {
 public:
  // Takes each edge that follows; tells whether it was new.
  Round(const TxnFacts& facts, const KeyIndex& index, const OrderRules& rules, std::uint32_t init,
        BlockReach& reach, FlatMap<char>& taken, std::vector<Dep>& out)
      : f_(facts),
        index_(index),
        rules_(rules),
        init_(init),
        reach_(reach),
        taken_(taken),
        out_(out),
        column_(facts.committed.size(), kNoColumn) {}

  // True when two writers can be neither before nor after each other.
  bool run(bool after_reads, std::uint64_t& steps) {
    const std::size_t most = SourceSet::kSize / (rules_.writers_apart ? 2 : 1);
    std::vector<Slice> block;
    std::size_t used = 0;
    const auto flush = [&] {
      if (!block.empty()) sweep(block, after_reads, steps);
      block.clear();
      sources_.clear();
      used = 0;
    };
    for (const std::uint32_t key : keys_in_order()) {
      const std::vector<std::uint32_t> writers = writers_in_order(key);
      for (std::size_t done = 0; done < writers.size();) {
        if (used + std::min(writers.size() - done, most) > most) flush();
        if (steps == 0 || contradiction_) return contradiction_;
        const std::size_t part = std::min(writers.size() - done, most);
        block.push_back({key, used, used + part});
        for (std::size_t i = 0; i < part; ++i) sources_.push_back(writers[done + i]);
        used += part;
        done += part;
      }
    }
    flush();
    return contradiction_;
  }

 private:
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;
  // Writers of a key, in the order of their positions, at columns [begin, end) of the block. Where
  // reads and writes are apart for them, their reads are kSize / 2 columns further on.
  struct Slice {
    std::uint32_t key;
    std::size_t begin, end;
  };
  static constexpr std::size_t kReads = SourceSet::kSize / 2;

  [[nodiscard]] std::uint32_t read_node(std::uint32_t t) const { return rules_.split ? 2 * t : t; }
  [[nodiscard]] std::uint32_t write_node(std::uint32_t t) const {
    if (t == TxnFacts::kInit) return init_;
    return rules_.split ? 2 * t + 1 : t;
  }
  [[nodiscard]] std::uint32_t position(std::uint32_t t) const {
    return reach_.position(write_node(t));
  }

  [[nodiscard]] std::vector<std::uint32_t> writers_in_order(std::uint32_t key) const {
    std::vector<std::uint32_t> writers = f_.writers[key];
    std::sort(writers.begin(), writers.end(),
              [&](std::uint32_t x, std::uint32_t y) { return position(x) < position(y); });
    return writers;
  }
  // Keys whose first writers are near each other are in one block, whose sweep is short then.
  [[nodiscard]] std::vector<std::uint32_t> keys_in_order() const {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> keys;
    for (std::uint32_t key = 0; key < f_.writers.size(); ++key) {
      const auto& writers = f_.writers[key];
      if (writers.empty() || (index_.of(key).empty() && !rules_.writers_apart)) continue;
      std::uint32_t first = kNoColumn;
      for (const std::uint32_t t : writers) first = std::min(first, position(t));
      keys.emplace_back(first, key);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::uint32_t> out;
    for (const auto& [first, key] : keys) out.push_back(key);
    return out;
  }

  void sweep(const std::vector<Slice>& block, bool after_reads, std::uint64_t& steps) {
    std::uint32_t last = 0;
    for (const Slice& slice : block) {
      for (const std::uint32_t t : f_.writers[slice.key]) last = std::max(last, position(t));
      for (const ExternalRead& read : index_.of(slice.key)) {
        last = std::max(last, reach_.position(read_node(read.txn)));
      }
    }
    std::vector<std::uint32_t> nodes;
    for (const std::uint32_t t : sources_) nodes.push_back(write_node(t));
    if (rules_.writers_apart) {
      nodes.resize(kReads, nodes.front());  // columns of no slice
      for (const std::uint32_t t : sources_) nodes.push_back(read_node(t));
    }
    use(steps, reach_.sweep(nodes, last));
    for (const Slice& slice : block) {
      if (steps == 0 || contradiction_) return;
      for (std::size_t c = slice.begin; c < slice.end; ++c) {
        column_[sources_[c]] = static_cast<std::uint32_t>(c);
      }
      const std::size_t before = out_.size();
      before_read_writers(slice);
      if (after_reads) after_read_writers(slice);
      if (rules_.writers_apart) apart(slice);
      use(steps, out_.size() - before + index_.of(slice.key).size());
      for (std::size_t c = slice.begin; c < slice.end; ++c) column_[sources_[c]] = kNoColumn;
    }
  }
  static void use(std::uint64_t& steps, std::uint64_t used) { steps -= std::min(steps, used); }

  [[nodiscard]] SourceSet reaching(std::uint32_t node, const Slice& slice) const {
    SourceSet out = reach_.reaching(node);
    out.keep(SourceSet::range(slice.begin, slice.end));
    return out;
  }
  // Calls visit(txn) for the writers in `set` that no other one in it comes after.
  template <class Visit>
  void for_each_latest(SourceSet set, const Visit& visit) {
    while (!set.empty()) {
      const std::size_t c = set.last();
      set.erase(c);
      set.remove(reach_.reaching(write_node(sources_[c])));
      visit(sources_[c]);
    }
  }
  void add(std::uint32_t from, std::uint32_t to, DepKind kind, std::uint32_t key) {
    if (!taken_.insert(edge(from, to), 1).second) return;
    out_.push_back({from, to, kind, key});
  }

  // A writer that reaches a reader comes before the writer that was read from.
  void before_read_writers(const Slice& slice) {
    for (const ExternalRead& read : index_.of(slice.key)) {
      SourceSet set = reaching(read_node(read.txn), slice);
      const std::uint32_t from = write_node(read.writer);
      if (read.writer != TxnFacts::kInit) {
        if (column_[read.writer] != kNoColumn) set.erase(column_[read.writer]);
        set.remove(reach_.reaching(from));
      }
      for_each_latest(set,
                      [&](std::uint32_t t) { add(write_node(t), from, DepKind::kWw, slice.key); });
    }
  }
  // A reader comes before the writers that the one read from reaches.
  void after_read_writers(const Slice& slice) {
    for (const std::uint32_t writer : f_.writers[slice.key]) {
      for_each_latest(reaching(write_node(writer), slice), [&](std::uint32_t t) {
        for (const ExternalRead& read : index_.from(slice.key, t)) {
          if (read.txn == writer) continue;
          add(read_node(read.txn), write_node(writer), DepKind::kRw, slice.key);
        }
      });
    }
  }
  // Of two writers one ends before the other begins: whoever begins before the other ends is first.
  void apart(const Slice& slice) {
    const SourceSet reads = SourceSet::range(kReads + slice.begin, kReads + slice.end);
    for (const std::uint32_t writer : f_.writers[slice.key]) {
      SourceSet set = reach_.reaching(write_node(writer));
      set.keep(reads);
      if (column_[writer] != kNoColumn) set.erase(kReads + column_[writer]);
      while (!set.empty()) {
        const std::size_t c = set.last();
        set.erase(c);
        const std::uint32_t first = sources_[c - kReads];
        set.remove(reach_.reaching(write_node(first)));
        if (reach_.reaching(read_node(writer)).has(c - kReads)) continue;
        if (column_[writer] != kNoColumn &&
            reach_.reaching(write_node(first)).has(kReads + column_[writer])) {
          contradiction_ = true;
          return;
        }
        add(write_node(first), read_node(writer), DepKind::kWw, slice.key);
      }
    }
  }

  const TxnFacts& f_;
  const KeyIndex& index_;
  OrderRules rules_;
  std::uint32_t init_;
  BlockReach& reach_;
  FlatMap<char>& taken_;
  std::vector<Dep>& out_;
  std::vector<std::uint32_t> sources_;  // txn by column
  std::vector<std::uint32_t> column_;   // of a txn in the slice at hand
  bool contradiction_ = false;
};

}  // namespace

bool forces_contradiction(const TxnFacts& facts, const OrderRules& rules, std::size_t nodes,
                          std::vector<Dep> known, std::uint64_t& steps, std::vector<Dep>& forced) {
  const KeyIndex index(facts, false);
  FlatMap<char> taken;
  for (const Dep& dep : known) taken.insert(edge(dep.from, dep.to), 1);
  for (;;) {
    BlockReach reach(DepGraph(nodes, known));
    if (reach.cyclic()) return true;
    std::vector<Dep> found;
    Round round(facts, index, rules, TxnFacts::kInit, reach, taken, found);
    const bool contradiction = round.run(true, steps);
    forced.insert(forced.end(), found.begin(), found.end());
    known.insert(known.end(), found.begin(), found.end());
    if (contradiction) return true;
    if (found.empty()) return false;
    if (steps == 0) return !DepGraph(nodes, known).acyclic();
  }
}

std::vector<Dep> required_writers(const TxnFacts& facts, const DepGraph& graph,
                                  std::uint32_t init) {
  std::vector<Dep> out;
  BlockReach reach(graph);
  if (reach.cyclic()) return out;
  FlatMap<char> taken;
  std::uint64_t steps = std::numeric_limits<std::uint64_t>::max();
  (void)Round(facts, KeyIndex(facts, true), {}, init, reach, taken, out).run(false, steps);
  return out;
}

}  // namespace stateutils::sbus
