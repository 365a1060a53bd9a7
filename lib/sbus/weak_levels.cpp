#include "sbus/weak_levels.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>

#include "sbus/forced_order.hpp"

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
    first_read_.assign(h_.txns.size() + 1, 0);
    for (const ExternalRead& read : f_.reads) ++first_read_[read.txn + 1];
    for (std::size_t t = 0; t < h_.txns.size(); ++t) first_read_[t + 1] += first_read_[t];
    if (level_ == Level::kRc) read_committed();
    if (level_ == Level::kRa || level_ == Level::kRyw) own_session();
    if (level_ == Level::kRa) direct_reads();
    if (level_ == Level::kCc) causal();
    if (level_ == Level::kMr || level_ == Level::kMw || level_ == Level::kWfr) along_sessions();
    return DepGraph(h_.txns.size() + 1, deps_);
  }

 private:
  // A session's writers of one key: their places, ascending, at [begin, end) of places_.
  struct Group {
    std::uint32_t session, begin, end;
  };

  [[nodiscard]] std::span<const ExternalRead> reads_of(std::uint32_t t) const {
    return std::span(f_.reads).subspan(first_read_[t], first_read_[t + 1] - first_read_[t]);
  }
  void writes_by_session() {
    for (std::uint32_t key = 0; key < f_.writers.size(); ++key) {
      // Transactions are numbered in the order of their session, so a stable sort by session
      // leaves places ascending.
      std::vector<std::uint32_t> writers = f_.writers[key];
      std::stable_sort(writers.begin(), writers.end(), [this](std::uint32_t x, std::uint32_t y) {
        return h_.txns[x].session < h_.txns[y].session;
      });
      first_group_.push_back(groups_.size());
      for (const std::uint32_t t : writers) {
        const std::uint32_t session = h_.txns[t].session;
        const auto at = static_cast<std::uint32_t>(places_.size());
        if (groups_.size() == first_group_.back() || groups_.back().session != session) {
          groups_.push_back({session, at, at});
        }
        places_.push_back(f_.place[t]);
        ++groups_.back().end;
      }
    }
    first_group_.push_back(groups_.size());
  }
  [[nodiscard]] std::span<const Group> groups_of(std::uint32_t key) const {
    return std::span(groups_).subspan(first_group_[key], first_group_[key + 1] - first_group_[key]);
  }
  // 1 + the place of the group's last writer before a place, 0 when there is none.
  [[nodiscard]] std::uint32_t place_before(const Group& group, std::uint32_t before) const {
    const auto begin = places_.begin() + group.begin, end = places_.begin() + group.end;
    const auto at = std::lower_bound(begin, end, before);
    return at == begin ? 0 : *std::prev(at) + 1;
  }
  // The last writer of the key in a session before a place; earlier ones precede it anyway.
  [[nodiscard]] std::uint32_t last_writer(std::uint32_t session, std::uint32_t key,
                                          std::uint32_t before) const {
    const auto groups = groups_of(key);
    const auto group =
        std::lower_bound(groups.begin(), groups.end(), session,
                         [](const Group& g, std::uint32_t s) { return g.session < s; });
    if (group == groups.end() || group->session != session) return kNoPlace;
    const std::uint32_t place = place_before(*group, before);
    return place == 0 ? kNoPlace : f_.sessions[session][place - 1];
  }
  [[nodiscard]] bool writes(std::uint32_t t, std::uint32_t key) const {
    return std::binary_search(f_.writers[key].begin(), f_.writers[key].end(), t);
  }
  void require(std::uint32_t t2, const ExternalRead& read) {
    const std::uint32_t t1 = read.writer == TxnFacts::kInit ? init_ : read.writer;
    if (t2 != t1 && t2 != read.txn) deps_.push_back({t2, t1, DepKind::kWw, read.key});
  }

  void read_committed() {
    std::vector<std::uint32_t> earlier;
    for (std::uint32_t t = 0; t < init_; ++t) {
      earlier.clear();
      for (const ExternalRead& read : reads_of(t)) {
        for (const std::uint32_t t2 : earlier) {
          if (t2 != read.writer && writes(t2, read.key)) require(t2, read);
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
    for (const ExternalRead& read : f_.reads) {
      for (const ExternalRead& other : reads_of(read.txn)) {
        if (other.writer == TxnFacts::kInit || other.writer == read.writer) continue;
        if (writes(other.writer, read.key)) require(other.writer, read);
      }
    }
  }

  // Transactions so that session order and reads-from point forward; those on a cycle of these are
  // anywhere, which the caller finds in any case.
  [[nodiscard]] std::vector<std::uint32_t> causal_order(const DepGraph& graph) const {
    std::vector<std::uint32_t> sizes;
    const auto component = graph.components(~0u, sizes);
    std::vector<std::uint32_t> order(h_.txns.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
      return std::pair(component[y], x) < std::pair(component[x], y);
    });
    return order;
  }

  // Vector clocks over session order and reads-from: per transaction and session, how many of the
  // session's transactions come before it. Of the writers that a reader of t1 must put before t1,
  // one per session matters, the last one, and only when t1 does not know of it by itself. Where
  // the clocks of many sessions would not fit memory, reachability takes their place.
  void causal() {
    std::vector<Dep> order;
    for (const Dep& dep : deps_) {
      if (dep.from != init_ && (dep.kind == DepKind::kWr || dep.kind == DepKind::kSession)) {
        order.push_back(dep);
      }
    }
    const DepGraph graph(h_.txns.size(), order);
    const std::size_t width = f_.sessions.size();
    constexpr std::size_t kMostEntries = std::size_t{1} << 26;  // of 12 bytes
    if (width != 0 && h_.txns.size() > kMostEntries / width) {
      const std::vector<Dep> required = required_writers(f_, graph, init_);
      deps_.insert(deps_.end(), required.begin(), required.end());
      return;
    }
    std::vector<std::uint32_t> known(h_.txns.size() * width), needed(known.size()),
        key_needed(known.size());
    for (const std::uint32_t t : causal_order(graph)) {
      if (!f_.committed[t]) continue;
      const std::uint32_t* clock = &known[t * width];
      for (const ExternalRead& read : reads_of(t)) {
        const std::size_t row = read.writer * width;
        for (const Group& group : groups_of(read.key)) {
          const std::uint32_t before = clock[group.session];
          if (before == 0) continue;
          if (read.writer == TxnFacts::kInit) {
            const std::uint32_t place = place_before(group, before);
            if (place != 0) require(f_.sessions[group.session][place - 1], read);
            continue;
          }
          const std::size_t at = row + group.session;
          const std::uint32_t enough = std::max(known[at], needed[at]);
          if (before <= enough) continue;
          const std::uint32_t place = place_before(group, before);
          if (place <= enough || f_.sessions[group.session][place - 1] == read.writer) continue;
          needed[at] = place;
          key_needed[at] = read.key;
        }
      }
      for (const Dep& dep : graph.out(t)) {
        std::uint32_t* theirs = &known[dep.to * width];
        for (std::size_t s = 0; s < width; ++s) theirs[s] = std::max(theirs[s], clock[s]);
        std::uint32_t& own = theirs[h_.txns[t].session];
        own = std::max(own, f_.place[t] + 1);
      }
    }
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      for (std::uint32_t s = 0; s < width; ++s) {
        const std::size_t at = t * width + s;
        if (needed[at] == 0) continue;
        deps_.push_back({f_.sessions[s][needed[at] - 1], t, DepKind::kWw, key_needed[at]});
      }
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
  std::vector<std::uint32_t> places_;
  std::vector<Group> groups_;                          // by key, then session
  std::vector<std::size_t> first_group_, first_read_;  // by key, by txn
};

}  // namespace

DepGraph saturated(const TxnHistory& history, const TxnFacts& facts, Level level) {
  return Saturation(history, facts, level).run();
}

}  // namespace stateutils::sbus
