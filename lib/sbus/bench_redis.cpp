// Redis by its optimistic transactions: WATCH and MGET in one write, then MULTI, SET and EXEC in
// another. A value is its version, a blank and the content.
#include <charconv>

#include "core/error.hpp"
#include "core/units.hpp"
#include "sbus/bench.hpp"
#include "sbus/bench_wire.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::string_view kCounter = "sbus-check-bench-writes";

core::Error strange(std::string_view reply) {
  return core::environment_error("the target is no Redis server, or refuses: " +
                                 core::quoted(reply.substr(0, reply.find('\r'))));
}

void add_command(std::string& out, std::initializer_list<std::string_view> words,
                 std::span<const std::string_view> more = {}) {
  out.append("*").append(std::to_string(words.size() + more.size())).append("\r\n");
  const auto add = [&](std::string_view word) {
    out.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
  };
  for (const std::string_view word : words) add(word);
  for (const std::string_view word : more) add(word);
}

// The flat values of one RESP2 reply: an array's items, in order; nil is nullopt.
struct Reply {
  char kind = 0;
  bool nil = false;
  std::vector<std::optional<std::string_view>> items;
};

// The size of the first reply of `text`, 0 when bytes are missing. Arrays inside arrays are taken
// apart: the items of all are in one list.
std::size_t parse_reply(std::string_view text, Reply& out, bool outer = true) {
  const std::size_t line = text.find("\r\n");
  if (line == std::string_view::npos) return 0;
  const std::string_view head = text.substr(1, line - 1);
  if (outer) {
    out.kind = text[0];
    out.nil = false;
    out.items.clear();
  }
  if (text[0] == '+' || text[0] == '-' || text[0] == ':') {
    out.items.emplace_back(head);
    return line + 2;
  }
  const auto count = core::parse_i64(head);
  if (!count || *count < -1 || *count > 1 << 20) throw strange(text);
  if (*count < 0) {
    out.nil = outer;
    out.items.emplace_back(std::nullopt);
    return line + 2;
  }
  if (text[0] == '$') {
    const std::size_t size = line + 2 + static_cast<std::size_t>(*count) + 2;
    if (text.size() < size) return 0;
    out.items.emplace_back(text.substr(line + 2, static_cast<std::size_t>(*count)));
    return size;
  }
  if (text[0] != '*') throw strange(text);
  std::size_t at = line + 2;
  for (std::int64_t i = 0; i < *count; ++i) {
    const std::size_t size = parse_reply(text.substr(at), out, false);
    if (size == 0) return 0;
    at += size;
  }
  return at;
}

std::int64_t version_in(const std::optional<std::string_view>& value) {
  if (!value) throw core::environment_error("a key of the bench is gone");
  return core::parse_i64(value->substr(0, value->find(' '))).value_or(0);
}

class RedisSession final : public BenchSession {
 public:
  RedisSession(const HostPort& to, bool record) : wire_(to), record_(record) {}

  [[nodiscard]] int fd() const override { return wire_.fd(); }

  void start_read(std::span<const std::string_view> keys) override {
    text_.clear();
    add_command(text_, {"WATCH"}, keys);
    if (record_) {
      std::vector<std::string_view> all(keys.begin(), keys.end());
      all.push_back(kCounter);
      add_command(text_, {"MGET"}, all);
    } else {
      add_command(text_, {"MGET"}, keys);
    }
    expect(2, true);
  }

  void start_commit(std::span<const std::string_view> keys, std::size_t primary,
                    std::span<const std::int64_t> versions) override {
    next_ = versions[primary] + 1;
    text_.clear();
    add_command(text_, {"MULTI"});
    const std::string value = std::to_string(next_) + " bench";
    add_command(text_, {"SET", keys[primary], value});
    if (record_) add_command(text_, {"INCR", kCounter});
    add_command(text_, {"EXEC"});
    expect(record_ ? 4 : 3, false);
  }

  bool advance(BenchAnswer& out) override {
    wire_.receive();
    Reply reply;
    while (const std::size_t size = parse_reply(wire_.received(), reply)) {
      if (reply.kind == '-') throw strange(wire_.received());
      const bool last = --waiting_ == 0;
      if (last) take_last(reply, out);
      wire_.take(size);
      if (last) return true;
    }
    return false;
  }

  // One command whose answer is waited for.
  std::string command(std::initializer_list<std::string_view> words) {
    text_.clear();
    add_command(text_, words);
    wire_.send(text_);
    Reply reply;
    std::size_t size = 0;
    while ((size = parse_reply(wire_.received(), reply)) == 0) wire_.receive(true);
    if (reply.kind == '-') throw strange(wire_.received());
    std::string out(reply.items.empty() ? "" : reply.items.front().value_or(""));
    wire_.take(size);
    return out;
  }

 private:
  void expect(unsigned replies, bool reading) {
    waiting_ = replies;
    reading_ = reading;
    wire_.send(text_);
  }

  void take_last(const Reply& reply, BenchAnswer& out) {
    if (!reading_) {
      out.kind = reply.nil ? BenchAnswer::Kind::kConflict : BenchAnswer::Kind::kCommitted;
      out.version = next_;
      out.error = reply.nil ? "VersionMismatch" : "";
      out.sequence = 0;
      if (record_ && !reply.nil) {
        out.sequence = core::parse_u64(reply.items.back().value_or("")).value_or(0);
      }
      return;
    }
    out.kind = BenchAnswer::Kind::kRead;
    out.versions.clear();
    const std::size_t keys = reply.items.size() - (record_ ? 1 : 0);
    for (std::size_t i = 0; i < keys; ++i) out.versions.push_back(version_in(reply.items[i]));
    const std::uint64_t at =
        record_ ? core::parse_u64(reply.items.back().value_or("0")).value_or(0) : 0;
    out.read_sequences.assign(keys, at);
  }

  Wire wire_;
  bool record_;
  std::string text_;
  unsigned waiting_ = 0;
  bool reading_ = false;
  std::int64_t next_ = 0;
};

class RedisTarget final : public BenchTarget {
 public:
  RedisTarget(const std::string& address, bool record)
      : to_(split_address(address, "--target")), record_(record), control_(to_, false) {}

  void prepare(std::span<const std::string> keys) override {
    if (record_) control_.command({"INCR", kCounter});
    for (const std::string& key : keys) control_.command({"SET", key, "0 "});
  }
  std::unique_ptr<BenchSession> session(const std::string&) override {
    return std::make_unique<RedisSession>(to_, record_);
  }
  std::int64_t final_version(const std::string& key) override {
    const std::string value = control_.command({"GET", key});
    return version_in(value);
  }

 private:
  HostPort to_;
  bool record_;
  RedisSession control_;
};

}  // namespace

std::unique_ptr<BenchTarget> redis_target(const std::string& address, bool record) {
  return std::make_unique<RedisTarget>(address, record);
}

}  // namespace stateutils::sbus
