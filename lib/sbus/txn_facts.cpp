#include "sbus/txn_facts.hpp"

#include <algorithm>

#include "sbus/flat_map.hpp"

namespace stateutils::sbus {
namespace {

struct Write {
  std::uint32_t txn = 0;
  bool last = true;       // the last write of its transaction to the key
  bool in_order = false;  // seen in the longest list
};

// The longest list read of a key. Its first `clean` elements have been looked at: each was written,
// by a committed transaction, and none is there twice.
struct Order {
  std::vector<std::uint32_t> list;
  std::size_t clean = 0;
};

class FactFinder {
 public:
  FactFinder(const TxnHistory& history, const std::string& file) : h_(history), file_(file) {}

  TxnFacts run(bool allow_dup) {
    facts_.committed.resize(h_.txns.size());
    dropped_.resize(h_.keys.size());
    own_.resize(h_.keys.size());
    index_writes(allow_dup);
    bool doubtful = false;
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      facts_.committed[t] = h_.txns[t].status == Status::kOk;
      doubtful = doubtful || h_.txns[t].status == Status::kInfo;
    }
    for (std::uint32_t t = 0; doubtful && t < h_.txns.size(); ++t) {
      if (h_.txns[t].status == Status::kOk) mark_observed(t);
    }
    if (h_.list_append) {
      orders_.resize(h_.keys.size());
      element_seen_.resize(h_.values.size());
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
  using List = std::span<const std::uint32_t>;

  // What a transaction has done to a key so far; of the transaction or pass `serial` only.
  struct Own {
    std::uint64_t serial = 0;
    std::uint32_t value = 0;  // registers: the value last written
    bool known = false;       // lists: the list was read and was `read`
    List read{};
    std::vector<std::uint32_t> appended;  // since then
  };

  static std::uint64_t id(std::uint32_t key, std::uint32_t value) {
    return static_cast<std::uint64_t>(key) << 32 | value;
  }
  void count(const char* anomaly) { ++facts_.anomalies[anomaly]; }

  void index_writes(bool allow_dup) {
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      ++serial_;
      for (const TxnOp& op : h_.txns[t].ops) {
        if (op.kind != Kind::kWrite && op.kind != Kind::kAppend) continue;
        const bool added = writes_.insert(id(op.key, op.value), Write{t, true, false}).second;
        if (!added || (op.value == TxnHistory::kInitial && h_.has_initial)) {
          if (!allow_dup) {
            throw core::input_error({file_, h_.txns[t].line},
                                    "value " + h_.values.text(op.value) + " of key " +
                                        h_.keys.text(op.key) + " is written twice");
          }
          dropped_[op.key] = true;
          continue;
        }
        Own& own = own_[op.key];
        if (own.serial == serial_) writes_.find(id(op.key, own.value))->last = false;
        own.serial = serial_;
        own.value = op.value;
      }
    }
  }
  [[nodiscard]] const Write* writer(std::uint32_t key, std::uint32_t value) const {
    return writes_.find(id(key, value));
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
      if (op.kind != Kind::kReadList) continue;
      for (const std::uint32_t value : h_.list(op)) see(op.key, value);
    }
  }

  // False where the write is missing or did not commit.
  bool read_from(std::uint32_t t, std::uint32_t key, std::uint32_t value) {
    const Write* write = writer(key, value);
    if (write == nullptr) {
      count("thin-air");
      return false;
    }
    if (!facts_.committed[write->txn]) {
      count("G1a");
      return false;
    }
    if (!write->last && write->txn != t) count("G1b");
    if (write->txn == t) {
      count("internal");  // its own later write
      return true;
    }
    facts_.reads.push_back({t, key, write->txn});
    facts_.deps.push_back({write->txn, t, DepKind::kWr, key});
    return true;
  }

  void read_registers(std::uint32_t t) {
    ++serial_;
    for (const TxnOp& op : h_.txns[t].ops) {
      if (dropped_[op.key]) continue;
      Own& own = own_[op.key];
      if (op.kind == Kind::kWrite) {
        own.serial = serial_;
        own.value = op.value;
        continue;
      }
      if (own.serial == serial_) {
        if (own.value != op.value) count("internal");
        continue;
      }
      if (op.value == TxnHistory::kInitial && h_.has_initial) {
        facts_.reads.push_back({t, op.key, TxnFacts::kInit});
      } else {
        (void)read_from(t, op.key, op.value);
      }
    }
  }

  void read_lists(std::uint32_t t) {
    ++serial_;
    for (const TxnOp& op : h_.txns[t].ops) {
      if (dropped_[op.key]) continue;
      Own& own = own_[op.key];
      if (own.serial != serial_) {
        own.serial = serial_;
        own.known = false;
        own.read = {};
        own.appended.clear();
      }
      if (op.kind == Kind::kAppend) {
        own.appended.push_back(op.value);
      } else {
        read_list(t, op.key, h_.list(op), own);
      }
    }
  }
  void read_list(std::uint32_t t, std::uint32_t key, List list, Own& own) {
    // It must end with what the transaction itself has read and appended, and is all of it if the
    // transaction had read the list before.
    const std::size_t expected = own.read.size() + own.appended.size();
    const bool ends_with_own =
        list.size() >= expected &&
        std::equal(own.appended.rbegin(), own.appended.rend(), list.rbegin()) &&
        std::equal(own.read.rbegin(), own.read.rend(),
                   list.rbegin() + static_cast<std::ptrdiff_t>(own.appended.size()));
    if (!ends_with_own || (own.known && list.size() != expected)) count("internal");
    std::size_t clean = 0;
    if (!own.known && ends_with_own) {
      const List before = list.first(list.size() - own.appended.size());
      if (external_list(t, key, before)) clean = before.size();
    }
    if (longest(key, list)) orders_[key].clean = std::max(orders_[key].clean, clean);
    own.known = true;
    own.read = list;
    own.appended.clear();
  }

  // True when nothing is wrong with the elements.
  bool external_list(std::uint32_t t, std::uint32_t key, List list) {
    prefix_reads_.push_back({t, key, static_cast<std::uint32_t>(list.size())});
    if (list.empty()) {
      facts_.reads.push_back({t, key, TxnFacts::kInit});
      return true;
    }
    const Order& order = orders_[key];
    const bool known =
        list.size() <= order.clean && std::equal(list.begin(), list.end(), order.list.begin());
    const bool clean = known || look_at_elements(key, list);
    return read_from(t, key, list.back()) && clean;
  }
  // All but the last, which is read from.
  bool look_at_elements(std::uint32_t key, List list) {
    bool clean = true;
    const auto report = [&](const char* anomaly) {
      count(anomaly);
      clean = false;
    };
    ++element_serial_;
    bool doubled = false;
    for (const std::uint32_t value : list) {
      doubled = doubled || element_seen_[value] == element_serial_;
      element_seen_[value] = element_serial_;
    }
    if (doubled) report("duplicate-elements");
    for (const std::uint32_t value : list.first(list.size() - 1)) {
      const Write* write = writer(key, value);
      if (write == nullptr) {
        report("thin-air");
      } else if (!facts_.committed[write->txn]) {
        report("G1a");
      }
    }
    return clean;
  }

  // False when the list is no prefix of the longest one, nor that of it.
  bool longest(std::uint32_t key, List list) {
    std::vector<std::uint32_t>& best = orders_[key].list;
    const std::size_t common = std::min(best.size(), list.size());
    const bool fits =
        std::equal(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(common), list.begin());
    if (!fits) count("incompatible-order");
    if (list.size() > best.size()) {
      if (!fits) orders_[key].clean = 0;
      best.assign(list.begin(), list.end());
    }
    return fits;
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

  // Appenders of each key whose values are not in its longest list: after it, in no known order.
  std::vector<std::vector<std::uint32_t>> unseen_appenders() {
    for (std::uint32_t key = 0; key < h_.keys.size(); ++key) {
      for (const std::uint32_t value : orders_[key].list) {
        if (Write* write = writes_.find(id(key, value)); write != nullptr) write->in_order = true;
      }
    }
    std::vector<std::vector<std::uint32_t>> unseen(h_.keys.size());
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      if (!facts_.committed[t]) continue;
      for (const TxnOp& op : h_.txns[t].ops) {
        if (op.kind != Kind::kAppend || dropped_[op.key]) continue;
        if (!writer(op.key, op.value)->in_order) unseen[op.key].push_back(t);
      }
    }
    return unseen;
  }

  // ww between neighbours of the longest list, rw from a reader to the next append.
  void order_lists() {
    const auto unseen = unseen_appenders();
    for (std::uint32_t key = 0; key < h_.keys.size(); ++key) {
      bool after_aborted = false;
      const Write* before = nullptr;
      for (const std::uint32_t value : orders_[key].list) {
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
      const std::vector<std::uint32_t>& order = orders_[read.key].list;
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
  FlatMap<Write> writes_;      // by id(key, value)
  std::vector<Order> orders_;  // by key
  std::vector<Own> own_;       // by key
  std::uint64_t serial_ = 0, element_serial_ = 0;
  std::vector<std::uint64_t> element_seen_;  // by value: the list that it was last seen in
  std::vector<PrefixRead> prefix_reads_;
};

}  // namespace

TxnFacts find_facts(const TxnHistory& history, bool allow_dup, const std::string& file) {
  return FactFinder(history, file).run(allow_dup);
}

}  // namespace stateutils::sbus
