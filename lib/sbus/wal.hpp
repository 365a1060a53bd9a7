// The server's write-ahead log: an operation log (stream "oplog") whose records carry the content
// and a hash chain. hash = SHA-256 over the 64 digits of prev, then the record as canonical JSON
// (RFC 8785) without its hash; prev of the first record is 64 zeros.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "core/jsonl.hpp"
#include "core/lock.hpp"
#include "sbus/op_record.hpp"

namespace stateutils::sbus {

inline constexpr std::size_t kHashDigits = 64;

struct WalRecord {
  Op op = Op::kCreate;  // create, commit, rollback, session
  std::string_view key, agent;
  std::string_view content, goal_tag, rationale;
  std::optional<std::string_view> owner;
  std::optional<std::int64_t> version, expected, target;
  std::span<const ReadItem> read_set;  // of a commit: the effective one
  std::int64_t ts = 0;                 // ns, whole microseconds: a double can hold those
};

// Whether the first line of a log says that it is one of these.
[[nodiscard]] bool is_wal_header(std::string_view line);

// Follows the chain of the records given to it, in order.
class HashChain {
 public:
  HashChain() : last_(kHashDigits, '0') {}
  // Throws kInput at the record when it does not continue the chain.
  void verify(const core::Record& record);
  // The line of a new record, with its hash, ending in a newline.
  void append(const WalRecord& record, std::string& out);

  [[nodiscard]] const std::string& last() const { return last_; }
  void restore(const std::string& last) { last_ = last; }

 private:
  std::string last_, body_;
};

struct WalOptions {
  enum class Sync : std::uint8_t { kAlways, kGroup, kNever };
  Sync sync = Sync::kAlways;
  std::int64_t interval_ns = 0;  // of kGroup
};
// "always", "group:MS" or "never".
[[nodiscard]] std::optional<WalOptions> parse_fsync(std::string_view text);

// The log of one server, locked as long as this lives.
class Wal {
 public:
  // Opens or makes the file, hands every record to `replay` and cuts off a torn last line. A broken
  // chain, or a file that is something else, is kInput and leaves it as it was.
  Wal(const std::string& path, const WalOptions& options,
      const std::function<void(const core::Record&)>& replay);
  ~Wal();
  Wal(const Wal&) = delete;
  Wal& operator=(const Wal&) = delete;

  void append(const WalRecord& record) { chain_.append(record, pending_); }
  // Writes what was appended and, with kAlways, syncs it. False after a failure, for good; the file
  // then ends with the last record that was settled.
  [[nodiscard]] bool settle();
  // Waits until all is on the disk, whatever the options say.
  [[nodiscard]] bool sync();
  // Begins again with an empty log.
  [[nodiscard]] bool clear();
  [[nodiscard]] std::uint64_t syncs() const { return syncs_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void recover(const std::function<void(const core::Record&)>& replay);
  void write_header();
  bool fail(const char* action, int code);
  bool write_pending();
  void sync_in_background();

  std::string path_;
  WalOptions options_;
  core::FileLock lock_;
  int fd_ = -1;
  HashChain chain_;
  std::string settled_hash_;
  std::string pending_;
  std::uint64_t size_ = 0;  // of the settled file
  std::string failure_;
  std::atomic<std::uint64_t> syncs_{0};

  std::atomic<int> sync_error_{0};  // errno of the thread below
  std::atomic<bool> dirty_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread syncer_;
};

}  // namespace stateutils::sbus
