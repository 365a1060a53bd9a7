#include "sbus/wal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/hash.hpp"
#include "core/json.hpp"
#include "core/units.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::string_view kHeader =
    "{\"format\":\"stateutils.oplog\",\"version\":1,\"wal\":true,\"tool\":\"sbus-check\"}\n";
constexpr std::string_view kHashKey = "\"hash\":\"";

// The first `size` bytes of a file: recovery must not see a torn last line.
class FirstBytes final : public core::ByteSource {
 public:
  FirstBytes(const std::string& path, std::uint64_t size)
      : core::ByteSource(path), source_(core::open_raw_input(path)), left_(size) {}
  std::size_t read(char* data, std::size_t size) override {
    const std::size_t got =
        source_->read(data, static_cast<std::size_t>(std::min<std::uint64_t>(size, left_)));
    left_ -= got;
    return got;
  }

 private:
  std::unique_ptr<core::ByteSource> source_;
  std::uint64_t left_;
};

std::uint64_t file_size(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throw core::system_error(path, "examine", errno);
  if (!S_ISREG(info.st_mode)) throw core::environment_error(path + ": not a regular file");
  return static_cast<std::uint64_t>(info.st_size);
}

// Where the last line that has its newline ends.
std::uint64_t end_of_lines(const core::FileReader& file, std::uint64_t size) {
  std::string block(64 << 10, '\0');
  while (size > 0) {
    const std::uint64_t part = std::min<std::uint64_t>(size, block.size());
    file.read_at(size - part, block.data(), static_cast<std::size_t>(part));
    const std::size_t newline = std::string_view(block.data(), part).rfind('\n');
    if (newline != std::string_view::npos) return size - part + newline + 1;
    size -= part;
  }
  return 0;
}

// What the hash of a line covers when the line is in canonical form: the line without the member.
// Empty when there is no such member.
void without_hash(std::string_view line, std::string& out) {
  out.clear();
  const std::size_t at = line.find(kHashKey);
  if (at == std::string_view::npos || at == 0) return;
  std::size_t from = at, to = at + kHashKey.size() + kHashDigits + 1;
  if (to >= line.size()) return;
  if (line[at - 1] == ',') {
    --from;
  } else if (line[to] == ',') {
    ++to;
  }
  out.append(line.substr(0, from)).append(line.substr(to));
}

// The slow way, for lines that another program has written anew.
std::string canonical_without_hash(const core::Record& record) {
  nlohmann::json value = core::parse_json(record.text(), record.place().file);
  value.erase("hash");
  return core::canonical_json(value);
}

void add_read_set(core::JsonWriter& json, std::span<const ReadItem> items) {
  json.key("read_set").begin_array();
  for (const ReadItem& item : items) {
    json.begin_object();
    json.field("key", item.key).field("version_at_read", item.version);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

bool is_wal_header(std::string_view line) {
  return line.find("\"stateutils.oplog\"") != std::string_view::npos &&
         line.find("\"wal\":true") != std::string_view::npos;
}

void HashChain::verify(const core::Record& record) {
  if (record.string("prev") != last_) {
    throw record.error("\"prev\" is not the hash of the record before: the chain is broken");
  }
  const std::string_view hash = record.string("hash");
  without_hash(record.text(), body_);
  body_.insert(0, last_);
  if (core::sha256_hex(body_) != hash &&
      core::sha256_hex(last_ + canonical_without_hash(record)) != hash) {
    throw record.error("\"hash\" is not that of the record: the chain is broken");
  }
  last_ = hash;
}

// The members are in the order of their names, so that the line is its own canonical form.
void HashChain::append(const WalRecord& record, std::string& out) {
  const bool names_key = record.op != Op::kSession;
  body_ = last_;
  core::JsonWriter json(body_);
  json.begin_object().field("agent", record.agent);
  if (names_key) json.field("content", record.content);
  if (record.expected) json.field("expected_version", *record.expected);
  if (record.op == Op::kCreate) json.field("goal_tag", record.goal_tag);
  const std::size_t hash_at = body_.size();
  if (names_key) json.field("key", record.key);
  json.field("op", op_name(record.op));
  if (record.owner) json.field("owner", *record.owner);
  json.field("prev", last_);
  if (!record.rationale.empty()) json.field("rationale", record.rationale);
  if (record.op == Op::kCommit) add_read_set(json, record.read_set);
  json.field("status", record.op == Op::kCreate ? 201 : 200);
  if (record.target) json.field("target_version", *record.target);
  json.field("ts", record.ts);
  if (record.version) json.field("version", *record.version);
  json.end_object();
  std::string hash = core::sha256_hex(body_);
  out.append(body_, kHashDigits, hash_at - kHashDigits);
  out.append(",").append(kHashKey).append(hash).append("\"");
  out.append(body_, hash_at).append("\n");
  last_ = std::move(hash);
}

std::optional<WalOptions> parse_fsync(std::string_view text) {
  if (text == "always") return WalOptions{};
  if (text == "never") return WalOptions{WalOptions::Sync::kNever, 0};
  if (!text.starts_with("group:")) return std::nullopt;
  const auto ms = core::parse_u64(text.substr(6));
  if (!ms || *ms == 0 || *ms > 3'600'000) return std::nullopt;
  return WalOptions{WalOptions::Sync::kGroup, static_cast<std::int64_t>(*ms) * 1'000'000};
}

Wal::Wal(const std::string& path, const WalOptions& options,
         const std::function<void(const core::Record&)>& replay)
    : path_(path), options_(options), lock_(path) {
  recover(replay);
  fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) throw core::system_error(path, "open", errno);
  if (file_size(fd_, path) > size_ && ::ftruncate(fd_, static_cast<off_t>(size_)) != 0) {
    throw core::system_error(path, "cut a torn line off", errno);
  }
  if (size_ == 0) write_header();
  settled_hash_ = chain_.last();
  if (options_.sync == WalOptions::Sync::kGroup) {
    syncer_ = std::thread([this] { sync_in_background(); });
  }
}

Wal::~Wal() {
  if (syncer_.joinable()) {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    syncer_.join();
  }
  if (fd_ >= 0) ::close(fd_);
}

void Wal::recover(const std::function<void(const core::Record&)>& replay) {
  const core::FileReader file(path_);
  const std::uint64_t whole = file_size(file.fd(), path_);
  size_ = end_of_lines(file, whole);
  if (size_ == 0) {
    // A server that was killed while it began left a part of the header. Anything else is not ours.
    std::string start(static_cast<std::size_t>(std::min<std::uint64_t>(whole, kHeader.size())), 0);
    file.read_at(0, start.data(), start.size());
    if (whole > kHeader.size() || !kHeader.starts_with(start)) {
      throw core::input_error({path_}, "not a log of this server");
    }
    return;
  }
  FirstBytes bytes(path_, size_);
  core::JsonlReader reader(bytes, {.format = "oplog", .open_ended = true});
  while (const core::Record* record = reader.next()) {
    chain_.verify(*record);
    replay(*record);
  }
  if (!reader.header() || !is_wal_header(reader.header()->json)) {
    throw core::input_error({path_}, "not a log of this server: its header is missing");
  }
}

void Wal::write_header() {
  pending_ = kHeader;
  if (!write_pending() || ::fdatasync(fd_) != 0) {
    throw core::system_error(path_, "write", errno);
  }
  // The name of a new file is in its folder.
  const std::filesystem::path folder = std::filesystem::absolute(path_).parent_path();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

bool Wal::fail(const char* action, int code) {
  failure_ = core::system_error(path_, action, code).what();
  pending_.clear();
  chain_.restore(settled_hash_);
  // What was written of the records that failed must not come back after a restart.
  [[maybe_unused]] const int ignored = ::ftruncate(fd_, static_cast<off_t>(size_));
  return false;
}

bool Wal::write_pending() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  size_ += pending_.size();
  pending_.clear();
  return true;
}

bool Wal::settle() {
  if (!failure_.empty()) return false;
  if (const int code = sync_error_.load(std::memory_order_relaxed)) return fail("sync", code);
  if (pending_.empty()) return true;
  const std::uint64_t before = size_;
  if (!write_pending()) return fail("write", errno);
  if (options_.sync == WalOptions::Sync::kAlways) {
    if (::fdatasync(fd_) != 0) {
      size_ = before;
      return fail("sync", errno);
    }
    syncs_.fetch_add(1, std::memory_order_relaxed);
  } else {
    dirty_.store(true, std::memory_order_release);
  }
  settled_hash_ = chain_.last();
  return true;
}

bool Wal::sync() {
  if (!settle()) return false;
  return ::fdatasync(fd_) == 0 || fail("sync", errno);
}

bool Wal::clear() {
  if (!settle()) return false;
  if (::ftruncate(fd_, 0) != 0) return fail("clear", errno);
  size_ = 0;
  chain_ = HashChain();
  settled_hash_ = chain_.last();
  pending_ = kHeader;
  if (!write_pending() || ::fdatasync(fd_) != 0) return fail("clear", errno);
  return true;
}

void Wal::sync_in_background() {
  std::unique_lock<std::mutex> hold(mutex_);
  while (!stopping_) {
    wake_.wait_for(hold, std::chrono::nanoseconds(options_.interval_ns), [&] { return stopping_; });
    if (!dirty_.exchange(false, std::memory_order_acquire)) continue;
    hold.unlock();
    if (::fdatasync(fd_) != 0) {
      sync_error_.store(errno, std::memory_order_relaxed);
    } else {
      syncs_.fetch_add(1, std::memory_order_relaxed);
    }
    hold.lock();
  }
}

}  // namespace stateutils::sbus
