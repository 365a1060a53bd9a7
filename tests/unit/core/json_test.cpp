#include "core/json.hpp"

#include <doctest.h>

#include <nlohmann/json.hpp>
#include <string>

using namespace stateutils;

namespace {

std::string json_error(const std::string& text, core::JsonLimits limits = {}) {
  try {
    (void)core::parse_json(text, "f", limits);
    (void)core::parse_ordered_json(text, "f", limits);
  } catch (const core::Error& e) {
    CHECK(e.category() == core::Category::kInput);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("json: strict where nlohmann is not") {
  CHECK(json_error("{\"a\":1,\n\"b\":{\"c\":1,\n\"c\":2}}") == "f:3: key \"c\" appears twice");
  CHECK(json_error("[1,\n18446744073709551616\n]") ==
        "f:2: integer 18446744073709551616 does not fit 64 bits");
  CHECK(json_error("[-9223372036854775809]").find("does not fit") != std::string::npos);
  CHECK(json_error("[1e999]").starts_with("f:1: "));
  CHECK(json_error("[NaN]").starts_with("f:1: syntax error"));
  CHECK(json_error("").starts_with("f:1: "));
  CHECK(json_error("{} {}").starts_with("f:1: "));
  CHECK(json_error("[1,]").starts_with("f:1: "));
  CHECK(json_error("{\"a\":\"\xff\"}").starts_with("f:1: "));
  CHECK(json_error("\"\\ud800\"").starts_with("f:1: "));
  CHECK(json_error("[1] // x") != "");
  CHECK(json_error("[1] // x", {.comments = true}) == "");
}

TEST_CASE("json: depth") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(json_error(nested(64)) == "");
  CHECK(json_error(nested(65)) == "f:1: nested deeper than 64 levels");
  CHECK(json_error(nested(1000000)) == "f:1: nested deeper than 64 levels");
  CHECK(json_error(nested(3), {.depth = 2}) != "");
}

TEST_CASE("json: documents arrive whole and in order") {
  const std::string text =
      "\xEF\xBB\xBF{\"z\":[1,-2,3.5,true,null,\"\\u00e9\"],\"a\":{\"q\":{},\"b\":[]},"
      "\"m\":18446744073709551615,\"i\":-9223372036854775808}";
  const auto sorted = core::parse_json(text, "f");
  CHECK(sorted == nlohmann::json::parse(text));
  const auto ordered = core::parse_ordered_json(text, "f");
  CHECK(ordered == nlohmann::ordered_json::parse(text));
  CHECK(ordered.begin().key() == "z");
  CHECK(core::parse_json("7", "f") == 7);
}

TEST_CASE("json: canonical form") {
  const auto value = core::parse_json(
      "{\"b\" : 8.0, \"a\":[ 1e2,0.1, \"\\u0007\\n\\/\\u00e9\"], \"\xC3\xA9\":1}", "f");
  CHECK(core::canonical_json(core::parse_json("[-0.0,1e19]", "f")) == "[0,1e+19]");
  CHECK(core::canonical_json(value) ==
        "{\"a\":[100,0.1,\"\\u0007\\n/\xC3\xA9\"],\"b\":8,\"\xC3\xA9\":1}");
}
