// A server of section FORMATS of sbus-check(1): the reads of a step in one write, then the commit.
#include <algorithm>

#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"
#include "sbus/bench.hpp"
#include "sbus/bench_wire.hpp"
#include "sbus/mapping.hpp"

namespace stateutils::sbus {
namespace {

struct HttpReply {
  int status = 0;
  std::string_view body, etag;
  std::uint64_t sequence = 0;
  std::size_t size = 0;
};

bool names_field(std::string_view line, std::string_view lower) {
  return line.size() > lower.size() && line[lower.size()] == ':' &&
         std::equal(lower.begin(), lower.end(), line.begin(),
                    [](char x, char y) { return x == (y >= 'A' && y <= 'Z' ? y | 0x20 : y); });
}

core::Error strange(const char* what) {
  return core::environment_error(std::string("the target is no server of shards: ") + what);
}

// False when bytes are missing.
bool parse_reply(std::string_view text, HttpReply& out) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  if (text.size() < 12 || !text.starts_with("HTTP/1.1 ")) throw strange("no HTTP/1.1 answer");
  out = {};
  out.status = static_cast<int>(core::parse_u64(text.substr(9, 3)).value_or(0));
  std::optional<std::uint64_t> length;
  std::string_view head = text.substr(0, end + 2);
  while (!head.empty()) {
    const std::size_t line_end = head.find("\r\n");
    const std::string_view line = head.substr(0, line_end);
    const std::string_view value = line.substr(std::min(line.find(": "), line.size() - 1) + 1);
    if (names_field(line, "content-length")) length = core::parse_u64(value.substr(1));
    if (names_field(line, "x-sbus-seq")) {
      out.sequence = core::parse_u64(value.substr(1)).value_or(0);
    }
    if (names_field(line, "etag")) out.etag = value.substr(1);
    head.remove_prefix(line_end + 2);
  }
  if (!length) throw strange("an answer without Content-Length");
  out.size = end + 4 + static_cast<std::size_t>(*length);
  if (text.size() < out.size) return false;
  out.body = text.substr(end + 4, static_cast<std::size_t>(*length));
  return true;
}

class HttpSession final : public BenchSession {
 public:
  HttpSession(const HostPort& to, const std::string& host, std::string agent)
      : wire_(to), host_(host), agent_(std::move(agent)) {}

  [[nodiscard]] int fd() const override { return wire_.fd(); }

  void start_read(std::span<const std::string_view> keys) override {
    text_.clear();
    for (const std::string_view key : keys) {
      text_.append("GET /shard/").append(key).append("?agent_id=").append(agent_);
      text_.append(" HTTP/1.1\r\nHost: ").append(host_).append("\r\n\r\n");
    }
    waiting_ = keys.size();
    reading_ = true;
    versions_.clear();
    sequences_.clear();
    wire_.send(text_);
  }

  void start_commit(std::span<const std::string_view> keys, std::size_t primary,
                    std::span<const std::int64_t> versions) override {
    post("/commit/v2", [&](core::JsonWriter& json) {
      json.field("key", keys[primary]).field("expected_version", versions[primary]);
      json.field("delta", "bench").field("agent_id", agent_);
    });
    reading_ = false;
  }

  bool advance(BenchAnswer& out) override {
    wire_.receive();
    HttpReply reply;
    while (parse_reply(wire_.received(), reply)) {
      if (!reading_) {
        take_commit(reply, out);
        wire_.take(reply.size);
        return true;
      }
      if (reply.status != 200) throw strange("a read that failed");
      versions_.push_back(version_of(reply, "version"));
      sequences_.push_back(reply.sequence);
      wire_.take(reply.size);
      if (--waiting_ > 0) continue;
      out.kind = BenchAnswer::Kind::kRead;
      out.versions = versions_;
      out.read_sequences = sequences_;
      return true;
    }
    return false;
  }

  void create(const std::string& key) {
    post("/shard", [&](core::JsonWriter& json) { json.field("key", key).field("content", ""); });
    if (exchange().status != 201) throw strange("a shard could not be made");
  }
  std::int64_t version(const std::string& key) {
    wire_.send("GET /shard/" + key + " HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n");
    return exchange().version;
  }

 private:
  template <class Fields>
  void post(std::string_view path, const Fields& fields) {
    body_.clear();
    core::JsonWriter json(body_);
    json.begin_object();
    fields(json);
    json.end_object();
    text_.clear();
    text_.append("POST ").append(path).append(" HTTP/1.1\r\nHost: ").append(host_);
    text_.append("\r\nContent-Type: application/json\r\nContent-Length: ");
    text_.append(std::to_string(body_.size())).append("\r\n\r\n").append(body_);
    wire_.send(text_);
  }

  struct Done {
    int status;
    std::int64_t version;
  };
  Done exchange() {
    HttpReply reply;
    while (!parse_reply(wire_.received(), reply)) wire_.receive(true);
    const Done done{reply.status, reply.status < 300 ? version_of(reply, "version") : 0};
    wire_.take(reply.size);
    return done;
  }

  std::int64_t version_of(const HttpReply& reply, const char* field) {
    if (const auto version = version_text(reply.etag)) return *version;
    std::int64_t out = 0;
    if (core::parse_json(parser_, reply.body)[field].get(out) != simdjson::SUCCESS) {
      throw strange("an answer without a version");
    }
    return out;
  }

  void take_commit(const HttpReply& reply, BenchAnswer& out) {
    out.sequence = reply.sequence;
    out.error.clear();
    if (reply.status == 200) {
      out.kind = BenchAnswer::Kind::kCommitted;
      out.version = version_of(reply, "new_version");
      return;
    }
    if (reply.status != 409) throw strange("a commit that failed");
    out.kind = BenchAnswer::Kind::kConflict;
    std::string_view error;
    if (core::parse_json(parser_, reply.body)["error"].get(error) == simdjson::SUCCESS) {
      out.error = error;
    }
  }

  Wire wire_;
  std::string host_, agent_, text_, body_;
  std::size_t waiting_ = 0;
  bool reading_ = false;
  std::vector<std::int64_t> versions_;
  std::vector<std::uint64_t> sequences_;
  simdjson::dom::parser parser_;
};

class HttpTarget final : public BenchTarget {
 public:
  explicit HttpTarget(const std::string& address)
      : to_(split_address(address, "--target")), address_(address), control_(to_, address, "") {}

  void prepare(std::span<const std::string> keys) override {
    for (const std::string& key : keys) control_.create(key);
  }
  std::unique_ptr<BenchSession> session(const std::string& agent) override {
    return std::make_unique<HttpSession>(to_, address_, agent);
  }
  std::int64_t final_version(const std::string& key) override { return control_.version(key); }

 private:
  HostPort to_;
  std::string address_;
  HttpSession control_;
};

}  // namespace

std::unique_ptr<BenchTarget> http_target(const std::string& address) {
  return std::make_unique<HttpTarget>(address);
}

}  // namespace stateutils::sbus
