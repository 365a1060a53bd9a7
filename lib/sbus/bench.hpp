// Agents that read, decide and commit against a server, as fast as it and its protocol let them:
// one connection per agent, all driven by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/output.hpp"

namespace stateutils::sbus {

enum class Topology : std::uint8_t {
  kShared,     // all agents read and commit one key
  kHotSide,    // and read a second one, which nobody writes
  kDedicated,  // a key for each agent
  kCross       // all read every key and commit to a random one
};
[[nodiscard]] Topology topology_by_name(std::string_view name);

struct BenchOptions {
  Topology topology = Topology::kShared;
  std::uint64_t agents = 4;
  std::uint64_t attempts = 100;  // steps per agent
  std::uint64_t retry_budget = 20;
  std::uint64_t keys = 4;  // of kCross
  std::int64_t jitter_low_ns = 1'000'000, jitter_high_ns = 5'000'000;
  std::optional<std::int64_t> duration_ns;  // in place of `attempts`
  std::uint64_t seed = 0;
  bool record = false;
};

// What one agent was told. `sequence` is 0 when the server does not say.
struct BenchAnswer {
  enum class Kind : std::uint8_t { kPending, kRead, kCommitted, kConflict };
  Kind kind = Kind::kPending;
  std::vector<std::int64_t> versions;  // kRead: in the order of the keys
  std::vector<std::uint64_t> read_sequences;
  std::int64_t version = 0;  // kCommitted: the new one
  std::uint64_t sequence = 0;
  std::string error;  // kConflict
};

// One agent's connection. start_*() sends and returns; advance() takes what has arrived.
class BenchSession {
 public:
  virtual ~BenchSession() = default;
  [[nodiscard]] virtual int fd() const = 0;  // -1: answers are there at once
  virtual void start_read(std::span<const std::string_view> keys) = 0;
  // Commits to keys[primary] on condition that all keys are at the versions of the read before.
  virtual void start_commit(std::span<const std::string_view> keys, std::size_t primary,
                            std::span<const std::int64_t> versions) = 0;
  // True when `out` is complete. Failures of the server are kEnvironment.
  virtual bool advance(BenchAnswer& out) = 0;
};

class BenchTarget {
 public:
  virtual ~BenchTarget() = default;
  // Makes the keys, at version 0.
  virtual void prepare(std::span<const std::string> keys) = 0;
  [[nodiscard]] virtual std::unique_ptr<BenchSession> session(const std::string& agent) = 0;
  [[nodiscard]] virtual std::int64_t final_version(const std::string& key) = 0;
  [[nodiscard]] virtual unsigned round_trips() const { return 2; }  // of a read and a commit
};

// "http://H:P", "pg:CONNINFO", "redis:H:P" or "null"; anything else is kUsage. `record`: answers
// must carry sequence numbers, which costs the databases a counter in each transaction.
[[nodiscard]] std::unique_ptr<BenchTarget> open_target(const std::string& target, bool record);
[[nodiscard]] std::unique_ptr<BenchTarget> http_target(const std::string& address);
[[nodiscard]] std::unique_ptr<BenchTarget> redis_target(const std::string& address, bool record);
[[nodiscard]] std::unique_ptr<BenchTarget> pg_target(const std::string& conninfo, bool record);
[[nodiscard]] std::unique_ptr<BenchTarget> null_target();

struct BenchRow {
  std::uint64_t attempts = 0, success = 0, conflicts = 0, retries = 0;
  double wall_s = 0, p50_ms = 0, p99_ms = 0;
  std::int64_t final_version = 0, expected_final_version = 0;

  [[nodiscard]] bool type1() const { return final_version != expected_final_version; }
};

// An operation as a client saw it, for an audit log.
struct BenchRecord {
  bool is_commit = false, accepted = true;
  std::uint32_t agent = 0, key = 0;
  std::int64_t version = 0, expected = 0;
  std::uint64_t sequence = 0;
  std::int64_t start = 0, end = 0;  // ns since the epoch
  std::string error;
};
struct BenchRun {
  BenchRow row;
  std::vector<std::string> keys, agents;
  std::vector<BenchRecord> records;  // in the order of what happened, when asked for
};

[[nodiscard]] BenchRun run_bench(BenchTarget& target, const BenchOptions& options);

}  // namespace stateutils::sbus
