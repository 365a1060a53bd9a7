// What the server keeps: shards, delivery logs and the log of writes, behind one interface so that
// the state can live in this process or in a database that several processes share.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/op_record.hpp"

namespace stateutils::sbus {

struct BusOptions {
  std::int64_t ttl_ns = 3600ll * 1'000'000'000;
  std::uint64_t max_delta = 2000;      // bytes
  std::uint64_t max_log_depth = 1000;  // versions of a shard that a rollback can reach
  bool refresh_own_writes = true;
  bool ori = true;  // false: stale reads of other shards are counted, not refused
};

enum class BusError : std::uint8_t {
  kNone,
  kShardAlreadyExists,
  kShardNotFound,
  kVersionMismatch,
  kCrossShardStale,
  kTokenConflict,
  kSessionExpired,
  kDeltaTooLarge,
  kVersionNotInLog,
  kUnavailable
};

// Why a request was refused. Text lives until the next call of the store.
struct Refusal {
  BusError error = BusError::kNone;
  std::string_view key;             // the shard that decided
  std::int64_t had = 0, found = 0;  // expected or read version, and the current one
  std::string_view owner;           // of a token
  std::string detail;               // for kUnavailable

  [[nodiscard]] bool refused() const { return error != BusError::kNone; }
};

// A shard as clients see it; text lives until the next call of the store.
struct ShardView {
  std::string_view key, id, content, goal_tag;
  std::optional<std::string_view> owner;
  std::int64_t version = 0;
  std::uint64_t attempts = 0, conflicts = 0, log_depth = 0;
  std::int64_t created_at = 0, updated_at = 0;  // ns since the epoch
};

struct NewShard {
  std::string_view key, content, goal_tag;
  std::optional<std::string_view> owner;  // its token holder, by administrators alone
};

struct CommitRequest {
  std::string_view key, agent, delta, rationale;
  std::int64_t expected = 0;
  std::span<const ReadItem> read_set;  // the explicit one
};

struct CommitAnswer {
  std::int64_t version = 0;
  std::string_view shard_id;
};

struct Registration {
  std::uint64_t registered = 0;
  std::vector<std::string_view> existing, unknown;
};

struct BusCounters {
  std::uint64_t commits = 0, conflicts = 0, cross_shard_stale = 0, view_checked = 0,
                view_divergent = 0;
  std::uint64_t shards = 0, agents = 0, deliveries = 0;
};

struct DeliveryView {
  std::string_view agent, key;
  std::int64_t version = 0, age_ns = 0;
};

// Each call is one atomic step: what it validates and what it writes are one critical section.
class BusStore {
 public:
  BusStore() = default;
  BusStore(const BusStore&) = delete;
  BusStore& operator=(const BusStore&) = delete;
  virtual ~BusStore() = default;

  virtual Refusal create(const NewShard& shard, ShardView& out) = 0;
  // Delivers the version to the agent in the same step, unless it is anonymous.
  virtual Refusal get(std::string_view key, std::string_view agent, ShardView& out) = 0;
  virtual Refusal commit(const CommitRequest& request, CommitAnswer& out) = 0;
  virtual Refusal rollback(std::string_view key, std::int64_t target, std::string_view agent,
                           ShardView& out) = 0;
  virtual Refusal reset_session(std::string_view agent) = 0;
  virtual Refusal register_reads(std::string_view agent, std::span<const std::string_view> keys,
                                 Registration& out) = 0;
  virtual Refusal keys(std::vector<std::string_view>& out) = 0;  // sorted by bytes
  [[nodiscard]] virtual BusCounters counters() = 0;
  [[nodiscard]] virtual bool ori() const = 0;

  // For administrators and experiments.
  virtual Refusal set_owner(std::string_view key, std::string_view owner) = 0;
  virtual Refusal inject_delivery(std::string_view agent, std::string_view key,
                                  std::int64_t version) = 0;
  virtual Refusal touch_deliveries(std::string_view agent) = 0;  // as if delivered just now
  virtual Refusal each_delivery(const std::function<void(const DeliveryView&)>& visit) = 0;
  virtual void set_ori(bool on) = 0;
  virtual Refusal reset_all(std::uint64_t& shards) = 0;

  // Writes applied at the instant that the last call speaks of.
  [[nodiscard]] virtual std::uint64_t sequence() const = 0;
  // Makes what was applied durable, as far as the store promises it; answers wait for this. False:
  // the writes since the last settle() did not happen, and no more will.
  [[nodiscard]] virtual bool settle() = 0;
};

}  // namespace stateutils::sbus
