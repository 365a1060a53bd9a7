#include <doctest.h>

#include "core/hash.hpp"
#include "sbus/bus_api.hpp"
#include "sbus/memory_store.hpp"
#include "sbus/turns.hpp"

using namespace stateutils;
using namespace stateutils::sbus;

namespace {

struct Parsed {
  int error = 0;
  std::string method, target, body;
  bool keep_alive = true;
};

// What the parser makes of `text` when it arrives `step` bytes at a time.
Parsed parsed(std::string_view text, std::size_t step = 1 << 20) {
  HttpParser parser({.max_head = 1000, .max_body = 100});
  WebRequest request;
  for (std::size_t size = std::min(step, text.size());; size = std::min(size + step, text.size())) {
    const std::string arrived(text.substr(0, size));  // elsewhere each time, as buffers grow
    const auto status = parser.parse(arrived, request);
    if (status == HttpParser::Status::kBad) return {parser.error(), "", "", "", false};
    if (status == HttpParser::Status::kReady) {
      return {0, std::string(request.method), std::string(request.target),
              std::string(request.body), request.keep_alive};
    }
    if (size == text.size()) return {-1, "", "", "", false};
  }
}

struct Bus {
  explicit Bus(const BusOptions& options = {}) : store(options) {
    for (const char* key : {"x", "y"}) {
      NewShard shard;
      shard.key = key;
      REQUIRE_FALSE(store.create(shard, view).refused());
    }
  }
  std::int64_t read(std::string_view key, std::string_view agent) {
    REQUIRE_FALSE(store.get(key, agent, view).refused());
    return view.version;
  }
  BusError commit(std::string_view key, std::int64_t expected, std::string_view agent,
                  std::vector<ReadItem> reads = {}) {
    CommitRequest request;
    request.key = key;
    request.agent = agent;
    request.delta = "text";
    request.expected = expected;
    request.read_set = reads;
    return store.commit(request, done).error;
  }
  MemoryStore store;
  ShardView view;
  CommitAnswer done;
};

}  // namespace

TEST_CASE("http: requests in any cut") {
  const std::string get = "\r\nGET /a?b=c HTTP/1.1\r\nHOST: h\r\nX:\t y \r\n\r\n";
  const std::string post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
  const std::string chunked =
      "POST /p HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "2;x=y\r\nbo\r\n002\r\ndy\r\n0\r\nTrailer: t\r\n\r\n";
  for (const std::size_t step : {1, 2, 3, 7, 1000}) {
    CHECK(parsed(get, step).target == "/a?b=c");
    CHECK(parsed(post, step).body == "body");
    CHECK(parsed(chunked, step).body == "body");
    CHECK(parsed(chunked + "GET", step).error == 0);
  }
  CHECK(parsed(get.substr(0, get.size() - 1)).error == -1);
  CHECK(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive == false);
  CHECK(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  CHECK(parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, close\r\n\r\n").keep_alive == false);
}

// RFC 9112: 2.2 (line ends), 3.2 (Host), 5.1 (fields), 6.3 (length), 7.1 (chunks).
TEST_CASE("http: what could be read in two ways is refused") {
  const std::string start = "POST /p HTTP/1.1\r\nHost: h\r\n",
                    chunked = "Transfer-Encoding: chunked";
  const auto error = [&](const std::string& rest) { return parsed(start + rest, 1).error; };
  CHECK(error("Content-Length: 1\r\n" + chunked + "\r\n\r\n") == 400);
  CHECK(error(chunked + "\r\nContent-Length: 1\r\n\r\n") == 400);
  CHECK(error(chunked + "\r\n" + chunked + "\r\n\r\n") == 400);
  CHECK(error("Transfer-Encoding: gzip, chunked\r\n\r\n") == 501);
  CHECK(error("Content-Length: 1\r\nContent-Length: 1\r\n\r\n") == 400);
  CHECK(error("Content-Length: 1, 1\r\n\r\n") == 400);
  CHECK(error("Content-Length: -1\r\n\r\n") == 400);
  CHECK(error("Content-Length: 99999999999999999999\r\n\r\n") == 400);
  CHECK(error("Content-Length: 101\r\n\r\n") == 413);
  CHECK(error("A : b\r\n\r\n") == 400);
  CHECK(error("A: b\r\n c\r\n\r\n") == 400);
  CHECK(error("A: b\rc\r\n\r\n") == 400);
  CHECK(error("A: b\nC: d\r\n\r\n") == 400);
  CHECK(error(": b\r\n\r\n") == 400);
  CHECK(error("Host: h\r\n\r\n") == 400);
  CHECK(error("A: " + std::string(1000, 'x') + "\r\n\r\n") == 431);
  CHECK(error(chunked + "\r\n\r\n1 \r\nx\r\n") == 400);
  CHECK(error(chunked + "\r\n\r\n1\nx\r\n") == 400);
  CHECK(error(chunked + "\r\n\r\n1\r\nxx\r\n") == 400);
  CHECK(error(chunked + "\r\n\r\n-1\r\n") == 400);
  CHECK(error(chunked + "\r\n\r\nffffffffffffffff\r\n") == 413);
  CHECK(error(chunked + "\r\n\r\n65\r\n") == 413);
  CHECK(parsed("GET / HTTP/1.1\r\n\r\n").error == 400);
  CHECK(parsed("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n").error == 400);
  CHECK(parsed("GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n").error == 400);
  CHECK(parsed("GET / HTTP/2.0\r\nHost: h\r\n\r\n").error == 505);
}

TEST_CASE("store: the reads of a commit are validated with its write") {
  Bus bus;
  CHECK(bus.read("x", "a") == 0);
  CHECK(bus.read("y", "a") == 0);
  CHECK(bus.commit("y", 0, "b") == BusError::kNone);
  CHECK(bus.commit("x", 0, "a") == BusError::kCrossShardStale);
  CHECK(bus.commit("x", 0, "a", {{"y", 1}}) == BusError::kNone);  // the explicit version wins
  CHECK(bus.commit("x", 0, "c") == BusError::kVersionMismatch);
  CHECK(bus.commit("x", 1, "c", {{"z", 0}}) == BusError::kShardNotFound);
  CHECK(bus.commit("x", 1, "", {{"y", 0}}) == BusError::kCrossShardStale);
  CHECK(bus.commit("x", 1, "") == BusError::kNone);
  const BusCounters counters = bus.store.counters();
  CHECK(counters.commits == 3);
  CHECK(counters.conflicts == 1);
  CHECK(counters.cross_shard_stale == 2);
  CHECK(counters.view_checked == 1);
}

TEST_CASE("store: an agent's own write, refreshed or kept") {
  for (const bool refresh : {true, false}) {
    BusOptions options;
    options.refresh_own_writes = refresh;
    Bus bus(options);
    bus.read("x", "a");
    CHECK(bus.commit("x", 0, "a") == BusError::kNone);
    CHECK(bus.commit("y", 0, "a") == (refresh ? BusError::kNone : BusError::kCrossShardStale));
  }
}

TEST_CASE("store: the log of a shard has an end") {
  BusOptions options;
  options.max_log_depth = 2;
  Bus bus(options);
  for (std::int64_t v = 0; v < 4; ++v) {
    CHECK(bus.commit("x", v, "a") == BusError::kNone);
    REQUIRE(bus.store.settle());
  }
  bus.read("x", "");
  CHECK(bus.view.log_depth == 2);
  CHECK(bus.store.rollback("x", 2, "a", bus.view).error == BusError::kVersionNotInLog);
  CHECK(bus.store.rollback("x", 3, "a", bus.view).error == BusError::kNone);
  CHECK(bus.view.version == 5);
}

TEST_CASE("wal: the line is its own canonical form") {
  HashChain chain;
  WalRecord record;
  record.op = Op::kCommit;
  record.key = "k";
  record.agent = "a";
  record.content = "c\n";
  record.expected = 0;
  record.version = 1;
  record.ts = 1'700'000'000'000'001'000;
  const ReadItem read{"r", 2};
  record.read_set = {&read, 1};
  std::string line;
  chain.append(record, line);
  const std::string zeros(64, '0');
  const std::string body =
      "{\"agent\":\"a\",\"content\":\"c\\n\",\"expected_version\":0,\"key\":\"k\",\"op\":"
      "\"commit\","
      "\"prev\":\"" +
      zeros +
      "\",\"read_set\":[{\"key\":\"r\",\"version_at_read\":2}],"
      "\"status\":200,\"ts\":1700000000000001000,\"version\":1}";
  const std::string hash = core::sha256_hex(zeros + body);
  CHECK(line.find("\"hash\":\"" + hash + "\"") != std::string::npos);
  line.erase(line.find(",\"hash\""), 9 + 64 + 1);
  CHECK(line == body + "\n");
  CHECK(chain.last() == hash);
}

TEST_CASE("serve: when to sync, and addresses") {
  CHECK(parse_fsync("group:200")->interval_ns == 200'000'000);
  CHECK(parse_fsync("never")->sync == WalOptions::Sync::kNever);
  for (const char* bad : {"", "group", "group:", "group:0", "group:x", "sometimes"}) {
    CHECK_FALSE(parse_fsync(bad));
  }
  CHECK(split_address("[::1]:80", "--listen").host == "::1");
  CHECK(split_address(":7", "--listen").host == "127.0.0.1");
  for (const char* bad : {"", "host", "host:", "host:x", "host:65536"}) {
    CHECK_THROWS_AS((void)split_address(bad, "--listen"), core::Error);
  }
  CHECK(utc_text(1'700'000'000'123'456'000) == "2023-11-14T22:13:20.123456Z");
}

TEST_CASE("turns: reads of a contended shard wait for the commit before them") {
  constexpr std::int64_t kMs = 1'000'000;
  Turns turns(5 * kMs);
  std::vector<std::uint64_t> woken;
  CHECK(turns.may_read("k", "a", 1, 0));
  CHECK(turns.may_read("k", "b", 2, 0));  // nobody fights yet
  turns.committed("k", "b", true, 0);
  CHECK(turns.may_read("other", "b", 2, 0));
  CHECK(turns.may_read("k", "a", 1, 0));
  CHECK_FALSE(turns.may_read("k", "b", 2, 0));
  CHECK_FALSE(turns.may_read("k", "c", 3, 0));
  turns.committed("k", "a", false, kMs);
  turns.take_woken(kMs, woken);
  CHECK(woken == std::vector<std::uint64_t>{2});
  CHECK(turns.may_read("k", "b", 2, kMs));
  CHECK_FALSE(turns.may_read("k", "a", 1, kMs));
  // b takes its time: all are answered, and nobody waits until commits collide again.
  turns.take_woken(7 * kMs, woken);
  CHECK(woken == std::vector<std::uint64_t>{3, 1});
  CHECK(turns.may_read("k", "c", 3, 7 * kMs));
  CHECK(turns.may_read("k", "a", 1, 7 * kMs));
  CHECK(turns.idle());
  CHECK_FALSE(turns.has_waiting());
}
