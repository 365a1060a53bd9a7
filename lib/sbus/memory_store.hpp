// The embedded store: shards and delivery logs in memory, writes in a log on disk when one is
// given. One thread calls it, so that every call is a critical section of its own.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sbus/bus_store.hpp"
#include "sbus/delivery_log.hpp"
#include "sbus/names.hpp"
#include "sbus/wal.hpp"

namespace stateutils::sbus {

class MemoryStore final : public BusStore {
 public:
  explicit MemoryStore(const BusOptions& options) : options_(options) {}
  // Opens the log at `path` and applies what it holds. To be called once, before anything else.
  void recover(const std::string& path, const WalOptions& wal);
  [[nodiscard]] const Wal* wal() const { return wal_.get(); }

  Refusal create(const NewShard& shard, ShardView& out) override;
  Refusal get(std::string_view key, std::string_view agent, ShardView& out) override;
  Refusal commit(const CommitRequest& request, CommitAnswer& out) override;
  Refusal rollback(std::string_view key, std::int64_t target, std::string_view agent,
                   ShardView& out) override;
  Refusal reset_session(std::string_view agent) override;
  Refusal register_reads(std::string_view agent, std::span<const std::string_view> keys,
                         Registration& out) override;
  Refusal keys(std::vector<std::string_view>& out) override;
  [[nodiscard]] BusCounters counters() override;
  [[nodiscard]] bool ori() const override { return options_.ori; }

  Refusal set_owner(std::string_view key, std::string_view owner) override;
  Refusal inject_delivery(std::string_view agent, std::string_view key,
                          std::int64_t version) override;
  Refusal touch_deliveries(std::string_view agent) override;
  Refusal each_delivery(const std::function<void(const DeliveryView&)>& visit) override;
  void set_ori(bool on) override { options_.ori = on; }
  Refusal reset_all(std::uint64_t& shards) override;

  [[nodiscard]] std::uint64_t sequence() const override { return sequence_; }
  [[nodiscard]] bool settle() override;
  // Waits until all is on the disk; for the end of the server.
  [[nodiscard]] bool sync() { return !wal_ || wal_->sync(); }

 private:
  struct Version {
    std::int64_t number = 0;
    std::string content;
  };
  struct Shard {
    bool exists = false;
    std::string id, goal_tag;
    std::optional<std::string> owner;
    std::deque<Version> log;  // oldest first; the last is the current one
    bool has_base = true;     // the first of them is the creation's content
    std::uint64_t attempts = 0, conflicts = 0;
    std::int64_t created_at = 0, updated_at = 0;

    [[nodiscard]] std::int64_t version() const { return log.back().number; }
  };
  // A write that is not settled, so that a failure of the log can take it back.
  struct Unsettled {
    std::uint32_t shard = Names::kNone;  // none: a session's reset
    Op op = Op::kCreate;
    bool checked = false, divergent = false;
  };

  [[nodiscard]] std::uint32_t find(std::string_view key) const;
  DeliveryLog* log_of(std::string_view agent);
  DeliveryLog& make_log(std::string_view agent);
  void deliver(DeliveryLog& log, std::uint32_t shard, std::int64_t version);
  [[nodiscard]] bool session_expired(const DeliveryLog& log) const;
  Refusal effective_read_set(const CommitRequest& request, std::uint32_t primary,
                             const DeliveryLog* log);
  Refusal refuse_stale(bool& divergent);
  Refusal refuse(BusError error, std::string_view key, std::int64_t had = 0,
                 std::int64_t found = 0);
  [[nodiscard]] Refusal unavailable() const;
  void view(std::uint32_t shard, ShardView& out) const;
  void add_version(std::uint32_t shard, std::string_view content, std::int64_t ts);
  void applied(const Unsettled& write, const WalRecord& record);
  void take_back(const Unsettled& write);
  void replay(const core::Record& record);
  void replay_version(const core::Record& record, Op op, std::int64_t ts);
  void count_views(const core::Record& record);
  void replay_create(const core::Record& record, std::int64_t ts);
  [[nodiscard]] std::int64_t wall_clock();

  BusOptions options_;
  Names key_names_, agents_;
  std::deque<Shard> shards_;  // by number of the key
  std::deque<DeliveryLog> logs_;
  std::vector<ReadItem> read_set_;  // of the commit at hand, by key
  BusCounters counters_;
  std::uint64_t sequence_ = 0;
  std::int64_t last_ts_ = 0;
  std::unique_ptr<Wal> wal_;
  std::vector<Unsettled> unsettled_;
  bool failed_ = false;
};

}  // namespace stateutils::sbus
