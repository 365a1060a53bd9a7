#include "sbus/audit.hpp"

#include <algorithm>

#include "sbus/delivery_log.hpp"
#include "sbus/names.hpp"
#include "sbus/version_set.hpp"

namespace stateutils::sbus {
namespace {

struct WriteRef {
  std::int64_t version = 0;
  std::uint64_t line = 0;
  std::uint32_t file = 0;
  std::uint32_t agent = Names::kNone;
  Op op = Op::kCommit;
};

// The last writes of a key, oldest first; a ring when the window is bounded.
class WriteWindow {
 public:
  void push(const WriteRef& write, std::size_t window) {
    if (window == 0 || writes_.size() < window) {
      writes_.push_back(write);
      return;
    }
    writes_[oldest_] = write;
    oldest_ = oldest_ + 1 == window ? 0 : oldest_ + 1;
  }
  // The first write of `version` after the record that delivered the version before it.
  [[nodiscard]] const WriteRef* find(std::int64_t version, const Delivery* after) const {
    const WriteRef* first = nullptr;
    for (std::size_t i = 0; i < writes_.size(); ++i) {
      const std::size_t at =
          i + oldest_ < writes_.size() ? i + oldest_ : i + oldest_ - writes_.size();
      const WriteRef& write = writes_[at];
      if (write.version != version) continue;
      if (after == nullptr || write.file > after->file ||
          (write.file == after->file && write.line > after->line)) {
        return &write;
      }
      if (first == nullptr) first = &write;
    }
    return first;
  }

 private:
  std::vector<WriteRef> writes_;
  std::size_t oldest_ = 0;
};

struct Key {
  bool known = false;
  std::int64_t version = 0;
  WriteWindow writes;
  VersionSet reported;
};

struct ReadVersion {
  std::uint32_t key;
  std::int64_t version;
};

}  // namespace

struct Auditor::State {
  State(const AuditOptions& given, ViolationSink to) : options(given), sink(std::move(to)) {}

  AuditOptions options;
  ViolationSink sink;
  Names agents, key_names;
  std::vector<DeliveryLog> logs;  // by agent
  std::vector<Key> keys;
  AuditSummary counts;
  std::vector<ReadVersion> read_set;       // R of the commit at hand
  std::vector<std::uint64_t> explicit_at;  // per key: the commit whose read set names it
  std::vector<bool> counted;
  std::uint64_t commit_serial = 0, reported = 0;

  // A log in which everybody overwrites everybody has many more stale keys than records.
  [[nodiscard]] bool reports() const { return sink && reported < options.max_report; }
  Key& key(std::uint32_t number) { return keys[number]; }
  std::uint32_t key_number(std::string_view name) {
    const std::uint32_t number = key_names.number(name);
    if (number >= keys.size()) {
      keys.resize(number + 1);
      explicit_at.resize(number + 1);
      counted.resize(number + 1);
    }
    return number;
  }
  // Empty for the anonymous agent, which has no log.
  DeliveryLog* log_of(std::string_view agent, std::uint32_t& number) {
    number = Names::kNone;
    if (agent.empty()) return nullptr;
    number = agents.number(agent);
    if (number >= logs.size()) logs.resize(number + 1);
    return &logs[number];
  }

  void deliver(DeliveryLog& log, std::uint32_t k, std::int64_t version, const OpRecord& record) {
    log.set({k, record.file, version, record.ts.value_or(0), record.line, record.ts.has_value(),
             record.op});
  }
  [[nodiscard]] bool fresh(const Delivery& delivery, const OpRecord& now) const {
    if (!delivery.timed || !now.ts) return true;
    std::int64_t age = 0;
    if (__builtin_sub_overflow(*now.ts, delivery.ts, &age)) return *now.ts < delivery.ts;
    return age < options.ttl_ns;
  }

  void sort_by_name(std::vector<ReadVersion>& reads) const {
    std::sort(reads.begin(), reads.end(), [&](const ReadVersion& x, const ReadVersion& y) {
      return key_names.name(x.key) < key_names.name(y.key);
    });
  }
  void collect_read_set(const OpRecord& record, std::uint32_t primary, const DeliveryLog* log);
  bool commit(const OpRecord& record, std::uint32_t agent, DeliveryLog* log, std::uint32_t k);
  void rejected_commit(const OpRecord& record, const DeliveryLog* log, std::uint32_t k);
  void report(const OpRecord& record, ViolationKind kind, std::uint32_t primary,
              std::uint32_t stale, std::int64_t read, std::int64_t now, std::int64_t written,
              std::uint32_t agent, const DeliveryLog* log);
  bool apply(const OpRecord& record);
};

void Auditor::State::collect_read_set(const OpRecord& record, std::uint32_t primary,
                                      const DeliveryLog* log) {
  read_set.clear();
  ++commit_serial;
  for (const ReadItem& item : record.read_set) {
    const std::uint32_t k = key_names.find(item.key);
    // A key not seen yet takes no part.
    if (k == Names::kNone || k == primary || !key(k).known) continue;
    if (explicit_at[k] == commit_serial) {  // named twice: the last one counts
      for (ReadVersion& read : read_set) {
        if (read.key == k) read.version = item.version;
      }
      continue;
    }
    explicit_at[k] = commit_serial;
    read_set.push_back({k, item.version});
  }
  if (log == nullptr || record.whole_read_set) return;
  for (const Delivery& delivery : log->entries()) {
    if (delivery.key == primary || explicit_at[delivery.key] == commit_serial) continue;
    if (fresh(delivery, record)) read_set.push_back({delivery.key, delivery.version});
  }
}

void Auditor::State::report(const OpRecord& record, ViolationKind kind, std::uint32_t primary,
                            std::uint32_t stale, std::int64_t read, std::int64_t now,
                            std::int64_t written, std::uint32_t agent, const DeliveryLog* log) {
  ++reported;
  Violation out;
  out.kind = kind;
  out.agent = agent == Names::kNone ? std::string_view() : agents.name(agent);
  out.key = key_names.name(primary);
  if (kind == ViolationKind::kXs) out.stale_key = key_names.name(stale);
  out.read_version = read;
  out.current_version = now;
  out.inferred = !record.version || !record.expected;
  out.line = record.line;
  out.file = record.file;
  const std::string_view subject = key_names.name(stale);
  // An explicit read set may name a version that was never delivered, or not last.
  const Delivery* delivery = log == nullptr ? nullptr : log->find(stale);
  if (kind == ViolationKind::kXs && delivery != nullptr && delivery->version != read) {
    delivery = nullptr;
  }
  if (delivery != nullptr) {
    out.read = {delivery->line, delivery->file, delivery->op,
                out.agent,      subject,        delivery->version};
  } else {
    out.read = {std::nullopt, 0, Op::kGet, out.agent, subject, read};
  }
  const WriteRef* overwrite = key(stale).writes.find(read + 1, delivery);
  if (overwrite != nullptr) {
    out.overwrite = {
        overwrite->line,
        overwrite->file,
        overwrite->op,
        overwrite->agent == Names::kNone ? std::string_view() : agents.name(overwrite->agent),
        subject,
        overwrite->version};
  } else {
    out.overwrite = {std::nullopt, 0, Op::kCommit, std::nullopt, subject, read + 1};
  }
  out.commit = {record.line, record.file, Op::kCommit, out.agent, out.key, written};
  sink(out);
}

void Auditor::State::rejected_commit(const OpRecord& record, const DeliveryLog* log,
                                     std::uint32_t k) {
  ++counts.rejected;
  if (record.status != 409 || record.error == "TokenConflict" || !key(k).known) return;
  if (!record.expected || *record.expected != key(k).version) return;
  collect_read_set(record, k, log);
  const bool current = std::all_of(read_set.begin(), read_set.end(), [&](const ReadVersion& read) {
    return key(read.key).version == read.version;
  });
  if (current) ++counts.spurious_409;
}

bool Auditor::State::commit(const OpRecord& record, std::uint32_t agent, DeliveryLog* log,
                            std::uint32_t k) {
  ++counts.commits;
  Key& own = key(k);
  if (!own.known) {
    own.known = true;
    own.version = record.version ? *record.version - 1 : 0;
  }
  const std::int64_t before = own.version;
  const std::int64_t written = record.version.value_or(before + 1);
  const Delivery* delivered = log == nullptr ? nullptr : log->find(k);
  const bool blind = !record.expected && delivered == nullptr;
  bool violates = false;
  collect_read_set(record, k, log);
  if (blind) {
    ++counts.blind_writes;
  } else {
    const std::int64_t expected = record.expected ? *record.expected : delivered->version;
    if (expected != before) {
      ++counts.ww;
      violates = true;
      if (reports())
        report(record, ViolationKind::kWw, k, k, expected, before, written, agent, log);
    }
    if (!read_set.empty()) ++counts.view_checked;
    std::erase_if(read_set,
                  [&](const ReadVersion& read) { return key(read.key).version == read.version; });
    if (!read_set.empty()) {
      violates = true;
      ++counts.view_divergent;
      ++counts.xs_commits;
      counts.xs_pairs += read_set.size();
      if (reports()) sort_by_name(read_set);
      for (const ReadVersion& read : read_set) {
        if (!reports()) break;
        report(record, ViolationKind::kXs, k, read.key, read.version, key(read.key).version,
               written, agent, log);
      }
    }
  }
  if (written != before + 1) ++counts.version_gaps;
  if (!own.reported.insert(written)) ++counts.dup_versions;
  own.version = written;
  own.writes.push({written, record.line, record.file, agent, Op::kCommit}, options.window);
  if (log != nullptr && options.refresh_own_writes) deliver(*log, k, written, record);
  return violates;
}

bool Auditor::State::apply(const OpRecord& record) {
  ++counts.ops;
  std::uint32_t agent = Names::kNone;
  DeliveryLog* const log = log_of(record.agent, agent);
  const bool names_key =
      record.op != Op::kSession && record.op != Op::kRegister && record.op != Op::kExpire;
  std::uint32_t k = Names::kNone;
  if (names_key) {
    k = key_number(record.key);
    if (!counted[k]) {
      counted[k] = true;
      ++counts.shards;
    }
  }
  if (!record.succeeded()) {
    if (record.op == Op::kCommit) rejected_commit(record, log, k);
    return false;
  }
  switch (record.op) {
    case Op::kCommit:
      return commit(record, agent, log, k);
    case Op::kCreate:
      if (!key(k).known) key(k).known = true;
      return false;
    case Op::kGet: {
      if (!key(k).known) {
        key(k).known = true;
        key(k).version = record.version.value_or(0);
      }
      const std::int64_t version = record.version.value_or(key(k).version);
      if (version != key(k).version) ++counts.stale_get;
      if (log != nullptr) deliver(*log, k, version, record);
      return false;
    }
    case Op::kRollback: {
      Key& own = key(k);
      const std::int64_t version = record.version.value_or(own.version + 1);
      own.known = true;
      own.version = version;
      own.writes.push({version, record.line, record.file, agent, Op::kRollback}, options.window);
      return false;
    }
    case Op::kSession:
    case Op::kExpire:
      if (log != nullptr) log->clear();
      return false;
    case Op::kRegister:
      for (const std::string_view name : record.keys) {
        const std::uint32_t named = key_names.find(name);
        if (log == nullptr || named == Names::kNone || !key(named).known) continue;
        if (log->find(named) == nullptr) deliver(*log, named, key(named).version, record);
      }
      return false;
  }
  return false;
}

Auditor::Auditor(const AuditOptions& options, ViolationSink sink)
    : state_(std::make_unique<State>(options, std::move(sink))) {}
Auditor::~Auditor() = default;

bool Auditor::apply(const OpRecord& record) {
  return state_->apply(record);
}

AuditSummary Auditor::summary() const {
  AuditSummary out = state_->counts;
  out.agents = state_->agents.size();
  return out;
}

}  // namespace stateutils::sbus
