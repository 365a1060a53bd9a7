#include "sbus/chain_order.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "sbus/chain_clocks.hpp"
#include "sbus/chain_index.hpp"

namespace stateutils::sbus {
namespace {

// What reads force, closed under chains: of the edges that follow from a new one only the last
// writer of each chain matters, as earlier ones come before it.
class ForcedChains {
 public:
  struct Edge {
    std::uint32_t from, to;  // events
    DepKind kind;
    std::uint32_t key;
  };

  ForcedChains(const ChainIndex& index, const OrderRules& rules, std::uint64_t& steps)
      : index_(index), apart_(rules.writers_apart), steps_(steps), clocks_(index.chain_sizes()) {}

  [[nodiscard]] ChainClocks& clocks() { return clocks_; }
  [[nodiscard]] std::vector<Dep> forced() const {
    std::vector<Dep> out;
    for (const Edge& edge : forced_) {
      out.push_back({node(edge.from), node(edge.to), edge.kind, edge.key});
    }
    return out;
  }

  // Takes `known` and all that follows. False on a contradiction.
  bool close(std::span<const Dep> known) {
    std::vector<ChainClocks::Edge> edges;
    for (const Dep& dep : known) edges.emplace_back(event(dep.from), event(dep.to));
    for (;;) {
      use(edges.size() + clocks_.events());
      if (!clocks_.rebuild(edges)) return false;
      follow_changes();
      take_new();
      if (queue_.empty() || steps_ == 0) return true;
      // Few edges are cheaper one by one.
      constexpr std::size_t kFew = 64;
      if (queue_.size() <= kFew) return settle([](std::uint32_t) { return false; }, true);
      forced_.insert(forced_.end(), queue_.begin(), queue_.end());
      for (const Edge& edge : queue_) edges.emplace_back(edge.from, edge.to);
      queue_.clear();
    }
  }

  void require(std::uint32_t from, std::uint32_t to, DepKind kind, std::uint32_t key) {
    queue_.push_back({from, to, kind, key});
  }
  // Takes what is required and all that follows, where events that are `done` come before all
  // others, in an order that is known. False on a contradiction.
  template <class Done>
  bool settle(const Done& done, bool keep = false) {
    while (!queue_.empty() && steps_ > 0) {
      const Edge edge = queue_.back();
      queue_.pop_back();
      if (done(edge.from)) continue;
      if (keep && !clocks_.precedes(edge.from, edge.to)) forced_.push_back(edge);
      if (done(edge.to) || !clocks_.insert(edge.from, edge.to)) {
        queue_.clear();
        clocks_.changes().clear();
        return false;
      }
      use(1 + clocks_.changes().size());
      follow_changes();
    }
    queue_.clear();
    return true;
  }

 private:
  [[nodiscard]] std::uint32_t event(std::uint32_t node) const {
    if (!index_.split()) return index_.read_event(node);
    return node % 2 == 0 ? index_.read_event(node / 2) : index_.write_event(node / 2);
  }
  [[nodiscard]] std::uint32_t node(std::uint32_t event) const {
    const std::uint32_t t = index_.txn(event);
    return !index_.split() ? t : 2 * t + (index_.reads_at(event) ? 0 : 1);
  }
  void use(std::uint64_t steps) { steps_ -= std::min(steps_, steps); }

  void follow_changes() {
    for (const ChainClocks::Change& change : clocks_.changes()) {
      if (index_.reads_at(change.event)) before_what_was_read(change);
      if (index_.writes_at(change.event)) after_readers(change);
      if (apart_ && index_.writes_at(change.event)) apart(change);
    }
    clocks_.changes().clear();
  }
  // The last writer of `key` among the events that have come before; none when it had been there.
  [[nodiscard]] std::optional<std::uint32_t> newly_before(const ChainClocks::Change& change,
                                                          std::uint32_t key) const {
    const std::uint32_t begin = clocks_.event(change.chain, 0);
    const auto last =
        index_.last_writer(key, change.chain, begin + clocks_.before(change.event)[change.chain]);
    return last && *last >= begin + change.before ? last : std::nullopt;
  }
  // A writer that comes before a reader comes before the writer that was read from. (Readers of the
  // initial state come before all writers in what is known.)
  void before_what_was_read(const ChainClocks::Change& change) {
    for (const ExternalRead& read : index_.reads(index_.txn(change.event))) {
      if (read.writer == TxnFacts::kInit) continue;
      const auto last = newly_before(change, read.key);
      if (!last || index_.txn(*last) == read.writer) continue;
      require(*last, index_.write_event(read.writer), DepKind::kWw, read.key);
    }
  }
  // The readers of a write come before a later writer.
  void after_readers(const ChainClocks::Change& change) {
    const std::uint32_t t = index_.txn(change.event);
    for (const ChainIndex::Write& own : index_.writes(t)) {
      const auto last = newly_before(change, own.key);
      if (!last) continue;
      const ChainIndex::Write* write = index_.write(index_.txn(*last), own.key);
      for (const std::uint32_t reader : index_.readers(*write)) {
        if (reader != t) require(index_.read_event(reader), change.event, DepKind::kRw, own.key);
      }
    }
  }
  // Of two writers one ends before the other begins: whoever begins before the other ends is first.
  void apart(const ChainClocks::Change& change) {
    const std::uint32_t t = index_.txn(change.event);
    if (clocks_.chain(change.event) == change.chain) return;
    const std::uint32_t begin = clocks_.event(change.chain, 0);
    const std::uint32_t end = begin + clocks_.before(change.event)[change.chain];
    for (const ChainIndex::Write& own : index_.writes(t)) {
      // A transaction writes right after its reads, so it has begun one place before its write.
      const auto last = index_.last_writer(own.key, change.chain, end + 1);
      if (!last || *last <= begin + change.before) continue;
      require(*last, index_.read_event(t), DepKind::kWw, own.key);
    }
  }
  // Drops from the queue what is known or there twice.
  void take_new() {
    const auto what = [](const Edge& e) { return std::tuple(e.from, e.to, e.kind, e.key); };
    std::erase_if(queue_, [&](const Edge& e) { return clocks_.precedes(e.from, e.to); });
    std::sort(queue_.begin(), queue_.end(),
              [&](const Edge& x, const Edge& y) { return what(x) < what(y); });
    const auto same = [](const Edge& x, const Edge& y) { return x.from == y.from && x.to == y.to; };
    queue_.erase(std::unique(queue_.begin(), queue_.end(), same), queue_.end());
  }

  const ChainIndex& index_;
  bool apart_;
  std::uint64_t& steps_;
  ChainClocks clocks_;
  std::vector<Edge> queue_, forced_;
};

// Runs events one after the other, always the first of some chain. What is done comes before all
// that is left, so the search needs no more than the consequences of that for the writes at hand.
class ChainSearch {
 public:
  ChainSearch(const ChainIndex& index, const OrderRules& rules, ForcedChains& chains,
              std::uint64_t& steps)
      : index_(index),
        apart_(rules.writers_apart),
        chains_(chains),
        clocks_(chains.clocks()),
        steps_(steps),
        head_(index.chain_sizes().size(), 0),
        blocked_(head_.size()),
        last_(index.keys(), TxnFacts::kInit),
        pending_(index.keys(), 0),
        written_(index.groups(), 0) {
    clocks_.forget();
    for (std::uint32_t e = 0; e < clocks_.events(); ++e) {
      if (!index_.reads_at(e)) continue;
      for (const ExternalRead& read : index_.reads(index_.txn(e))) {
        if (read.writer == TxnFacts::kInit) ++pending_[read.key];
      }
    }
  }

  Verdict run() {
    bool good = run_free();
    while (steps_ > 0) {
      if (good && order_.size() == clocks_.events()) {
        return is_right() ? Verdict::kValid : Verdict::kUnknown;
      }
      if (good) decide();
      good = true;
      if (!advance()) return complete_ ? Verdict::kInvalid : Verdict::kUnknown;
    }
    return Verdict::kUnknown;
  }

 private:
  struct Decision {
    std::size_t done, old;  // sizes of order_ and old_ before it
    ChainClocks::Mark mark;
    std::vector<std::uint32_t> events;  // that may come next
    std::size_t next = 0;
  };
  // A chain whose head has to wait until another chain is at `place`.
  struct Blocked {
    std::uint32_t chain = 0, place = 0;
  };
  // What was to be remembered of a key before a write.
  struct Old {
    std::uint32_t last, pending;
  };

  [[nodiscard]] bool done(std::uint32_t event) const {
    return clocks_.place(event) < head_[clocks_.chain(event)];
  }

  // Whether nothing that is left comes before it.
  bool is_minimal(std::uint32_t event) {
    const std::uint32_t own = clocks_.chain(event);
    Blocked& blocked = blocked_[own];
    if (head_[blocked.chain] < blocked.place) return false;
    const auto before = clocks_.before(event);
    for (std::uint32_t c = 0; c < head_.size(); ++c) {
      if (before[c] <= head_[c] || c == own) continue;
      blocked = {c, before[c]};
      return false;
    }
    return true;
  }
  // Calls visit(write event) for the next writer of the key on each chain, but those of `t`; false
  // as soon as that is.
  template <class Visit>
  bool each_next_writer(std::uint32_t key, std::uint32_t t, const Visit& visit) const {
    for (const ChainIndex::Group& group : index_.groups_of(key)) {
      const auto events = index_.writers(group);
      std::uint32_t next = written_[index_.number(group)];
      if (next < events.size() && index_.txn(events[next]) == t) ++next;
      if (next < events.size() && !visit(events[next])) return false;
    }
    return true;
  }
  // Whether its reads are right now, and its writes end no version that has readers left.
  [[nodiscard]] bool may_run(std::uint32_t event) const {
    const std::uint32_t t = index_.txn(event);
    if (index_.reads_at(event)) {
      for (const ExternalRead& read : index_.reads(t)) {
        if (last_[read.key] != read.writer) return false;
      }
    }
    if (index_.writes_at(event)) {
      for (const ChainIndex::Write& write : index_.writes(t)) {
        const bool own = !index_.split() && index_.reads_key(t, write.key);
        if (pending_[write.key] > (own ? 1u : 0u)) return false;
      }
      return true;
    }
    if (!apart_) return true;
    for (const ChainIndex::Write& write : index_.writes(t)) {
      const bool open = each_next_writer(write.key, t, [&](std::uint32_t other) {
        return !done(index_.read_event(index_.txn(other)));
      });
      if (!open) return false;
    }
    return true;
  }
  // Whether any order of what is left could begin with it as well: then there is nothing to decide.
  // Reads can be done as soon as they can at all; writes that no other writer may come before, too.
  [[nodiscard]] bool is_free(std::uint32_t event) const {
    const std::uint32_t t = index_.txn(event);
    const bool writes = index_.writes_at(event);
    // Under si the decision is which of two writers begins, and then it has to end.
    if (apart_ ? writes : !writes) return true;
    for (const ChainIndex::Write& write : index_.writes(t)) {
      const bool first = each_next_writer(write.key, t, [&](std::uint32_t other) {
        return apart_
                   ? clocks_.precedes(index_.write_event(t), index_.read_event(index_.txn(other)))
                   : clocks_.precedes(event, other);
      });
      if (!first) return false;
    }
    return true;
  }

  // Does an event that may run. False when what follows is a contradiction.
  bool execute(std::uint32_t event) {
    const std::uint32_t t = index_.txn(event);
    order_.push_back(event);
    ++head_[clocks_.chain(event)];
    if (index_.reads_at(event)) {
      for (const ExternalRead& read : index_.reads(t)) --pending_[read.key];
      if (apart_) begin_writes(t);
    }
    if (index_.writes_at(event)) {
      for (const ChainIndex::Write& write : index_.writes(t)) do_write(t, write);
    }
    return chains_.settle([this](std::uint32_t e) { return done(e); });
  }
  // Other writers of its keys begin when it has ended.
  void begin_writes(std::uint32_t t) {
    for (const ChainIndex::Write& write : index_.writes(t)) {
      (void)each_next_writer(write.key, t, [&](std::uint32_t other) {
        chains_.require(index_.write_event(t), index_.read_event(index_.txn(other)), DepKind::kWw,
                        write.key);
        return true;
      });
    }
  }
  // The writers that are left come after the readers of this write.
  void do_write(std::uint32_t t, const ChainIndex::Write& write) {
    old_.push_back({last_[write.key], pending_[write.key]});
    const auto readers = index_.readers(write);
    last_[write.key] = t;
    pending_[write.key] = static_cast<std::uint32_t>(readers.size());
    ++written_[write.group];
    for (const std::uint32_t reader : readers) {
      (void)each_next_writer(write.key, reader, [&](std::uint32_t other) {
        chains_.require(index_.read_event(reader), other, DepKind::kRw, write.key);
        return true;
      });
    }
  }
  void take_back(const Decision& to) {
    clocks_.undo(to.mark);
    while (order_.size() > to.done) {
      const std::uint32_t event = order_.back(), t = index_.txn(event);
      order_.pop_back();
      --head_[clocks_.chain(event)];
      if (index_.writes_at(event)) {
        const auto writes = index_.writes(t);
        for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
          last_[write->key] = old_.back().last;
          pending_[write->key] = old_.back().pending;
          old_.pop_back();
          --written_[write->group];
        }
      }
      if (!index_.reads_at(event)) continue;
      for (const ExternalRead& read : index_.reads(t)) ++pending_[read.key];
    }
    std::fill(blocked_.begin(), blocked_.end(), Blocked{});
  }

  [[nodiscard]] bool has_head(std::uint32_t chain) const {
    return head_[chain] < clocks_.size(chain);
  }
  [[nodiscard]] std::uint32_t head(std::uint32_t chain) const {
    return clocks_.event(chain, head_[chain]);
  }
  // Does what needs no decision.
  bool run_free() {
    for (bool again = true; again;) {
      again = false;
      for (std::uint32_t c = 0; c < head_.size(); ++c) {
        while (has_head(c) && is_minimal(head(c)) && may_run(head(c)) && is_free(head(c))) {
          again = true;
          if (!execute(head(c))) return false;
        }
      }
    }
    return true;
  }
  // Offers the events that may come next, those first that others wait for the soonest.
  void decide() {
    std::vector<std::tuple<std::uint32_t, std::uint32_t>> ranked;  // how long until then, event
    for (std::uint32_t c = 0; c < head_.size(); ++c) {
      if (!has_head(c) || !is_minimal(head(c)) || !may_run(head(c))) continue;
      const auto after = clocks_.after(head(c));
      std::uint32_t soonest = std::numeric_limits<std::uint32_t>::max();
      for (std::uint32_t other = 0; other < head_.size(); ++other) {
        if (other != c && after[other] < clocks_.size(other)) {
          soonest = std::min(soonest, after[other] - head_[other]);
        }
      }
      ranked.emplace_back(soonest, head(c));
    }
    std::sort(ranked.begin(), ranked.end());
    // What cannot be taken back any more leaves no proof that there is no order.
    constexpr std::size_t kMostRemembered = std::size_t{1} << 23;
    if (clocks_.remembered() > kMostRemembered) {
      clocks_.forget();
      decisions_.clear();
      complete_ = false;
    }
    Decision& decision = decisions_.emplace_back();
    decision.done = order_.size();
    decision.old = old_.size();
    decision.mark = clocks_.mark();
    for (const auto& [soonest, event] : ranked) decision.events.push_back(event);
  }
  // Goes on with the newest decision that leaves something to try; false when none does.
  bool advance() {
    while (!decisions_.empty() && steps_ > 0) {
      Decision& decision = decisions_.back();
      take_back(decision);
      if (decision.next == decision.events.size()) {
        decisions_.pop_back();
        continue;
      }
      const std::uint32_t event = decision.events[decision.next++];
      if (decision.next == decision.events.size()) decisions_.pop_back();
      if (execute(event) && run_free()) return true;
    }
    return steps_ == 0;
  }

  // Whether every read sees the last write before it, and no write comes between the reads and the
  // writes of another writer of its key where they are to be apart.
  [[nodiscard]] bool is_right() const {
    std::vector<std::uint32_t> last(index_.keys(), TxnFacts::kInit);
    // Per chain: who had written its transaction's keys when that began.
    std::vector<std::vector<std::uint32_t>> begun(head_.size());
    for (const std::uint32_t event : order_) {
      const std::uint32_t t = index_.txn(event), chain = clocks_.chain(event);
      if (index_.reads_at(event)) {
        for (const ExternalRead& read : index_.reads(t)) {
          if (last[read.key] != read.writer) return false;
        }
        begun[chain].clear();
        for (const ChainIndex::Write& write : index_.writes(t)) {
          begun[chain].push_back(last[write.key]);
        }
      }
      if (!index_.writes_at(event)) continue;
      std::size_t at = 0;
      for (const ChainIndex::Write& write : index_.writes(t)) {
        if (apart_ && last[write.key] != begun[chain][at++]) return false;
        last[write.key] = t;
      }
    }
    return true;
  }

  const ChainIndex& index_;
  bool apart_;
  ForcedChains& chains_;
  ChainClocks& clocks_;
  std::uint64_t& steps_;
  std::vector<std::uint32_t> head_;  // per chain: events done
  std::vector<Blocked> blocked_;
  std::vector<std::uint32_t> last_;     // per key: who wrote it last
  std::vector<std::uint32_t> pending_;  // per key: readers of that who are left
  std::vector<std::uint32_t> written_;  // per group: writers done
  std::vector<std::uint32_t> order_;    // events done
  std::vector<Old> old_;
  std::vector<Decision> decisions_;
  bool complete_ = true;
};

}  // namespace

ChainOutcome order_chains(const TxnFacts& facts, const OrderRules& rules,
                          std::span<const Dep> known, std::uint64_t& steps) {
  const std::size_t events = facts.committed.size() * (rules.split ? 2 : 1);
  constexpr std::size_t kMostEntries = std::size_t{1} << 26;  // of 12 bytes
  if (facts.sessions.empty()) return {Verdict::kValid, {}};
  if (events > kMostEntries / facts.sessions.size()) return {};
  const ChainIndex index(facts, rules.split);
  ForcedChains forced(index, rules, steps);
  if (!forced.close(known)) return {Verdict::kInvalid, forced.forced()};
  if (steps == 0) return {};
  return {ChainSearch(index, rules, forced, steps).run(), {}};
}

}  // namespace stateutils::sbus
