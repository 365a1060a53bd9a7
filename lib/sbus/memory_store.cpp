#include "sbus/memory_store.hpp"

#include <algorithm>

#include "core/hash.hpp"
#include "sbus/clock.hpp"

namespace stateutils::sbus {

// Never goes back, so that a log is in the order of its times.
std::int64_t MemoryStore::wall_clock() {
  const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
  last_ts_ = std::max(last_ts_, us * 1000);
  return last_ts_;
}

std::uint32_t MemoryStore::find(std::string_view key) const {
  const std::uint32_t shard = key_names_.find(key);
  return shard != Names::kNone && shards_[shard].exists ? shard : Names::kNone;
}

DeliveryLog* MemoryStore::log_of(std::string_view agent) {
  const std::uint32_t number = agent.empty() ? Names::kNone : agents_.find(agent);
  return number == Names::kNone ? nullptr : &logs_[number];
}

DeliveryLog& MemoryStore::make_log(std::string_view agent) {
  const std::uint32_t number = agents_.number(agent);
  if (number >= logs_.size()) logs_.resize(number + 1);
  return logs_[number];
}

void MemoryStore::deliver(DeliveryLog& log, std::uint32_t shard, std::int64_t version) {
  Delivery delivery;
  delivery.key = shard;
  delivery.version = version;
  delivery.ts = steady_ns();
  log.set(delivery);
}

bool MemoryStore::session_expired(const DeliveryLog& log) const {
  const std::int64_t now = steady_ns();
  return !log.entries().empty() &&
         std::all_of(log.entries().begin(), log.entries().end(),
                     [&](const Delivery& d) { return now - d.ts >= options_.ttl_ns; });
}

Refusal MemoryStore::refuse(BusError error, std::string_view key, std::int64_t had,
                            std::int64_t found) {
  Refusal out;
  out.error = error;
  out.key = key;
  out.had = had;
  out.found = found;
  return out;
}

Refusal MemoryStore::unavailable() const {
  Refusal out;
  out.error = BusError::kUnavailable;
  out.detail = wal_->failure();
  return out;
}

void MemoryStore::view(std::uint32_t number, ShardView& out) const {
  const Shard& shard = shards_[number];
  out.key = key_names_.name(number);
  out.id = shard.id;
  out.content = shard.log.back().content;
  out.goal_tag = shard.goal_tag;
  out.owner = shard.owner;
  out.version = shard.version();
  out.attempts = shard.attempts;
  out.conflicts = shard.conflicts;
  out.log_depth = shard.log.size() - (shard.has_base ? 1 : 0);
  out.created_at = shard.created_at;
  out.updated_at = shard.updated_at;
}

void MemoryStore::add_version(std::uint32_t number, std::string_view content, std::int64_t ts) {
  Shard& shard = shards_[number];
  shard.log.push_back({shard.version() + 1, std::string(content)});
  shard.id = core::sha256_hex(content);
  shard.updated_at = ts;
}

void MemoryStore::applied(const Unsettled& write, const WalRecord& record) {
  ++sequence_;
  if (wal_) wal_->append(record);
  unsettled_.push_back(write);
}

Refusal MemoryStore::create(const NewShard& request, ShardView& out) {
  if (failed_) return unavailable();
  if (find(request.key) != Names::kNone) {
    return refuse(BusError::kShardAlreadyExists, request.key);
  }
  const std::uint32_t number = key_names_.number(request.key);
  if (number >= shards_.size()) shards_.resize(number + 1);
  Shard& shard = shards_[number];
  const std::int64_t now = wall_clock();
  shard = {};
  shard.exists = true;
  shard.log.push_back({0, std::string(request.content)});
  shard.id = core::sha256_hex(request.content);
  shard.goal_tag = request.goal_tag;
  if (request.owner) shard.owner = std::string(*request.owner);
  shard.created_at = shard.updated_at = now;
  ++counters_.shards;
  WalRecord record;
  record.op = Op::kCreate;
  record.key = request.key;
  record.content = request.content;
  record.goal_tag = request.goal_tag;
  record.owner = request.owner;
  record.version = 0;
  record.ts = now;
  applied({number, Op::kCreate}, record);
  view(number, out);
  return {};
}

Refusal MemoryStore::get(std::string_view key, std::string_view agent, ShardView& out) {
  const std::uint32_t number = find(key);
  if (number == Names::kNone) return refuse(BusError::kShardNotFound, key);
  if (!agent.empty()) deliver(make_log(agent), number, shards_[number].version());
  view(number, out);
  return {};
}

// R of the specification, in the order of the keys' bytes.
Refusal MemoryStore::effective_read_set(const CommitRequest& request, std::uint32_t primary,
                                        const DeliveryLog* log) {
  read_set_.clear();
  for (const ReadItem& item : request.read_set) {
    const std::uint32_t number = find(item.key);
    if (number == Names::kNone) return refuse(BusError::kShardNotFound, item.key);
    if (number != primary) read_set_.push_back({key_names_.name(number), item.version});
  }
  const auto by_key = [](const ReadItem& x, const ReadItem& y) { return x.key < y.key; };
  std::sort(read_set_.begin(), read_set_.end(), by_key);
  const auto named = static_cast<std::ptrdiff_t>(read_set_.size());
  const std::int64_t now = steady_ns();
  for (const Delivery& delivery : log == nullptr ? std::span<const Delivery>() : log->entries()) {
    if (delivery.key == primary || now - delivery.ts >= options_.ttl_ns) continue;
    const ReadItem read{key_names_.name(delivery.key), delivery.version};
    if (std::binary_search(read_set_.begin(), read_set_.begin() + named, read, by_key)) continue;
    read_set_.push_back(read);
  }
  std::sort(read_set_.begin() + named, read_set_.end(), by_key);
  std::inplace_merge(read_set_.begin(), read_set_.begin() + named, read_set_.end(), by_key);
  return {};
}

Refusal MemoryStore::refuse_stale(bool& divergent) {
  for (const ReadItem& item : read_set_) {
    const std::int64_t current = shards_[find(item.key)].version();
    if (current == item.version) continue;
    divergent = true;
    if (!options_.ori) return {};
    ++counters_.cross_shard_stale;
    return refuse(BusError::kCrossShardStale, item.key, item.version, current);
  }
  return {};
}

Refusal MemoryStore::commit(const CommitRequest& request, CommitAnswer& out) {
  if (failed_) return unavailable();
  if (request.delta.size() > options_.max_delta) {
    return refuse(BusError::kDeltaTooLarge, request.key,
                  static_cast<std::int64_t>(request.delta.size()),
                  static_cast<std::int64_t>(options_.max_delta));
  }
  const std::uint32_t number = find(request.key);
  if (number == Names::kNone) return refuse(BusError::kShardNotFound, request.key);
  DeliveryLog* log = log_of(request.agent);
  if (log != nullptr && session_expired(*log)) {
    return refuse(BusError::kSessionExpired, request.key);
  }
  if (Refusal why = effective_read_set(request, number, log); why.refused()) return why;
  bool divergent = false;
  if (Refusal why = refuse_stale(divergent); why.refused()) return why;
  Shard& shard = shards_[number];
  ++shard.attempts;
  if (shard.version() != request.expected) {
    ++shard.conflicts;
    ++counters_.conflicts;
    Refusal why =
        refuse(BusError::kVersionMismatch, request.key, request.expected, shard.version());
    why.alone = read_set_.empty();
    return why;
  }
  if (shard.owner && *shard.owner != request.agent) {
    ++shard.conflicts;
    ++counters_.conflicts;
    Refusal why = refuse(BusError::kTokenConflict, request.key);
    why.owner = *shard.owner;
    return why;
  }
  const std::int64_t now = wall_clock();
  add_version(number, request.delta, now);
  ++counters_.commits;
  const bool checked = !read_set_.empty();
  counters_.view_checked += checked ? 1 : 0;
  counters_.view_divergent += divergent ? 1 : 0;
  WalRecord record;
  record.op = Op::kCommit;
  record.key = request.key;
  record.agent = request.agent;
  record.content = request.delta;
  record.rationale = request.rationale;
  record.expected = request.expected;
  record.version = shard.version();
  record.read_set = read_set_;
  record.ts = now;
  applied({number, Op::kCommit, checked, divergent}, record);
  if (options_.refresh_own_writes && !request.agent.empty()) {
    deliver(make_log(request.agent), number, shard.version());
  }
  out = {shard.version(), shard.id};
  return {};
}

Refusal MemoryStore::rollback(std::string_view key, std::int64_t target, std::string_view agent,
                              ShardView& out) {
  if (failed_) return unavailable();
  const std::uint32_t number = find(key);
  if (number == Names::kNone) return refuse(BusError::kShardNotFound, key);
  Shard& shard = shards_[number];
  const std::int64_t oldest = shard.log.front().number, newest = shard.version();
  if (target < oldest || target > newest) {
    return refuse(BusError::kVersionNotInLog, key, target, newest);
  }
  const std::string content = shard.log[static_cast<std::size_t>(target - oldest)].content;
  const std::int64_t now = wall_clock();
  add_version(number, content, now);
  WalRecord record;
  record.op = Op::kRollback;
  record.key = key;
  record.agent = agent;
  record.content = content;
  record.target = target;
  record.version = shard.version();
  record.ts = now;
  applied({number, Op::kRollback}, record);
  view(number, out);
  return {};
}

Refusal MemoryStore::reset_session(std::string_view agent) {
  if (failed_) return unavailable();
  if (DeliveryLog* log = log_of(agent)) log->clear();
  WalRecord record;
  record.op = Op::kSession;
  record.agent = agent;
  record.ts = wall_clock();
  applied({Names::kNone, Op::kSession}, record);
  return {};
}

Refusal MemoryStore::register_reads(std::string_view agent, std::span<const std::string_view> keys,
                                    Registration& out) {
  DeliveryLog& log = make_log(agent);
  for (const std::string_view key : keys) {
    const std::uint32_t number = find(key);
    if (number != Names::kNone && log.find(number) == nullptr) {
      deliver(log, number, shards_[number].version());
      ++out.registered;
    } else {
      (number == Names::kNone ? out.unknown : out.existing).push_back(key);
    }
  }
  return {};
}

Refusal MemoryStore::keys(std::vector<std::string_view>& out) {
  for (std::uint32_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].exists) out.push_back(key_names_.name(i));
  }
  std::sort(out.begin(), out.end());
  return {};
}

BusCounters MemoryStore::counters() {
  BusCounters out = counters_;
  for (const DeliveryLog& log : logs_) {
    out.agents += log.entries().empty() ? 0 : 1;
    out.deliveries += log.entries().size();
  }
  return out;
}

// A create of a shard that is there: audits skip it, recovery takes the owner from it.
Refusal MemoryStore::set_owner(std::string_view key, std::string_view owner) {
  if (failed_) return unavailable();
  const std::uint32_t number = find(key);
  if (number == Names::kNone) return refuse(BusError::kShardNotFound, key);
  Shard& shard = shards_[number];
  shard.owner = std::string(owner);
  WalRecord record;
  record.op = Op::kCreate;
  record.key = key;
  record.content = shard.log.back().content;
  record.goal_tag = shard.goal_tag;
  record.owner = owner;
  record.version = shard.version();
  record.ts = wall_clock();
  applied({Names::kNone, Op::kCreate}, record);
  return {};
}

Refusal MemoryStore::inject_delivery(std::string_view agent, std::string_view key,
                                     std::int64_t version) {
  const std::uint32_t number = find(key);
  if (number == Names::kNone) return refuse(BusError::kShardNotFound, key);
  deliver(make_log(agent), number, version);
  return {};
}

Refusal MemoryStore::touch_deliveries(std::string_view agent) {
  if (DeliveryLog* log = log_of(agent)) {
    const std::vector<Delivery> entries(log->entries().begin(), log->entries().end());
    for (const Delivery& entry : entries) deliver(*log, entry.key, entry.version);
  }
  return {};
}

Refusal MemoryStore::each_delivery(const std::function<void(const DeliveryView&)>& visit) {
  const std::int64_t now = steady_ns();
  for (std::uint32_t agent = 0; agent < logs_.size(); ++agent) {
    for (const Delivery& d : logs_[agent].entries()) {
      visit({agents_.name(agent), key_names_.name(d.key), d.version, now - d.ts});
    }
  }
  return {};
}

Refusal MemoryStore::reset_all(std::uint64_t& shards) {
  if (failed_) return unavailable();
  shards = counters_.shards;
  unsettled_.clear();
  if (wal_ && !wal_->clear()) {
    failed_ = true;
    return unavailable();
  }
  key_names_ = {};
  agents_ = {};
  shards_.clear();
  logs_.clear();
  counters_ = {};
  sequence_ = 0;
  return {};
}

bool MemoryStore::settle() {
  if (failed_) return true;  // nothing was applied since
  if (wal_ && !wal_->settle()) {
    failed_ = true;
    for (auto write = unsettled_.rbegin(); write != unsettled_.rend(); ++write) take_back(*write);
    unsettled_.clear();
    return false;
  }
  for (const Unsettled& write : unsettled_) {
    if (write.shard == Names::kNone) continue;
    Shard& shard = shards_[write.shard];
    while (shard.log.size() > options_.max_log_depth + (shard.has_base ? 1 : 0) &&
           shard.log.size() > 1) {
      shard.log.pop_front();
      shard.has_base = false;
    }
  }
  unsettled_.clear();
  return true;
}

void MemoryStore::take_back(const Unsettled& write) {
  --sequence_;
  if (write.shard == Names::kNone) return;
  Shard& shard = shards_[write.shard];
  if (write.op == Op::kCreate) {
    shard.exists = false;
    --counters_.shards;
    return;
  }
  shard.log.pop_back();
  shard.id = core::sha256_hex(shard.log.back().content);
  if (write.op != Op::kCommit) return;
  --shard.attempts;
  --counters_.commits;
  counters_.view_checked -= write.checked ? 1 : 0;
  counters_.view_divergent -= write.divergent ? 1 : 0;
}

void MemoryStore::recover(const std::string& path, const WalOptions& options) {
  // While the log is read there is none to write to.
  auto wal = std::make_unique<Wal>(path, options, [this](const core::Record& r) { replay(r); });
  wal_ = std::move(wal);
}

void MemoryStore::replay_create(const core::Record& record, std::int64_t ts) {
  const std::string_view key = record.string("key");
  const auto owner = record.opt_string("owner");
  if (const std::uint32_t number = find(key); number != Names::kNone) {
    shards_[number].owner.reset();
    if (owner) shards_[number].owner = std::string(*owner);
    ++sequence_;
    return;
  }
  ShardView made;
  const Refusal why = create(
      {key, record.string("content"), record.opt_string("goal_tag").value_or(""), owner}, made);
  if (why.refused()) throw record.error("a shard that cannot be made");
  Shard& shard = shards_[find(key)];
  shard.created_at = shard.updated_at = ts;
}

void MemoryStore::replay_version(const core::Record& record, Op op, std::int64_t ts) {
  const std::uint32_t number = find(record.string("key"));
  if (number == Names::kNone) throw record.error("a write to a shard that was not created");
  Shard& shard = shards_[number];
  if (record.i64("version") != shard.version() + 1) {
    throw record.error("\"version\" does not follow " + std::to_string(shard.version()));
  }
  add_version(number, record.string("content"), ts);
  ++sequence_;
  if (op == Op::kCommit) {
    ++shard.attempts;
    ++counters_.commits;
    count_views(record);
  }
  unsettled_.push_back({number, op});
  if (!settle()) throw record.error("cannot be applied");
}

void MemoryStore::count_views(const core::Record& record) {
  bool checked = false, divergent = false;
  for (const simdjson::dom::element item : record.array("read_set")) {
    const core::Record read = record.nested(record.as_object("read_set", item));
    const std::uint32_t number = find(read.string("key"));
    if (number == Names::kNone) throw record.error("a read of a shard that was not created");
    checked = true;
    divergent |= shards_[number].version() != read.i64("version_at_read");
  }
  counters_.view_checked += checked ? 1 : 0;
  counters_.view_divergent += divergent ? 1 : 0;
}

void MemoryStore::replay(const core::Record& record) {
  const auto op = op_by_name(record.string("op"));
  const std::int64_t ts = record.i64("ts");
  last_ts_ = std::max(last_ts_, ts);
  if (op == Op::kCreate) {
    replay_create(record, ts);
  } else if (op == Op::kCommit || op == Op::kRollback) {
    replay_version(record, *op, ts);
  } else if (op == Op::kSession) {
    ++sequence_;
  } else {
    throw record.error("\"op\": not an operation of this log");
  }
  unsettled_.clear();
}

}  // namespace stateutils::sbus
