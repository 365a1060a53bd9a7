#include "sbus/history.hpp"

#include <doctest.h>

#include <filesystem>

#include "core/error.hpp"
#include "core/input.hpp"
#include "sbus/jepsen_invariants.hpp"
#include "sbus/linear_models.hpp"
#include "sbus/txn_check.hpp"

using namespace stateutils;
using sbus::Verdict;

namespace {

sbus::TxnResult check(const sbus::TxnHistory& history, std::string_view level,
                      bool sessions = false) {
  sbus::TxnOptions options;
  options.level = sbus::level_by_name(level).value();
  options.sessions = sessions;
  return sbus::check_txns(history, options, "test");
}

// Own format, sessions a, b, c ... in the order of lines.
sbus::TxnResult check_text(std::string_view text, std::string_view level = "ser",
                           bool sessions = false) {
  return check(sbus::txns_from_jsonl(text, "test"), level, sessions);
}

std::string anomalies(const sbus::TxnResult& result) {
  std::string out;
  for (const auto& [type, count] : result.anomalies) {
    out += (out.empty() ? "" : " ") + type + ":" + std::to_string(count);
  }
  return out;
}

}  // namespace

TEST_CASE("EDN forms") {
  sbus::EdnReader reader(
      "; a comment\n#_ (dropped) {:a 1, \"b\" [nil true -7 2.5 99999999999999999999] #tag :c #{x}}",
      "test");
  sbus::Value value;
  REQUIRE(reader.next(value));
  REQUIRE(value.kind == sbus::Value::Kind::kMap);
  CHECK(value.find("a")->number == 1);
  const sbus::Value& list = *value.find("b");
  REQUIRE(list.items.size() == 5);
  CHECK(list.items[0].is_nil());
  CHECK(list.items[1].flag);
  CHECK(list.items[2].number == -7);
  CHECK(list.items[4].text == "99999999999999999999");
  CHECK(value.find("c")->items[0].is("x"));
  CHECK_FALSE(reader.next(value));
  for (const char* text : {"(", "{:a}", "\"x", "]", "#", "\"\\uD800\"", "{:a (}"}) {
    CAPTURE(text);
    sbus::EdnReader broken(text, "test");
    CHECK_THROWS_AS((void)broken.next(value), core::Error);
  }
  const std::string deep(100, '[');
  sbus::EdnReader deep_reader(deep, "test");
  CHECK_THROWS_AS((void)deep_reader.next(value), core::Error);
}

TEST_CASE("the weak levels of AWDIT's histories") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TESTDATA_DIR "/sbus-check/awdit")) {
    const std::string path = entry.path().string(), name = entry.path().filename().string();
    CAPTURE(name);
    const auto history = sbus::txns_from_awdit(core::read_file(path, 1 << 20), path);
    const int strongest = name.starts_with("causal")           ? 3
                          : name.starts_with("read-atomic")    ? 2
                          : name.starts_with("read-committed") ? 1
                                                               : 0;
    CHECK((check(history, "rc").verdict == Verdict::kValid) == (strongest >= 1));
    CHECK((check(history, "ra").verdict == Verdict::kValid) == (strongest >= 2));
    CHECK((check(history, "cc").verdict == Verdict::kValid) == (strongest >= 3));
    ++files;
  }
  CHECK(files == 14);
}

TEST_CASE("linearizable registers and key-value stores of Porcupine") {
  const std::string folder = TESTDATA_DIR "/sbus-check/porcupine/";
  const auto log = [&](const char* name) {
    const auto calls = sbus::calls_from_log(core::read_file(folder + name, 1 << 20), name);
    return sbus::check_linear_history(calls, sbus::LinearModel::kRegister, 1'000'000, name).verdict;
  };
  CHECK(log("etcd_000.log") == Verdict::kInvalid);
  CHECK(log("etcd_002.log") == Verdict::kValid);
  const auto kv = [&](const char* name) {
    const auto calls = sbus::calls_from_edn(core::read_file(folder + name, 1 << 20), name);
    return sbus::check_linear_history(calls, sbus::LinearModel::kKv, 10'000'000, name).verdict;
  };
  CHECK(kv("c01-ok.txt") == Verdict::kValid);
  CHECK(kv("c01-bad.txt") == Verdict::kInvalid);
  CHECK(kv("c10-ok.txt") == Verdict::kValid);
  CHECK(kv("c10-bad.txt") == Verdict::kInvalid);
  CHECK(kv("c50-ok.txt") == Verdict::kValid);
}

TEST_CASE("what is known of single registers orders their writes") {
  // Sequential: a sees x = 1, then 2; b sees 2, then 1. No order of the two writes suits both.
  const auto history = [](const char* text) { return sbus::txns_from_jsonl(text, "test"); };
  const auto verdict = [](const sbus::TxnHistory& h, bool sequential, bool linearizable) {
    sbus::TxnOptions options;
    options.sequential_keys = sequential;
    options.linearizable_keys = linearizable;
    return sbus::check_txns(h, options, "test").verdict;
  };
  const auto sessions = history(R"({"session":"w","ops":[["w","x",1]]}
{"session":"v","ops":[["w","x",2]]}
{"session":"a","ops":[["r","x",1]]}
{"session":"a","ops":[["r","x",2]]}
{"session":"b","ops":[["r","x",2]]}
{"session":"b","ops":[["r","x",1]]}
)");
  CHECK(verdict(sessions, false, false) == Verdict::kValid);  // ser has no session edges
  CHECK(verdict(sessions, true, false) == Verdict::kInvalid);
  CHECK(verdict(sessions, false, true) == Verdict::kValid);  // nothing is timed
  const auto initial = history(R"({"session":"w","ops":[["w","x",1]]}
{"session":"a","ops":[["r","x",1]]}
{"session":"a","ops":[["r","x",null]]}
)");
  CHECK(verdict(initial, false, false) == Verdict::kValid);
  CHECK(verdict(initial, true, false) == Verdict::kInvalid);
  const auto timed = history(R"({"session":"w","start":0,"end":1,"ops":[["w","x",1]]}
{"session":"v","start":2,"end":3,"ops":[["w","x",2]]}
{"session":"a","start":4,"end":5,"ops":[["r","x",1]]}
)");
  CHECK(verdict(timed, false, false) == Verdict::kValid);
  CHECK(verdict(timed, false, true) == Verdict::kInvalid);
}

TEST_CASE("anomalies of list-append histories") {
  // The three of a lost append: T2 and T3 both build on T1's list.
  CHECK(anomalies(check_text(R"({"session":"a","ops":[["a","x",1]]}
{"session":"b","ops":[["r","x",[1]],["a","x",2]]}
{"session":"c","ops":[["r","x",[1]],["a","x",3]]}
{"session":"d","ops":[["r","x",[1,2,3]]]}
)")) == "G-single:1");
  CHECK(anomalies(check_text(R"({"session":"a","ops":[["r","x",[]],["a","y",1]]}
{"session":"b","ops":[["r","y",[]],["a","x",1]]}
{"session":"c","ops":[["r","x",[1]],["r","y",[1]]]}
)")) == "G2-item:1");
  CHECK(anomalies(check_text(R"({"session":"a","ops":[["a","x",1],["a","y",1]]}
{"session":"b","ops":[["a","x",2],["a","y",2]]}
{"session":"c","ops":[["r","x",[1,2]],["r","y",[2,1]]]}
)")) == "G0:1");
  CHECK(anomalies(check_text(R"({"session":"a","status":"fail","ops":[["a","x",1]]}
{"session":"b","ops":[["r","x",[1]]]}
)")) == "G1a:1");
  CHECK(anomalies(check_text(R"({"session":"a","ops":[["a","x",1],["a","x",2]]}
{"session":"b","ops":[["r","x",[1]]]}
)"))
            .starts_with("G-single:1 G1b:1"));
  CHECK(anomalies(check_text(R"({"session":"b","ops":[["r","x",[7]]]}
)")) == "thin-air:1");
  CHECK(anomalies(check_text(R"({"session":"a","ops":[["a","x",1]]}
{"session":"b","ops":[["a","x",2]]}
{"session":"c","ops":[["r","x",[1,2]]]}
{"session":"d","ops":[["r","x",[2]]]}
)"))
            .find("incompatible-order:1") != std::string::npos);
  CHECK(anomalies(check_text(R"({"session":"a","ops":[["a","x",1]]}
{"session":"b","ops":[["a","x",2],["r","x",[1]]]}
)"))
            .find("internal:1") != std::string::npos);
  // An info append counts once it was seen.
  CHECK(check_text(R"({"session":"a","status":"info","ops":[["a","x",1]]}
{"session":"b","ops":[["r","x",[1]]]}
)")
            .verdict == Verdict::kValid);
}

TEST_CASE("anomalies of register histories, named where they are forced") {
  const char* lost_update = R"({"session":"a","ops":[["w","x",1]]}
{"session":"b","ops":[["r","x",1],["w","x",2]]}
{"session":"c","ops":[["r","x",1],["w","x",3]]}
)";
  CHECK(check_text(lost_update).anomalies.contains("G-single"));
  CHECK(check_text(lost_update, "si").verdict == Verdict::kInvalid);
  CHECK(check_text(lost_update, "cc").verdict == Verdict::kValid);
  const char* write_skew = R"({"session":"a","ops":[["r","x",null],["r","y",null],["w","x",1]]}
{"session":"b","ops":[["r","x",null],["r","y",null],["w","y",1]]}
)";
  CHECK(anomalies(check_text(write_skew)) == "G2-item:1");
  CHECK(check_text(write_skew, "si").verdict == Verdict::kValid);
  const char* long_fork = R"({"session":"a","ops":[["w","x",1]]}
{"session":"b","ops":[["w","y",1]]}
{"session":"c","ops":[["r","x",1],["r","y",null]]}
{"session":"d","ops":[["r","x",null],["r","y",1]]}
)";
  CHECK(anomalies(check_text(long_fork)) == "G-nonadjacent:1");
  CHECK(check_text(long_fork, "si").verdict == Verdict::kInvalid);
  CHECK(check_text(long_fork, "pc").verdict == Verdict::kInvalid);
  CHECK(check_text(long_fork, "cc").verdict == Verdict::kValid);
}

TEST_CASE("session levels") {
  const char* not_my_write = R"({"session":"a","ops":[["w","x",1]]}
{"session":"b","ops":[["r","x",1],["w","x",2]]}
{"session":"b","ops":[["r","x",1]]}
)";
  CHECK(check_text(not_my_write, "ryw").verdict == Verdict::kInvalid);
  CHECK(check_text(not_my_write, "mw").verdict == Verdict::kValid);
  const char* back_in_time = R"({"session":"a","ops":[["w","x",1]]}
{"session":"b","ops":[["r","x",1],["w","x",2]]}
{"session":"c","ops":[["r","x",2]]}
{"session":"c","ops":[["r","x",1]]}
)";
  CHECK(check_text(back_in_time, "mr").verdict == Verdict::kInvalid);
  CHECK(check_text(back_in_time, "ryw").verdict == Verdict::kValid);
  const char* writes_swapped = R"({"session":"a","ops":[["w","x",1]]}
{"session":"a","ops":[["w","y",1]]}
{"session":"b","ops":[["r","y",1],["r","x",null]]}
)";
  CHECK(check_text(writes_swapped, "mw").verdict == Verdict::kInvalid);
  CHECK(check_text(writes_swapped, "mr").verdict == Verdict::kValid);
  const char* follows = R"({"session":"a","ops":[["w","x",1]]}
{"session":"b","ops":[["r","x",1]]}
{"session":"b","ops":[["w","y",1]]}
{"session":"c","ops":[["r","y",1],["r","x",null]]}
)";
  CHECK(check_text(follows, "wfr").verdict == Verdict::kInvalid);
  CHECK(check_text(follows, "mw").verdict == Verdict::kValid);
}

TEST_CASE("strict adds real time") {
  const char* stale = R"({"session":"a","start":1,"end":2,"ops":[["w","x",1]]}
{"session":"b","start":3,"end":4,"ops":[["r","x",null]]}
)";
  CHECK(check_text(stale).verdict == Verdict::kValid);
  CHECK(anomalies(check_text(stale, "strict")) == "G-single-realtime:1");
  CHECK(check_text(R"({"session":"a","start":1,"end":3,"ops":[["w","x",1]]}
{"session":"b","start":3,"end":4,"ops":[["r","x",null]]}
)",
                   "strict")
            .verdict == Verdict::kValid);
}

TEST_CASE("keys and values as numbers: integers by value, texts by text") {
  sbus::TextTable table;
  const std::uint32_t seven = table.number("7");
  CHECK(table.number(std::int64_t{7}) == seven);
  CHECK(table.text(seven) == "7");
  for (const char* text : {"07", "+7", "-0", "", "-", "7.0", "\"7\"", "9223372036854775807",
                           "1000000000000000000", "-999999999999999999"}) {
    CAPTURE(text);
    const std::uint32_t number = table.number(text);
    CHECK(number != seven);
    CHECK(table.number(text) == number);
    CHECK(table.text(number) == text);
  }
  CHECK(table.number(INT64_MAX) == table.number("9223372036854775807"));
  CHECK(table.number(INT64_MIN) == table.number("-9223372036854775808"));
  CHECK(table.number(std::int64_t{-999999999999999999}) == table.number("-999999999999999999"));
}

TEST_CASE("the forms of transactional histories") {
  const auto dbcop = sbus::txns_from_dbcop(
      R"({"data":[[{"events":[{"Write":{"variable":0,"version":1}}],"committed":true}],
 [{"events":[{"Read":{"variable":0,"version":1}},{"Read":{"variable":1,"version":null}}],"committed":true}]]})",
      "test");
  CHECK(dbcop.txns.size() == 2);
  CHECK(check(dbcop, "ser").verdict == Verdict::kValid);
  const auto plume =
      sbus::txns_from_plume("w(0,1,0,0)\nr(0,1,1,1)\nw(1,5,0,-1)\nr(1,5,2,2)\n", "test");
  CHECK(plume.txns.size() == 4);
  CHECK(anomalies(check(plume, "rc")) == "G1a:1");
  CHECK_THROWS_AS((void)sbus::txns_from_plume("w(0,1,0)\n", "test"), core::Error);
  CHECK_THROWS_AS((void)sbus::txns_from_awdit("x 0 1\n", "test"), core::Error);
  CHECK_THROWS_AS(check_text(R"({"session":"a","ops":[["w","x",1]]}
{"session":"b","ops":[["w","x",1]]}
)"),
                  core::Error);
}

TEST_CASE("bank, counter and set") {
  const auto run = [](const char* text, auto&& checker) {
    return checker(sbus::calls_from_edn(text, "test"), std::string("test")).verdict;
  };
  CHECK(run("{:type :ok :f :read :process 0 :value {0 5 1 5}} {:type :ok :f :read :process 0 "
            ":value {0 4 1 6}}",
            sbus::check_bank) == Verdict::kValid);
  CHECK(run("{:type :ok :f :read :process 0 :value {0 5 1 5}} {:type :ok :f :read :process 0 "
            ":value {0 4 1 5}}",
            sbus::check_bank) == Verdict::kInvalid);
  CHECK(run("{:type :ok :f :read :process 0 :value {0 -1 1 5}}", sbus::check_bank) ==
        Verdict::kInvalid);
  CHECK(run("{:type :invoke :f :add :process 0 :value 2} {:type :ok :f :read :process 1 :value 2}",
            sbus::check_counter) == Verdict::kValid);
  CHECK(run("{:type :ok :f :add :process 0 :value 2} {:type :ok :f :read :process 1 :value 1}",
            sbus::check_counter) == Verdict::kInvalid);
  CHECK(run("{:type :ok :f :add :process 0 :value 2} {:type :ok :f :read :process 1 :value [2]}",
            sbus::check_set_full) == Verdict::kValid);
  CHECK(run("{:type :ok :f :add :process 0 :value 2} {:type :ok :f :read :process 1 :value []}",
            sbus::check_set_full) == Verdict::kInvalid);
}
