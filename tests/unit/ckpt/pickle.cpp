// The pickle machine: opcodes, limits, refusals. Opcode semantics: CPython Lib/pickletools.py.
#include <doctest.h>

#include <string>

#include "ckpt/pickle/document.hpp"
#include "ckpt/pickle/scan.hpp"
#include "ckpt/pickle/writer.hpp"
#include "core/error.hpp"

using namespace stateutils;
using namespace stateutils::ckpt;
using namespace std::string_literals;

namespace {

std::string decoded(const std::string& pickle, PickleOptions options = {}) {
  const Document document(pickle, "test", options);
  return value_json(document.heap(), document.root());
}

std::string refusal(const std::string& pickle, PickleOptions options = {}) {
  try {
    (void)decoded(pickle, options);
  } catch (const core::Error& error) {
    CHECK(error.category() == core::Category::kInput);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("numbers of every protocol") {
  CHECK(decoded("I42\n.") == "42");
  CHECK(decoded("I01\n.") == "true");
  CHECK(decoded("L-7L\n.") == "-7");
  CHECK(decoded("J\xff\xff\xff\xff.") == "-1");
  CHECK(decoded("\x8a\x01\x80.") == "-128");
  CHECK(decoded("\x8a\x00."s) == "0");
  CHECK(decoded("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x40."s) == "\"1180591620717411303424\"");
  CHECK(decoded("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0."s) == "\"-1180591620717411303424\"");
  CHECK(decoded("G\x3f\xf8\x00\x00\x00\x00\x00\x00."s) == "1.5");
  CHECK(decoded("F1e300\n.") == "1e+300");
}

TEST_CASE("text of every protocol") {
  CHECK(decoded("S'it\\'s \\x41'\n.") == "\"it's A\"");
  CHECK(decoded("V\\u03c0 \\\\\n.") == "\"\xcf\x80 \\\\\\\\\"");
  CHECK(decoded("X\x02\x00\x00\x00hi."s) == "\"hi\"");
  CHECK(decoded("\x8c\x02hi.") == "\"hi\"");
  CHECK(decoded("C\x02\xff\x00."s) == "{\"bytes\":2}");
}

TEST_CASE("containers and the memo") {
  CHECK(decoded("(I1\nI2\nt.") == "[1,2]");
  CHECK(decoded("(dX\x01\x00\x00\x00kI5\ns."s) == "{\"k\":5}");
  CHECK(decoded("]q\x00(K\x01K\x02"
                "e."s) == "[1,2]");
  CHECK(decoded("K\x07q\x05"
                "0h\x05."s) == "7");
  CHECK(decoded("ccollections\nOrderedDict\n)R(K\x01K\x02u.") == "{\"1\":2}");
  CHECK(decoded("\x80\x04\x8f(K\x01\x90.") == "[1]");
}

TEST_CASE("names outside the list are refused with name and offset") {
  CHECK(refusal("\x80\x02"
                "cposix\nsystem\n.") ==
        "test: byte 2: the pickle refers to \"posix.system\", which is not on the list of known "
        "names "
        "(--allow-record admits it as data)");
  CHECK(refusal("\x8c\x08"
                "builtins\x8c\x04"
                "eval\x93.")
            .find("builtins.eval") != std::string::npos);
  // A dotted name must not reach into an admitted module.
  CHECK(!refusal("\x8c\x05torch\x8c\x0bSize.__init\x93.").empty());
  CHECK(!refusal("ctorch\nFloatStorag\n.").empty());
  CHECK(decoded("cmy.mod\nThing\n)\x81.", {.allow_records = {"my.mod.Thing"}}) ==
        "{\"class\":\"my.mod.Thing\"}");
  CHECK(decoded("cmy.mod\nThing\n)\x81.", {.drop_opaque = true}) == "null");
}

TEST_CASE("getattr names members of enumerations and nothing else") {
  const std::string type = "cdeepspeed.runtime.zero.config\nZeroStageEnum\n";
  const std::string getattr = "cbuiltins\ngetattr\n";
  CHECK(decoded(getattr + "(" + type + "X\x07\x00\x00\x00weightstR."s).find("ZeroStageEnum") !=
        std::string::npos);
  CHECK(!refusal(getattr + "(" + type + "X\x07\x00\x00\x00__doc__tR."s).empty());
  CHECK(!refusal(getattr + "(cargparse\nNamespace\nX\x01\x00\x00\x00xtR."s).empty());
  CHECK(!refusal(getattr + ".").empty());
  CHECK(!refusal("]" + getattr + "a.").empty());
}

TEST_CASE("forbidden opcodes, truncation and lies about lengths") {
  CHECK(refusal("(ios\nsystem\n.").find("INST") != std::string::npos);
  CHECK(!refusal("(cos\nsystem\no.").empty());
  CHECK(!refusal("\x82\x01.").empty());
  CHECK(!refusal("\x97.").empty());
  CHECK(!refusal("").empty());
  CHECK(!refusal("K\x01").empty());
  CHECK(!refusal("X\xff\xff\xff\x7f"
                 "abc.")
             .empty());
  CHECK(!refusal("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.").empty());
  CHECK(!refusal(".").empty());
  CHECK(!refusal("t.").empty());
  CHECK(!refusal("h\x01.").empty());
  CHECK(!refusal("P1\n.").empty());
}

TEST_CASE("depth and memory are limited") {
  CHECK(refusal(std::string(2000, '(') + ".").find("1000") != std::string::npos);
  std::string deep = "N";
  for (int i = 0; i < 5000; ++i) deep += '\x85';  // TUPLE1 needs no mark
  const Document document(deep + ".", "test", {});
  CHECK_THROWS_AS(walk_leaves(document.heap(), document.root(), [](const std::string&, Ref) {}),
                  core::Error);
  CHECK(refusal(std::string(100'000, ']') + ".", {.max_memory = 1u << 20}).find("--max-memory") !=
        std::string::npos);
}

TEST_CASE("a cycle is found, not followed") {
  const Document document(
      "]q\x00h\x00"
      "a."s,
      "test", {});
  CHECK_THROWS_AS(walk_leaves(document.heap(), document.root(), [](const std::string&, Ref) {}),
                  core::Error);
}

TEST_CASE("the end of a pickle is found without decoding it") {
  const std::string pickle = "\x80\x02}q\x00X\x01\x00\x00\x00kK\x05s."s;
  CHECK(pickle_length(pickle + "rest") == pickle.size());
  for (std::size_t cut = 0; cut < pickle.size(); ++cut)
    CHECK_FALSE(pickle_length(pickle.substr(0, cut)));
}

TEST_CASE("what the writer writes decodes to the same value") {
  const std::string pickle =
      "}(X\x01\x00\x00\x00"
      "a]("
      "K\x01M\x00\x01J\x00\x00\x00\x80\x8a\x05\x00\x00\x00\x00\x01\x8a\x09\x00\x00\x00\x00\x00\x00"
      "\x00\x00\x01G\x3f\xf8\x00\x00\x00\x00\x00\x00"
      "N\x88"
      "eX\x01\x00\x00\x00"
      "bcargparse\nNamespace\n)\x81}X\x01\x00\x00\x00xK\x02sbX\x01\x00\x00\x00"
      "cC\x02\xff\x00u."s;
  const Document source(pickle, "test", {});
  PickleWriter writer;
  writer.value(source.heap(), source.root(), [](Ref) { return nullptr; });
  const std::string written = writer.finish();
  CHECK(written.find('\x8b') == std::string::npos);  // LONG4: torch.load(weights_only) has none
  const Document copy(written, "copy", {});
  CHECK(value_json(copy.heap(), copy.root()) == value_json(source.heap(), source.root()));
}
