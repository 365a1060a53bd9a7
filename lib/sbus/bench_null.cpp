// The client's own ceiling: the embedded store, called in this process.
#include "core/error.hpp"
#include "sbus/bench.hpp"
#include "sbus/memory_store.hpp"

namespace stateutils::sbus {
namespace {

class NullSession final : public BenchSession {
 public:
  NullSession(MemoryStore& store, std::string agent) : store_(store), agent_(std::move(agent)) {}

  [[nodiscard]] int fd() const override { return -1; }
  void start_read(std::span<const std::string_view> keys) override {
    answer_ = {};
    answer_.kind = BenchAnswer::Kind::kRead;
    for (const std::string_view key : keys) {
      ShardView shard;
      if (store_.get(key, agent_, shard).refused()) {
        throw core::environment_error("a shard of the bench is gone");
      }
      answer_.versions.push_back(shard.version);
      answer_.read_sequences.push_back(store_.sequence());
    }
  }
  void start_commit(std::span<const std::string_view> keys, std::size_t primary,
                    std::span<const std::int64_t> versions) override {
    CommitRequest request;
    request.key = keys[primary];
    request.agent = agent_;
    request.delta = "bench";
    request.expected = versions[primary];
    CommitAnswer done;
    const Refusal why = store_.commit(request, done);
    answer_ = {};
    answer_.kind = why.refused() ? BenchAnswer::Kind::kConflict : BenchAnswer::Kind::kCommitted;
    if (why.error == BusError::kVersionMismatch) answer_.error = "VersionMismatch";
    if (why.error == BusError::kCrossShardStale) answer_.error = "CrossShardStale";
    answer_.version = done.version;
    answer_.sequence = store_.sequence();
    static_cast<void>(store_.settle());  // there is no log that could fail
  }
  bool advance(BenchAnswer& out) override {
    out = answer_;
    return true;
  }

 private:
  MemoryStore& store_;
  std::string agent_;
  BenchAnswer answer_;
};

class NullTarget final : public BenchTarget {
 public:
  void prepare(std::span<const std::string> keys) override {
    ShardView made;
    for (const std::string& key : keys) {
      NewShard shard;
      shard.key = key;
      static_cast<void>(store_.create(shard, made));  // the names are fresh
    }
  }
  std::unique_ptr<BenchSession> session(const std::string& agent) override {
    return std::make_unique<NullSession>(store_, agent);
  }
  std::int64_t final_version(const std::string& key) override {
    ShardView shard;
    static_cast<void>(store_.get(key, "", shard));
    return shard.version;
  }
  [[nodiscard]] unsigned round_trips() const override { return 0; }

 private:
  MemoryStore store_{BusOptions{}};
};

}  // namespace

std::unique_ptr<BenchTarget> null_target() {
  return std::make_unique<NullTarget>();
}

}  // namespace stateutils::sbus
