#include "bench/judge/judge.hpp"

#include <doctest.h>

#include "bench/task/task.hpp"

using namespace stateutils;
using namespace stateutils::bench;

namespace {

// The stale event of the format's description: move e7f2, touch nothing else.
constexpr const char* kTask = R"({
  "init":{"base":{},"overlay":{"events":[
    {"id":"e7f2","title":"Seattle release review","start":"2026-03-10T09:00Z","_kind":"stale"},
    {"id":"c01a","title":"Berlin release review","start":"2026-03-10T09:00Z","_kind":"decoy"}]}},
  "contract":{"require":[{"id":"moved","w":1,"table":"events","match":{"title":"Seattle release review","start":"2026-03-12T14:00Z"},"count":{"eq":1}}],
    "frame":{"default":"deny","allow":[{"table":"events","op":"update","match":{"key":"e7f2","fields":["start"]},"max":1}]}}})";

struct Bench {
  explicit Bench(const std::string& text) : document(text, "task", true) {
    task = &library.read(document.root());
  }
  Verdict judge(const std::string& state, const std::string& answer = "") {
    const Document json(state, "state", false);
    const Id id = library.store().read_state(json.root(), library.store().empty_state());
    return Judge(task->contract, library.store(), task->initial).judge(id, answer);
  }
  Document document;
  Library library;
  Task* task = nullptr;
};

const std::string kBerlin =
    R"({"id":"c01a","title":"Berlin release review","start":"2026-03-10T09:00Z"})";

}  // namespace

TEST_CASE("the frame denies what nobody asked for") {
  Bench bench(kTask);
  const auto events = [&](const std::string& rows) {
    return bench.judge("{\"events\":[" + rows + "]}");
  };
  const std::string moved =
      R"({"id":"e7f2","title":"Seattle release review","start":"2026-03-12T14:00Z"})";
  SUBCASE("right, in any form of the date") {
    CHECK(events(moved + "," + kBerlin).strict);
    CHECK(
        events(
            R"({"id":"e7f2","title":" Seattle release review","start":"2026-03-12T15:00+01:00"},)" +
            kBerlin)
            .strict);
  }
  SUBCASE("nothing done") {
    const Verdict v = events(
        R"({"id":"e7f2","title":"Seattle release review","start":"2026-03-10T09:00Z"},)" + kBerlin);
    CHECK_FALSE(v.strict);
    CHECK(v.scores.progress == 0);
    CHECK(v.frame.empty());
  }
  SUBCASE("a second event, the other event, delete and recreate") {
    CHECK(
        events(moved + "," + kBerlin + R"(,{"id":"aaaa","title":"x","start":"2026-03-12T14:00Z"})")
            .frame.size() == 1);
    CHECK(events(moved +
                 R"(,{"id":"c01a","title":"Berlin release review","start":"2026-03-12T14:00Z"})")
              .frame.size() == 1);
    CHECK(events(R"({"id":"bbbb","title":"Seattle release review","start":"2026-03-12T14:00Z"},)" +
                 kBerlin)
              .frame.size() == 2);
    const Verdict half = events(moved);
    CHECK(half.scores.progress == 1);
    CHECK(half.scores.partial == doctest::Approx(0.5));
  }
}

TEST_CASE("entries are assigned to rules as well as possible, not first come first served") {
  Bench bench(R"({"init":{"overlay":{}},"contract":{"require":[{"table":"t","count":{"ge":2}}],
    "frame":{"allow":[{"table":"t","op":"insert"},{"table":"t","op":"insert","match":{"a":1}}]}}})");
  CHECK(bench.judge(R"({"t":[{"id":"1","a":1},{"id":"2","a":2}]})").strict);
  CHECK_FALSE(bench.judge(R"({"t":[{"id":"1","a":3},{"id":"2","a":2}]})").strict);
}

TEST_CASE("answers are compared by their type") {
  const auto holds = [](const char* type, const std::string& value, const std::string& given,
                        const char* tol = "0") {
    Bench bench(std::string(R"({"init":{},"contract":{"answer":{"type":")") + type +
                R"(","value":)" + value + R"(,"tol":)" + tol + "}}}");
    return answer_holds(*bench.task->contract.options[0].answer, given);
  };
  CHECK(holds("text", "\"already right\"", "\" already right \""));
  CHECK_FALSE(holds("text", "\"already right\"", "\"Already right\""));
  CHECK(holds("int", "3", "3"));
  CHECK_FALSE(holds("int", "3", "3.5"));
  CHECK(holds("number", "3", "3.05", "0.1"));
  CHECK_FALSE(holds("number", "3", "3.2", "0.1"));
  CHECK(holds("set", "[\"a\",\"b\"]", "[\"b\",\"a\"]"));
  CHECK_FALSE(holds("list", "[\"a\",\"b\"]", "[\"b\",\"a\"]"));
  CHECK(holds("json", R"({"a":1,"b":2})", R"({"b":2,"a":1})"));
  CHECK_FALSE(holds("text", "\"x\"", ""));
}

TEST_CASE("alternatives: any may hold") {
  Bench bench(R"({"init":{},"contract":{"alternatives":[
    {"require":[{"table":"t","match":{"a":1}}],"frame":{"allow":[{"table":"t","op":"insert"}]}},
    {"require":[{"config":"x","match":{"value":"on"}}],"frame":{"allow":[{"table":"config","op":"insert"}]}}]}})");
  CHECK(bench.judge(R"({"t":[{"id":"1","a":1}]})").strict);
  CHECK(bench.judge(R"({"config":{"x":"on"}})").strict);
  CHECK_FALSE(bench.judge(R"({"config":{"x":"on"},"t":[{"id":"1","a":1}]})").strict);
}

TEST_CASE("contracts and states with unknown or doubled names are refused") {
  CHECK_THROWS_AS(Bench(R"({"init":{},"contract":{"requires":[]}})"), core::Error);
  CHECK_THROWS_AS(
      Bench(R"({"init":{},"contract":{"frame":{"allow":[{"table":"t","op":"upsert"}]}}})"),
      core::Error);
  CHECK_THROWS_AS(Bench(R"({"init":{"base":{"t":[{"id":"1"},{"id":"1"}]}},"contract":{}})"),
                  core::Error);
  CHECK_THROWS_AS(Bench(R"({"init":{},"init":{},"contract":{}})"), core::Error);
}
