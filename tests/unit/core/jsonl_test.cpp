#include "core/jsonl.hpp"

#include <doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "core/output.hpp"

using namespace stateutils;
using core::JsonlOptions;
using core::JsonlReader;

namespace {

// The values of "a" of every record, or "error: ..." as the last entry.
std::vector<std::string> read_a(std::string_view text, JsonlOptions options = {}) {
  std::vector<std::string> values;
  const auto source = core::memory_input(text, "t");
  JsonlReader reader(*source, options);
  try {
    while (const core::Record* record = reader.next()) {
      values.push_back(std::to_string(record->i64("a")));
    }
  } catch (const core::Error& e) {
    CHECK(e.category() == core::Category::kInput);
    values.push_back(std::string("error: ") + e.what());
  }
  return values;
}

std::string jsonl_error(std::string_view text, JsonlOptions options = {}) {
  const auto values = read_a(text, options);
  return values.empty() || !values.back().starts_with("error: ") ? "" : values.back().substr(7);
}

using Values = std::vector<std::string>;

std::string nested_array(int depth) {
  return "{\"a\":1,\"b\":" + std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']') + "}";
}

}  // namespace

TEST_CASE("jsonl: accepts what text files have") {
  CHECK(read_a("").empty());
  CHECK(read_a("\n \n\r\n\t\n").empty());
  CHECK(read_a("\xEF\xBB\xBF").empty());
  CHECK(read_a("{\"a\":1}\n{\"a\":2}\n") == Values{"1", "2"});
  CHECK(read_a("\xEF\xBB\xBF{\"a\":1}\r\n\r\n  {\"a\": 2 } ") == Values{"1", "2"});
  CHECK(read_a("{\"a\":1,\"b\":\"\\u00e9\\ud83d\\ude00\"}") == Values{"1"});
}

TEST_CASE("jsonl: refuses with file and line") {
  CHECK(jsonl_error("{\"a\":1}\n{\"a\":1}{\"a\":2}\n").starts_with("t:2: malformed JSON"));
  CHECK(jsonl_error("{\"a\":1} x\n").starts_with("t:1: malformed JSON"));
  CHECK(jsonl_error("[1]\n") == "t:1: expected an object");
  CHECK(jsonl_error("7\n") == "t:1: expected an object");
  CHECK(jsonl_error("{\"a\":1,\"a\":2}\n") == "t:1: \"a\" appears twice");
  CHECK(read_a("{\"a\":1,\"b\":2,\"b\":2}\n") == Values{"1"});
  CHECK(jsonl_error("{\"b\":1}\n") == "t:1: \"a\" is missing");
  CHECK(jsonl_error("{\"a\":1,\"b\":18446744073709551616}\n").starts_with("t:1: malformed JSON"));
  CHECK(jsonl_error("{\"a\":1,\"b\":1e400}\n").starts_with("t:1: malformed JSON"));
  CHECK(jsonl_error("{\"a\":9223372036854775808}\n").find("does not fit") != std::string::npos);
  CHECK(jsonl_error("{\"a\":1,\"b\":NaN}\n").starts_with("t:1: malformed JSON"));
  CHECK(jsonl_error("{\"a\":1,\"b\":Infinity}\n").starts_with("t:1: malformed JSON"));
  CHECK(jsonl_error("{\"a\":1,\"b\":nul}\n").starts_with("t:1: malformed JSON"));
  CHECK(jsonl_error("{\"a\":1,\"b\":\"\xff\"}\n") == "t:1: invalid UTF-8");
  CHECK(jsonl_error("{\"a\":1,\"b\":\"\\ud800\"}\n") != "");
  CHECK(jsonl_error("{\"a\":1,\"b\":\"\\udc00x\"}\n") != "");
  CHECK(jsonl_error("{\"a\":1,\"b\":[\"\\uDC00\"]}\n") != "");
  CHECK(jsonl_error("{\"a\":1,\"\\udfff\":1}\n") != "");
  CHECK(jsonl_error("{\"a\":1.5}\n") == "t:1: \"a\": expected an integer, found a fraction");
  CHECK(jsonl_error("{\"a\":\"1\"}\n") == "t:1: \"a\": expected an integer, found a string");
  CHECK(jsonl_error("{\"a\":1").starts_with("t:1: "));
  CHECK(jsonl_error(std::string_view("{\"a\":1}\0\n", 9)).starts_with("t:1: "));
}

TEST_CASE("jsonl: depth 64 is the limit") {
  CHECK(jsonl_error(nested_array(63)) == "");  // and the object itself
  CHECK(jsonl_error(nested_array(64)).find("64 levels") != std::string::npos);
  CHECK(jsonl_error(nested_array(100000)).find("64 levels") != std::string::npos);
}

TEST_CASE("jsonl: long lines up to the limit") {
  const std::string head = "{\"a\":1,\"b\":\"", tail = "\"}";
  JsonlOptions options;
  options.max_line = 3u << 20;
  const std::string fits =
      head + std::string(options.max_line - head.size() - tail.size(), 'x') + tail;
  CHECK(fits.size() == options.max_line);
  CHECK(read_a(fits + "\r\n" + fits + "\n{\"a\":2}", options) == Values{"1", "1", "2"});
  CHECK(jsonl_error("\n x" + fits, options).starts_with("t:2: line longer than 3145728 bytes"));
  CHECK(jsonl_error(std::string(9u << 20, ' '), options).starts_with("t:1: line longer than"));
}

TEST_CASE("jsonl: framing") {
  const std::string header = "{\"format\":\"stateutils.x\",\"version\":1,\"seed\":7}\n";
  const std::string body = "{\"a\":1}\n{\"a\":2}\n";
  JsonlOptions x;
  x.format = "x";
  JsonlOptions tail = x;
  tail.tail = true;
  const auto trailer = [](int n) {
    return "{\"end\":true,\"records\":" + std::to_string(n) + "}\n";
  };
  CHECK(read_a(header + body + trailer(2), x) == Values{"1", "2"});
  CHECK(read_a(body, x) == Values{"1", "2"});
  CHECK(read_a(header + trailer(0), x).empty());
  CHECK(read_a(header + body + trailer(2) + header + body + trailer(2), x).size() == 4);
  CHECK(jsonl_error(header + body, x).starts_with("t:3: the stream ends after 2 records"));
  CHECK(jsonl_error(header + body + trailer(3), x).starts_with("t:4: the trailer counts 3"));
  CHECK(jsonl_error(header + body + trailer(1), x) != "");
  CHECK(jsonl_error(header + body + trailer(2) + body, x) == "t:5: a record after the trailer");
  CHECK(jsonl_error(header + body + header + body + trailer(2), x) != "");
  CHECK(jsonl_error(header + "{\"end\":true}\n", x) == "t:2: \"a\" is missing");  // a record
  CHECK(jsonl_error("{\"format\":\"stateutils.y\",\"version\":1}\n", x).find("expected") !=
        std::string::npos);
  CHECK(jsonl_error("{\"format\":\"stateutils.x\",\"version\":2}\n", x)
            .starts_with("t:1: version 2"));
  CHECK(jsonl_error("{\"format\":\"stateutils.x\"}\n", x) == "t:1: \"version\" is missing");
  CHECK(read_a(header + body, tail) == Values{"1", "2"});
  CHECK(read_a(header + body + "{\"a\":3,", tail) == Values{"1", "2"});
  CHECK(read_a(header + body + trailer(9), tail) == Values{"1", "2"});
  JsonlOptions open_ended = x;
  open_ended.open_ended = true;
  CHECK(read_a(header + body, open_ended) == Values{"1", "2"});
  CHECK(error_of(header + body + "{\"a\":3,", open_ended) != "");
  CHECK(error_of(header + body + trailer(9), open_ended) != "");
  // Frames sorted by another program.
  CHECK(read_a("{\"a\":9,\"version\":1,\"format\":\"stateutils.x\"}\n" + body +
                   "{\"records\":2,\"end\":true}\n",
               x) == Values{"1", "2"});
  // Fields that only look like framing.
  CHECK(read_a("{\"end\":17,\"a\":1}\n{\"format\":\"csv\",\"a\":2}\n", x) == Values{"1", "2"});

  const std::string text = header + body + trailer(2);
  const auto source = core::memory_input(text, "t");
  JsonlReader reader(*source, x);
  REQUIRE(reader.next() != nullptr);
  REQUIRE(reader.header());
  CHECK(reader.header()->name == "x");
  CHECK(reader.header()->version == 1);
  CHECK(reader.header()->json + "\n" == header);
}

TEST_CASE("jsonl: bad lines can be skipped, framing errors cannot") {
  const std::string text =
      "{\"format\":\"stateutils.x\",\"version\":1}\n{\"a\":1}\n{oops\n{\"a\":2}\n"
      "{\"end\":true,\"records\":3}\n";
  const auto source = core::memory_input(text, "t");
  JsonlReader reader(*source);
  std::vector<std::string> bad;
  reader.on_bad_line([&](const core::Error& e) { bad.push_back(e.what()); });
  int good = 0;
  while (reader.next() != nullptr) ++good;
  CHECK(good == 2);
  REQUIRE(bad.size() == 1);
  CHECK(bad[0].starts_with("t:3: malformed JSON"));
}

TEST_CASE("record: look-ups check the kind") {
  const std::string text =
      "{\"s\":\"x\",\"i\":-5,\"u\":18446744073709551615,\"t\":\"18446744073709551615\",\"d\":1.5,"
      "\"b\":true,\"n\":null,\"l\":[1,2],\"o\":{\"k\":1,\"k\":2,\"m\":3}}";
  const auto source = core::memory_input(text, "t");
  JsonlReader reader(*source);
  const core::Record* r = reader.next();
  REQUIRE(r != nullptr);
  CHECK(r->string("s") == "x");
  CHECK(r->i64("i") == -5);
  CHECK(r->u64("u") == UINT64_MAX);
  CHECK(r->u64("t") == UINT64_MAX);
  CHECK(r->number("d") == 1.5);
  CHECK(r->number("i") == -5.0);
  CHECK(r->boolean("b"));
  CHECK(r->array("l").size() == 2);
  CHECK(r->has("n"));
  CHECK(r->is_null_or_absent("n"));
  CHECK(!r->opt_string("n"));
  CHECK(!r->opt_i64("absent"));
  CHECK(r->opt_number("d") == 1.5);
  CHECK_THROWS_AS((void)r->u64("i"), core::Error);
  CHECK_THROWS_AS((void)r->u64("s"), core::Error);
  CHECK_THROWS_AS((void)r->i64("u"), core::Error);
  CHECK_THROWS_AS((void)r->string("n"), core::Error);
  CHECK_THROWS_AS((void)r->opt_string("i"), core::Error);
  const core::Record inner = r->nested(r->object("o"));
  CHECK(inner.i64("m") == 3);
  CHECK_THROWS_WITH((void)inner.i64("k"), "t:1: \"k\" appears twice");

  const std::array<std::string_view, 3> keys{"d", "s", "absent"};
  std::array<std::optional<simdjson::dom::element>, 3> values;
  r->match(keys, values);
  CHECK(values[0].has_value());
  CHECK(values[1].has_value());
  CHECK(!values[2].has_value());
  CHECK(r->as_number("d", *values[0]) == 1.5);
  CHECK_THROWS_WITH((void)r->as_i64("d", *values[0]),
                    "t:1: \"d\": expected an integer, found a fraction");
}

TEST_CASE("json writer: doubles stay doubles") {
  const auto text_of = [](double number) {
    std::string text;
    core::JsonWriter(text).value(number);
    return text;
  };
  CHECK(text_of(8) == "8");
  CHECK(text_of(-0.0) == "-0.0");
  CHECK(text_of(0x1p53) == "9007199254740992");
  CHECK(text_of(0x1p64) == "1.8446744073709552e+19");
  CHECK(text_of(-1e19) == "-1e+19");
  CHECK(text_of(5e-324) == "5e-324");
  std::string text;
  CHECK_THROWS_AS(core::JsonWriter(text).value(0.0 / 0.0), std::logic_error);
}

TEST_CASE("jsonl: written streams are framed, escaped and shortest") {
  core::MemoryOutput out;
  core::JsonlWriter writer(out);
  writer.header("x", 1, [](core::JsonWriter& json) { json.field("seed", 7); });
  writer.begin().field("s", "a\"\\\n\x01\xC3\xA9").field("d", 8.0).field("i", INT64_MIN);
  writer.end();
  auto& json = writer.begin().field("f", 0.1).field("b", false);
  json.key("big").identifier((1ull << 53) + 1).key("id").identifier(1ull << 53);
  json.key("l").begin_array().value(1).begin_object().end_object().null().end_array();
  writer.end();
  writer.record("{\"raw\":1}");
  writer.trailer();
  CHECK(out.text() ==
        "{\"format\":\"stateutils.x\",\"version\":1,\"seed\":7}\n"
        "{\"s\":\"a\\\"\\\\\\n\\u0001\xC3\xA9\",\"d\":8,\"i\":-9223372036854775808}\n"
        "{\"f\":0.1,\"b\":false,\"big\":\"9007199254740993\",\"id\":9007199254740992,"
        "\"l\":[1,{},null]}\n"
        "{\"raw\":1}\n{\"end\":true,\"records\":3}\n");

  core::MemoryOutput bare;
  core::JsonlWriter unframed(bare, {.framed = false});
  unframed.header("x", 1);
  unframed.begin().field("a", 1);
  unframed.end();
  unframed.trailer();
  CHECK(bare.text() == "{\"a\":1}\n");
  CHECK_THROWS_AS(unframed.begin().value("\xff"), core::Error);
}
