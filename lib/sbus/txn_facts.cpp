#include "sbus/txn_facts.hpp"

#include <algorithm>
#include <unordered_map>

namespace stateutils::sbus {
namespace {

struct Write {
  std::uint32_t txn = 0;
  bool last = true;  // the last write of its transaction to the key
};

class FactFinder {
 public:
  FactFinder(const TxnHistory& history, const std::string& file) : h_(history), file_(file) {}

  TxnFacts run(bool allow_dup) {
    facts_.committed.resize(h_.txns.size());
    dropped_.resize(h_.keys.size());
    index_writes(allow_dup);
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      facts_.committed[t] = h_.txns[t].status == Status::kOk;
    }
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      if (h_.txns[t].status == Status::kOk) mark_observed(t);
    }
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      if (h_.txns[t].status != Status::kOk) continue;
      if (h_.list_append) {
        read_lists(t);
      } else {
        read_registers(t);
      }
    }
    index_sessions();
    if (h_.list_append) order_lists();
    return std::move(facts_);
  }

 private:
  using Kind = TxnOp::Kind;
  static std::uint64_t id(std::uint32_t key, std::uint32_t value) {
    return static_cast<std::uint64_t>(key) << 32 | value;
  }
  void count(const char* anomaly) { ++facts_.anomalies[anomaly]; }

  void index_writes(bool allow_dup) {
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      std::unordered_map<std::uint32_t, Write*> last;
      for (const TxnOp& op : h_.txns[t].ops) {
        if (op.kind != Kind::kWrite && op.kind != Kind::kAppend) continue;
        const auto [entry, added] = writes_.try_emplace(id(op.key, op.value), Write{t, true});
        if (!added || (op.value == TxnHistory::kInitial && h_.has_initial)) {
          if (!allow_dup) {
            throw core::input_error({file_, h_.txns[t].line},
                                    "value " + h_.values.text(op.value) + " of key " +
                                        h_.keys.text(op.key) + " is written twice");
          }
          dropped_[op.key] = true;
          continue;
        }
        if (Write*& before = last[op.key]; before != nullptr) {
          before->last = false;
          before = &entry->second;
        } else {
          before = &entry->second;
        }
      }
    }
  }
  [[nodiscard]] const Write* writer(std::uint32_t key, std::uint32_t value) const {
    const auto found = writes_.find(id(key, value));
    return found == writes_.end() ? nullptr : &found->second;
  }

  // A write that may or may not have happened did when somebody saw it.
  void mark_observed(std::uint32_t t) {
    const auto see = [&](std::uint32_t key, std::uint32_t value) {
      const Write* write = writer(key, value);
      if (write != nullptr && h_.txns[write->txn].status == Status::kInfo) {
        facts_.committed[write->txn] = true;
      }
    };
    for (const TxnOp& op : h_.txns[t].ops) {
      if (op.kind == Kind::kRead) see(op.key, op.value);
      for (const std::uint32_t value : op.list) see(op.key, value);
    }
  }

  void read_from(std::uint32_t t, std::uint32_t key, std::uint32_t value) {
    const Write* write = writer(key, value);
    if (write == nullptr) return count("thin-air");
    if (!facts_.committed[write->txn]) return count("G1a");
    if (!write->last && write->txn != t) count("G1b");
    if (write->txn == t) return count("internal");  // its own later write
    facts_.reads.push_back({t, key, write->txn});
    facts_.deps.push_back({write->txn, t, DepKind::kWr, key});
  }

  void read_registers(std::uint32_t t) {
    std::unordered_map<std::uint32_t, std::uint32_t> own;
    for (const TxnOp& op : h_.txns[t].ops) {
      if (dropped_[op.key]) continue;
      if (op.kind == Kind::kWrite) {
        own[op.key] = op.value;
        continue;
      }
      if (const auto written = own.find(op.key); written != own.end()) {
        if (written->second != op.value) count("internal");
        continue;
      }
      if (op.value == TxnHistory::kInitial && h_.has_initial) {
        facts_.reads.push_back({t, op.key, TxnFacts::kInit});
      } else {
        read_from(t, op.key, op.value);
      }
    }
  }

  void read_lists(std::uint32_t t) {
    struct Seen {
      bool known = false;               // the list was read: `list` is all of it
      std::vector<std::uint32_t> list;  // else only what this transaction appended
    };
    std::unordered_map<std::uint32_t, Seen> state;
    for (const TxnOp& op : h_.txns[t].ops) {
      if (dropped_[op.key]) continue;
      Seen& seen = state[op.key];
      if (op.kind == Kind::kAppend) {
        seen.list.push_back(op.value);
        continue;
      }
      const bool ends_with_own = op.list.size() >= seen.list.size() &&
                                 std::equal(seen.list.rbegin(), seen.list.rend(), op.list.rbegin());
      if (!ends_with_own || (seen.known && op.list.size() != seen.list.size())) count("internal");
      if (!seen.known && ends_with_own) {
        std::vector<std::uint32_t> before(
            op.list.begin(), op.list.end() - static_cast<std::ptrdiff_t>(seen.list.size()));
        external_list(t, op.key, before);
      }
      longest(op.key, op.list);
      seen.known = true;
      seen.list = op.list;
    }
  }

  void external_list(std::uint32_t t, std::uint32_t key, const std::vector<std::uint32_t>& list) {
    std::vector<std::uint32_t> sorted = list;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      count("duplicate-elements");
    for (std::size_t i = 0; i + 1 < list.size(); ++i) {
      const Write* write = writer(key, list[i]);
      if (write == nullptr) {
        count("thin-air");
      } else if (!facts_.committed[write->txn]) {
        count("G1a");
      }
    }
    prefix_reads_.push_back({t, key, static_cast<std::uint32_t>(list.size())});
    if (list.empty()) {
      facts_.reads.push_back({t, key, TxnFacts::kInit});
    } else {
      read_from(t, key, list.back());
    }
  }

  void longest(std::uint32_t key, const std::vector<std::uint32_t>& list) {
    std::vector<std::uint32_t>& best = order_[key];
    const std::size_t common = std::min(best.size(), list.size());
    if (!std::equal(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(common),
                    best.begin())) {
      count("incompatible-order");
    }
    if (list.size() > best.size()) best = list;
  }

  void index_sessions() {
    facts_.place.resize(h_.txns.size());
    facts_.writers.resize(h_.keys.size());
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      if (!facts_.committed[t]) continue;
      const Txn& txn = h_.txns[t];
      if (txn.session >= facts_.sessions.size()) facts_.sessions.resize(txn.session + 1);
      facts_.place[t] = static_cast<std::uint32_t>(facts_.sessions[txn.session].size());
      facts_.sessions[txn.session].push_back(t);
      for (const TxnOp& op : txn.ops) {
        if ((op.kind != Kind::kWrite && op.kind != Kind::kAppend) || dropped_[op.key]) continue;
        auto& list = facts_.writers[op.key];
        if (list.empty() || list.back() != t) list.push_back(t);
      }
    }
  }

  // ww between neighbours of the longest list, rw from a reader to the next append.
  void order_lists() {
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> unseen;  // appenders by key
    for (std::uint32_t key = 0; key < h_.keys.size(); ++key) {
      const std::vector<std::uint32_t>& order = order_[key];
      std::vector<std::uint32_t> sorted = order;
      std::sort(sorted.begin(), sorted.end());
      for (const std::uint32_t t : facts_.writers[key]) {
        for (const TxnOp& op : h_.txns[t].ops) {
          if (op.kind != Kind::kAppend || op.key != key) continue;
          if (!std::binary_search(sorted.begin(), sorted.end(), op.value)) unseen[key].push_back(t);
        }
      }
      bool after_aborted = false;
      const Write* before = nullptr;
      for (const std::uint32_t value : order) {
        const Write* write = writer(key, value);
        if (write == nullptr) continue;
        const bool committed = facts_.committed[write->txn];
        if (committed && after_aborted) count("dirty-update");
        after_aborted = !committed;
        if (!committed) continue;
        if (before != nullptr && before->txn != write->txn) {
          facts_.deps.push_back({before->txn, write->txn, DepKind::kWw, key});
        }
        before = write;
      }
      for (const std::uint32_t t : unseen[key]) {
        if (before != nullptr && before->txn != t) {
          facts_.deps.push_back({before->txn, t, DepKind::kWw, key});
        }
      }
    }
    for (const PrefixRead& read : prefix_reads_) {
      const std::vector<std::uint32_t>& order = order_[read.key];
      std::size_t at = read.length;
      const Write* next = nullptr;
      for (; at < order.size() && next == nullptr; ++at) {
        next = writer(read.key, order[at]);
        if (next != nullptr && !facts_.committed[next->txn]) next = nullptr;
      }
      if (next != nullptr) {
        if (next->txn != read.txn) {
          facts_.deps.push_back({read.txn, next->txn, DepKind::kRw, read.key});
        }
        continue;
      }
      for (const std::uint32_t t : unseen[read.key]) {
        if (t != read.txn) facts_.deps.push_back({read.txn, t, DepKind::kRw, read.key});
      }
    }
  }

  struct PrefixRead {
    std::uint32_t txn, key, length;
  };
  const TxnHistory& h_;
  const std::string& file_;
  TxnFacts facts_;
  std::vector<bool> dropped_;  // keys
  std::unordered_map<std::uint64_t, Write> writes_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> order_;  // longest list by key
  std::vector<PrefixRead> prefix_reads_;
};

}  // namespace

TxnFacts find_facts(const TxnHistory& history, bool allow_dup, const std::string& file) {
  return FactFinder(history, file).run(allow_dup);
}

}  // namespace stateutils::sbus
