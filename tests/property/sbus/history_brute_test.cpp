// Isolation levels and linearizability against brute force over all orders.
#include <doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <random>

#include "brute_levels.hpp"
#include "sbus/linear.hpp"
#include "sbus/txn_check.hpp"

using namespace stateutils::sbus;
using namespace stateutils::sbus::brute;

TEST_CASE("register histories: every level as brute force says") {
  int valid = 0, invalid = 0;
  for (unsigned seed = 0; seed < 1500; ++seed) {
    std::mt19937 random(seed);
    const Small small = random_history(random);
    const Brute brute(small);
    for (const char* name : {"rc", "ra", "cc", "ryw", "mr", "mw", "wfr", "pc", "si", "ser"}) {
      for (const bool sessions : {false, true}) {
        CAPTURE(seed);
        CAPTURE(name);
        CAPTURE(sessions);
        TxnOptions options;
        options.level = level_by_name(name).value();
        options.sessions = sessions;
        const TxnResult result = check_txns(small.history, options, "random");
        const bool expected = brute.holds(options.level, sessions);
        CHECK(result.verdict == (expected ? Verdict::kValid : Verdict::kInvalid));
        CHECK((result.anomalies.empty() == expected));
        ++(expected ? valid : invalid);
      }
    }
  }
  CHECK(valid > 1000);
  CHECK(invalid > 1000);
}

TEST_CASE("serial executions of lists pass every level; a lost append never does") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    TxnHistory history;
    history.list_append = true;
    for (const char* key : {"x", "y", "z"}) (void)history.keys.number(key);
    std::vector<std::vector<std::uint32_t>> lists(3);
    std::uint32_t next = 1;
    for (int t = 0; t < 40; ++t) {
      Txn txn;
      txn.session = static_cast<std::uint32_t>(random() % 4);
      txn.timed = true;
      txn.start = t * 10;
      txn.end = t * 10 + 5;
      for (std::size_t i = 1 + random() % 4; i > 0; --i) {
        TxnOp op;
        op.key = static_cast<std::uint32_t>(random() % 3);
        if (random() % 2 == 0) {
          op = history.read_of_list(op.key, lists[op.key]);
        } else {
          op.kind = TxnOp::Kind::kAppend;
          op.value = history.values.number(std::to_string(next++));
          lists[op.key].push_back(op.value);
        }
        txn.ops.push_back(op);
      }
      history.txns.push_back(txn);
    }
    TxnOptions options;
    for (const char* name : {"rc", "cc", "pc", "si", "ser", "strict"}) {
      CAPTURE(name);
      options.level = level_by_name(name).value();
      CHECK(check_txns(history, options, "serial").verdict == Verdict::kValid);
    }
    // Two more transactions read the same list and both append to it.
    for (std::uint32_t t = 0; t < 3; ++t) {
      Txn txn;
      txn.session = 10 + t;
      if (t == 2) {
        lists[0].push_back(history.values.number("late0"));
        lists[0].push_back(history.values.number("late1"));
        txn.ops = {history.read_of_list(0, lists[0])};
      } else {
        txn.ops = {history.read_of_list(0, lists[0]),
                   {TxnOp::Kind::kAppend, 0, history.values.number("late" + std::to_string(t))}};
      }
      history.txns.push_back(txn);
    }
    options.level = Level::kSi;
    const TxnResult found = check_txns(history, options, "lost");
    CHECK(found.verdict == Verdict::kInvalid);
    CHECK(found.anomalies.contains("G-single"));
  }
}

namespace {

std::string row(const std::string& session, const std::string& ops, const char* status = "ok") {
  return "{\"session\":\"" + session + "\",\"status\":\"" + status + "\",\"ops\":[" + ops + "]}\n";
}
std::string reads(const std::string& key, int value) {
  return "[\"r\",\"" + key + "\"," + (value == 0 ? "null" : std::to_string(value)) + "]";
}
std::string writes(const std::string& key, int value) {
  return "[\"w\",\"" + key + "\"," + std::to_string(value) + "]";
}

TxnResult verdict_on(const std::string& text, const char* level) {
  TxnOptions options;
  options.level = level_by_name(level).value();
  return check_txns(txns_from_jsonl(text, "random"), options, "random");
}

}  // namespace

TEST_CASE("a serial run of registers passes, with each anomaly injected it fails and is named") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::map<std::string, int> now{{"x", 0}, {"y", 0}, {"z", 0}};
    int next = 1;
    std::string serial;
    for (int t = 0; t < 80; ++t) {
      std::string ops;
      for (std::size_t i = 1 + random() % 4; i > 0; --i) {
        const std::string key(1, static_cast<char>('x' + random() % 3));
        if (!ops.empty()) ops += ',';
        ops += random() % 2 == 0 ? reads(key, now[key]) : writes(key, now[key] = next++);
      }
      serial += row(std::to_string(random() % 5), ops);
    }
    for (const char* level : {"rc", "ra", "cc", "pc", "si", "ser", "strict"}) {
      CAPTURE(level);
      CHECK(verdict_on(serial, level).verdict == Verdict::kValid);
    }
    const auto x = [&] { return reads("x", now["x"]); };
    const auto y = [&] { return reads("y", now["y"]); };
    struct Injected {
      std::string what;
      const char *level, *holds, *name;
      std::string rows;
    };
    const std::vector<Injected> all{
        {"lost update", "si", "cc", "G-single",
         row("p", x() + "," + writes("x", 9001)) + row("q", x() + "," + writes("x", 9002))},
        {"write skew", "ser", "si", "G2-item",
         row("p", x() + "," + y() + "," + writes("x", 9001)) +
             row("q", x() + "," + y() + "," + writes("y", 9002))},
        {"aborted read", "rc", nullptr, "G1a",
         row("p", writes("x", 9001), "fail") + row("q", reads("x", 9001))},
        {"intermediate read", "rc", nullptr, "G1b",
         row("p", writes("x", 9001) + "," + writes("x", 9002)) + row("q", reads("x", 9001))},
        {"long fork", "si", "cc", "G-nonadjacent",
         row("p", x() + "," + writes("x", 9001)) + row("q", y() + "," + writes("y", 9002)) +
             row("s", reads("x", 9001) + "," + y()) + row("t", x() + "," + reads("y", 9002))}};
    for (const Injected& injected : all) {
      CAPTURE(injected.what);
      const TxnResult found = verdict_on(serial + injected.rows, injected.level);
      CHECK(found.verdict == Verdict::kInvalid);
      CHECK(found.anomalies.contains(injected.name));
      if (injected.holds != nullptr) {
        CHECK(verdict_on(serial + injected.rows, injected.holds).verdict == Verdict::kValid);
      }
    }
  }
}

TEST_CASE("Jepsen operations read as they come are those read as a whole") {
  int plain = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<int>(random() % n); };
    std::string text;
    const bool lists = below(2) == 0;
    int next = 1;
    for (int i = 0; i < 30; ++i) {
      const char* types[] = {"invoke", "ok", "ok", "fail", "info"};
      text += "{:type :" + std::string(types[below(5)]) + ", :f " +
              (below(200) == 0 ? ":other" : ":txn") + ", :process " +
              (below(50) == 0 ? ":nemesis" : std::to_string(below(4))) + ", :value [";
      for (int n = below(3); n >= 0; --n) {
        const std::string key = below(2) == 0 ? "1" : ":k";
        if (below(2) == 0) {
          text += "[:" + std::string(lists ? "append " : "w ") + key + ' ' +
                  std::to_string(next++) + "] ";
        } else {
          text += "[:r " + key + (below(3) == 0 ? " nil" : lists ? " [1 2]" : " 1") + "] ";
        }
      }
      text += "]}\n";
    }
    const auto outcome = [&](auto&& read) -> std::string {
      try {
        TxnOptions options;
        options.level = Level::kStrict;
        const TxnResult result = check_txns(read(), options, "random");
        std::string all = std::to_string(static_cast<int>(result.verdict));
        for (const auto& [name, count] : result.anomalies)
          all += ' ' + name + std::to_string(count);
        return all;
      } catch (const stateutils::core::Error& error) {
        return error.what();
      }
    };
    std::optional<TxnHistory> streamed;
    try {
      streamed = txns_from_edn(text, "random");
    } catch (const stateutils::core::Error&) {
    }
    if (!streamed) continue;
    ++plain;
    CHECK(outcome([&] { return *streamed; }) ==
          outcome([&] { return txns_from_calls(calls_from_edn(text, "random"), "random"); }));
  }
  CHECK(plain > 5);
}

TEST_CASE("JSON operations read as they come are those read as a whole") {
  int plain = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<int>(random() % n); };
    std::string text;
    int next = 1;
    for (int i = 0; i < 30; ++i) {
      const char* types[] = {"invoke", "ok", "ok", "fail", "info"};
      text += "{\"type\": \"" + std::string(types[below(5)]) + "\", \"f\": \"" +
              (below(200) == 0 ? "other" : "txn") +
              "\", \"process\": " + (below(50) == 0 ? "\"nemesis\"" : std::to_string(below(4))) +
              ", \"value\": [";
      for (int n = below(3), first = n; n >= 0; --n) {
        text += n == first ? "" : ", ";
        const std::string key = below(2) == 0 ? "1" : below(40) == 0 ? "\"\\u006b\"" : "\"k\"";
        if (below(2) == 0) {
          text += "[\"w\", " + key + ", " + std::to_string(next++) + "]";
        } else {
          text += "[\"r\", " + key + (below(3) == 0 ? ", null]" : ", 1]");
        }
      }
      text += below(300) == 0 ? "]\n" : below(10) == 0 ? "]}\r\n\n" : "]}\n";
    }
    const auto outcome = [&](auto&& read) -> std::string {
      try {
        TxnOptions options;
        options.level = Level::kSer;
        const TxnResult result = check_txns(read(), options, "random");
        std::string all = std::to_string(static_cast<int>(result.verdict));
        for (const auto& [name, count] : result.anomalies)
          all += ' ' + name + std::to_string(count);
        return all;
      } catch (const stateutils::core::Error& error) {
        return error.what();
      }
    };
    std::optional<TxnHistory> streamed = txns_from_json(text, "random");
    if (!streamed) continue;
    ++plain;
    CHECK(outcome([&] { return *streamed; }) ==
          outcome([&] { return txns_from_calls(calls_from_json(text, "random"), "random"); }));
  }
  CHECK(plain > 5);
}

TEST_CASE("JSON documents of plain form are read as by the strict parser") {
  int plain = 0;
  JsonReader reader;
  Value value;  // read into again and again
  for (unsigned seed = 0; seed < 20000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    const std::function<std::string(int)> document = [&](int depth) -> std::string {
      static const std::vector<std::string> kScalars{"null",
                                                     "true",
                                                     "false",
                                                     "0",
                                                     "-1",
                                                     "-0",
                                                     "1.5",
                                                     "1e3",
                                                     "-2.5E-7",
                                                     "9223372036854775808",
                                                     "18446744073709551616",
                                                     "1e999",
                                                     "\"\"",
                                                     "\"a\"",
                                                     "\"\\n\\\"\"",
                                                     "\"\\u0041\"",
                                                     "\"\xc3\xa9\"",
                                                     "\"\xff\"",
                                                     "01",
                                                     "nul",
                                                     "\"\\ud800\"",
                                                     "0.1",
                                                     "123456789012345678"};
      std::string out;
      const std::size_t kind = below(depth > 3 ? 1 : 3);
      if (kind == 0) return kScalars[below(below(4) == 0 ? kScalars.size() : 10)];
      const char* names[] = {"type", "f", "value", "a", "b"};
      for (std::size_t n = below(4); n > 0; --n) {
        if (!out.empty()) out += below(60) == 0 ? "" : ", ";
        if (kind == 2) out += '"' + std::string(names[below(5)]) + "\": ";
        out += document(depth + 1);
      }
      return kind == 1 ? '[' + out + ']' : '{' + out + '}';
    };
    std::string text = document(0);
    if (below(10) == 0) text.insert(below(text.size() + 1), 1, "]} \0,\""[below(7)]);
    CAPTURE(text);
    std::string expected = "refused";
    try {
      expected = value_from_json(text, "random").canonical();
    } catch (const stateutils::core::Error&) {
    }
    if (!reader.read_plain(text, value)) continue;
    ++plain;
    CHECK(value.canonical() == expected);
  }
  CHECK(plain > 5000);
}

TEST_CASE("linearizability as brute force over all orders says") {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t k) { return static_cast<std::uint32_t>(random() % k); };
    const std::size_t n = 1 + below(6);
    std::vector<LinearOp> ops(n);
    std::vector<std::pair<bool, std::uint32_t>> what(n);  // write?, value
    for (std::size_t i = 0; i < n; ++i) {
      ops[i].start = below(12);
      ops[i].end = ops[i].start + below(6);
      ops[i].required = below(5) != 0;
      what[i] = {below(2) == 0, below(3)};
      if (!ops[i].required) what[i].first = true;
    }
    const LinearStep step = [&](std::uint32_t state,
                                std::uint32_t i) -> std::optional<std::uint32_t> {
      if (what[i].first) return what[i].second;
      return what[i].second == state ? std::optional(state) : std::nullopt;
    };
    bool expected = false;
    std::vector<std::uint32_t> order(n);
    // Every subset that holds the required operations, in every order.
    for (std::uint32_t subset = 0; subset < (1u << n) && !expected; ++subset) {
      order.clear();
      bool whole = true;
      for (std::uint32_t i = 0; i < n; ++i) {
        if ((subset >> i & 1u) != 0) order.push_back(i);
        whole = whole && (!ops[i].required || (subset >> i & 1u) != 0);
      }
      if (!whole) continue;
      do {
        bool good = true;
        for (std::size_t a = 0; a < order.size() && good; ++a) {
          for (std::size_t b = a + 1; b < order.size() && good; ++b) {
            const LinearOp& later = ops[order[b]];
            good = !(later.required && later.end < ops[order[a]].start);
          }
        }
        std::optional<std::uint32_t> state = 0;
        for (std::size_t a = 0; a < order.size() && good && state; ++a)
          state = step(*state, order[a]);
        expected = good && state.has_value();
      } while (!expected && std::next_permutation(order.begin(), order.end()));
    }
    std::uint64_t steps = 1'000'000;
    CHECK(check_linear(ops, 0, step, steps) == (expected ? Verdict::kValid : Verdict::kInvalid));
  }
}
