#include "bench/world/text.hpp"

#include <doctest.h>

#include "bench/solve/known.hpp"

using namespace stateutils::bench;

TEST_CASE("date-times become UTC minutes") {
  CHECK(parse_datetime("1970-01-01T00:00Z") == 0);
  CHECK(parse_datetime("2026-03-12T14:00Z") == parse_datetime("2026-03-12T15:00+01:00"));
  CHECK(parse_datetime("2026-03-12T14:00") == parse_datetime("2026-03-12T14:00:59Z"));
  CHECK(parse_datetime("2028-02-29T00:00Z").has_value());
  CHECK_FALSE(parse_datetime("2026-02-29T00:00Z").has_value());
  CHECK_FALSE(parse_datetime("2026-03-12 14:00").has_value());
  CHECK_FALSE(parse_datetime("2026-03-12T24:00Z").has_value());
  CHECK(format_datetime(*parse_datetime("2000-02-29T23:59Z")) == "2000-02-29T23:59Z");
  CHECK(format_datetime_text(*parse_datetime("2026-03-12T14:05Z")) == "12 March 2026 14:05 UTC");
}

TEST_CASE("date-times are found in prose") {
  std::vector<std::int64_t> found;
  find_datetime_texts("due 9 May 2026 08:00 UTC, or 12 March 2026 14:00 UTC.", found);
  REQUIRE(found.size() == 2);
  CHECK(format_datetime(found[0]) == "2026-05-09T08:00Z");
  CHECK(format_datetime(found[1]) == "2026-03-12T14:00Z");
  found.clear();
  find_datetime_texts("31 February 2026 08:00 UTC", found);
  CHECK(found.empty());
}

TEST_CASE("a value is known where it stands as a word, in any form of its date") {
  const SeenText seen("Move \"Kraków review\" to 12 March 2026 14:00 UTC (id e7f2).");
  CHECK(seen.names("Kraków review"));
  CHECK(seen.names("e7f2"));
  CHECK_FALSE(seen.names("e7f"));
  CHECK(seen.names("2026-03-12T14:00Z"));
  CHECK(seen.names("2026-03-12T15:00+01:00"));
  CHECK_FALSE(seen.names("2026-03-12T15:00Z"));
}

TEST_CASE("command lines are split and quoted as a shell does") {
  std::vector<std::string> words;
  REQUIRE(split_command(R"(tasks add --title 'a "b" c' --note "x\"y" z\ w '')", words));
  CHECK(words == std::vector<std::string>{"tasks", "add", "--title", "a \"b\" c", "--note", "x\"y",
                                          "z w", ""});
  CHECK_FALSE(split_command("say 'open", words));
  for (const std::string text :
       {"plain", "two words", "it's", "", "$HOME `x` \\", "line\nbreak", "é"}) {
    REQUIRE(split_command("v " + quote_word(text), words));
    REQUIRE(words.size() == 2);
    CHECK(words[1] == text);
  }
}

TEST_CASE("normalised texts are trimmed and composed") {
  std::string buffer;
  CHECK(normalised_text("  a b\t", buffer) == "a b");
  CHECK(normalised_text("e\xCC\x81", buffer) == "\xC3\xA9");
  CHECK(glob_match("a*c?", "abbcd"));
  CHECK_FALSE(glob_match("a*c", "ab"));
}
