#include "sbus/weak_levels.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>

namespace stateutils::sbus {
namespace {

constexpr std::uint32_t kNoPlace = UINT32_MAX;

class Saturation {
 public:
  Saturation(const TxnHistory& history, const TxnFacts& facts, Level level)
      : h_(history),
        f_(facts),
        level_(level),
        init_(static_cast<std::uint32_t>(history.txns.size())) {}

  DepGraph run() {
    deps_ = f_.deps;
    // rw edges are no part of co at these levels.
    std::erase_if(deps_, [](const Dep& dep) { return dep.kind == DepKind::kRw; });
    for (const auto& session : f_.sessions) {
      for (std::size_t i = 1; i < session.size(); ++i) {
        deps_.push_back({session[i - 1], session[i], DepKind::kSession, Dep::kNoKey});
      }
    }
    for (std::uint32_t t = 0; t < init_; ++t) {
      if (f_.committed[t]) deps_.push_back({init_, t, DepKind::kSession, Dep::kNoKey});
    }
    writes_by_session();
    for (std::size_t begin = 0; begin < f_.reads.size();) {
      std::size_t end = begin;
      while (end < f_.reads.size() && f_.reads[end].txn == f_.reads[begin].txn) ++end;
      by_txn_[f_.reads[begin].txn] = {begin, end};
      begin = end;
    }
    if (level_ == Level::kRc) read_committed();
    if (level_ == Level::kRa || level_ == Level::kRyw) own_session();
    if (level_ == Level::kRa) direct_reads();
    if (level_ == Level::kCc) causal();
    if (level_ == Level::kMr || level_ == Level::kMw || level_ == Level::kWfr) along_sessions();
    return DepGraph(h_.txns.size() + 1, std::move(deps_));
  }

 private:
  struct Range {
    std::size_t begin = 0, end = 0;
  };
  [[nodiscard]] std::span<const ExternalRead> reads_of(std::uint32_t t) const {
    const auto found = by_txn_.find(t);
    if (found == by_txn_.end()) return {};
    return std::span(f_.reads).subspan(found->second.begin,
                                       found->second.end - found->second.begin);
  }
  [[nodiscard]] static std::uint64_t id(std::uint32_t session, std::uint32_t key) {
    return static_cast<std::uint64_t>(session) << 32 | key;
  }
  // Per session and key the writers' places, ascending.
  void writes_by_session() {
    for (std::uint32_t key = 0; key < f_.writers.size(); ++key) {
      for (const std::uint32_t t : f_.writers[key]) {
        places_[id(h_.txns[t].session, key)].push_back(f_.place[t]);
      }
    }
    for (auto& [unused, list] : places_) std::sort(list.begin(), list.end());
  }
  // The last writer of the key in a session before a place; earlier ones precede it anyway.
  [[nodiscard]] std::uint32_t last_writer(std::uint32_t session, std::uint32_t key,
                                          std::uint32_t before) const {
    const auto found = places_.find(id(session, key));
    if (found == places_.end()) return kNoPlace;
    const auto at = std::lower_bound(found->second.begin(), found->second.end(), before);
    return at == found->second.begin() ? kNoPlace : f_.sessions[session][*std::prev(at)];
  }
  [[nodiscard]] bool writes(std::uint32_t t, std::uint32_t key) const {
    const auto found = places_.find(id(h_.txns[t].session, key));
    return found != places_.end() &&
           std::binary_search(found->second.begin(), found->second.end(), f_.place[t]);
  }
  void require(std::uint32_t t2, const ExternalRead& read) {
    const std::uint32_t t1 = read.writer == TxnFacts::kInit ? init_ : read.writer;
    if (t2 != t1 && t2 != read.txn) deps_.push_back({t2, t1, DepKind::kWw, read.key});
  }

  void read_committed() {
    for (const auto& [t, range] : by_txn_) {
      std::vector<std::uint32_t> earlier;
      for (std::size_t i = range.begin; i < range.end; ++i) {
        const ExternalRead& read = f_.reads[i];
        for (const std::uint32_t t2 : earlier) {
          if (writes(t2, read.key)) require(t2, read);
        }
        if (read.writer != TxnFacts::kInit &&
            std::find(earlier.begin(), earlier.end(), read.writer) == earlier.end()) {
          earlier.push_back(read.writer);
        }
      }
    }
  }
  void own_session() {
    for (const ExternalRead& read : f_.reads) {
      const std::uint32_t t2 = last_writer(h_.txns[read.txn].session, read.key, f_.place[read.txn]);
      if (t2 != kNoPlace) require(t2, read);
    }
  }
  void direct_reads() {
    for (const auto& [t, range] : by_txn_) {
      for (std::size_t i = range.begin; i < range.end; ++i) {
        for (std::size_t j = range.begin; j < range.end; ++j) {
          const std::uint32_t t2 = f_.reads[j].writer;
          if (t2 != TxnFacts::kInit && writes(t2, f_.reads[i].key)) require(t2, f_.reads[i]);
        }
      }
    }
  }

  // How many transactions of each session come before one, over session order and reads-from:
  // vector clocks in topological order. A cycle there is found by the caller in any case.
  void causal() {
    const std::size_t width = f_.sessions.size();
    std::vector<Dep> order;
    for (const Dep& dep : deps_) {
      if (dep.from != init_ && (dep.kind == DepKind::kWr || dep.kind == DepKind::kSession)) {
        order.push_back(dep);
      }
    }
    const DepGraph graph(h_.txns.size(), order);
    std::vector<std::uint32_t> sizes;
    const auto component = graph.components(~0u, sizes);
    std::vector<std::uint32_t> sorted(h_.txns.size());
    std::iota(sorted.begin(), sorted.end(), 0);
    std::sort(sorted.begin(), sorted.end(),
              [&](std::uint32_t x, std::uint32_t y) { return component[x] > component[y]; });
    std::vector<std::vector<std::uint32_t>> clock(h_.txns.size());
    for (const std::uint32_t t : sorted) {
      if (!f_.committed[t]) continue;
      clock[t].resize(width, 0);
      for (const ExternalRead& read : reads_of(t)) {
        for (std::uint32_t s = 0; s < width; ++s) {
          const std::uint32_t t2 =
              clock[t][s] == 0 ? kNoPlace : last_writer(s, read.key, clock[t][s]);
          if (t2 != kNoPlace) require(t2, read);
        }
      }
      for (const Dep& dep : graph.out(t)) {
        auto& theirs = clock[dep.to];
        theirs.resize(width, 0);
        for (std::size_t s = 0; s < width; ++s) theirs[s] = std::max(theirs[s], clock[t][s]);
        auto& own = theirs[h_.txns[t].session];
        own = std::max(own, f_.place[t] + 1);
      }
      std::vector<std::uint32_t>().swap(clock[t]);
    }
  }

  // Monotonic reads, monotonic writes and writes follow reads look at what the transactions of the
  // reader's session have read up to here.
  void along_sessions() {
    for (const auto& session : f_.sessions) {
      std::unordered_map<std::uint32_t, std::uint32_t> seen_place;  // session -> highest place read
      std::unordered_map<std::uint32_t, std::set<std::uint32_t>> read_writers;  // key -> writers
      for (const std::uint32_t t : session) {
        if (level_ == Level::kMr) {
          for (const ExternalRead& read : reads_of(t)) {
            for (const std::uint32_t t2 : read_writers[read.key]) require(t2, read);
          }
        }
        for (const ExternalRead& read : reads_of(t)) {
          if (read.writer == TxnFacts::kInit) continue;
          auto& place = seen_place[h_.txns[read.writer].session];
          place = std::max(place, f_.place[read.writer] + 1);
        }
        for (const ExternalRead& read : reads_of(t)) {
          for (const auto& [other, place] : seen_place) {
            if (level_ == Level::kMw) {
              const std::uint32_t t2 = last_writer(other, read.key, place - 1);
              if (t2 != kNoPlace) require(t2, read);
            } else if (level_ == Level::kWfr) {
              for (std::uint32_t p = 0; p + 1 < place; ++p) follow(other, p, read);
            }
          }
        }
        if (level_ != Level::kMr) continue;
        for (const ExternalRead& read : reads_of(t)) {
          if (read.writer == TxnFacts::kInit) continue;
          for (const TxnOp& op : h_.txns[read.writer].ops) {
            if (op.kind == TxnOp::Kind::kWrite || op.kind == TxnOp::Kind::kAppend) {
              read_writers[op.key].insert(read.writer);
            }
          }
        }
      }
    }
  }
  void follow(std::uint32_t session, std::uint32_t place, const ExternalRead& read) {
    for (const ExternalRead& earlier : reads_of(f_.sessions[session][place])) {
      if (earlier.writer != TxnFacts::kInit && writes(earlier.writer, read.key)) {
        require(earlier.writer, read);
      }
    }
  }

  const TxnHistory& h_;
  const TxnFacts& f_;
  Level level_;
  std::uint32_t init_;
  std::vector<Dep> deps_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> places_;
  std::unordered_map<std::uint32_t, Range> by_txn_;
};

}  // namespace

DepGraph saturated(const TxnHistory& history, const TxnFacts& facts, Level level) {
  return Saturation(history, facts, level).run();
}

}  // namespace stateutils::sbus
