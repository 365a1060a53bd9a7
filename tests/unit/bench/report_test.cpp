// Comparisons, gates, pictures and texts of reports.
#include "bench/report/report.hpp"

#include <doctest.h>

#include "bench/score/compare.hpp"
#include "bench/shell/shell_surface.hpp"
#include "bench/shell/world_socket.hpp"

using namespace stateutils;
using namespace stateutils::bench;

namespace {

TrialScore trial(const std::string& task, bool strict, bool must = false) {
  TrialScore t;
  t.task = task;
  t.scenario = task;
  t.agent = "a";
  t.strict = strict;
  t.must_pass = must;
  return t;
}

}  // namespace

TEST_CASE("paired trials: discordant counts and McNemar's exact p") {
  std::vector<TrialScore> a, b;
  // b = 1, c = 9: p = 0.021484375 (binomial tail, data vectors/stats.json).
  for (int i = 0; i < 12; ++i) {
    a.push_back(trial("t" + std::to_string(i), i == 0 || i > 9));
    b.push_back(trial("t" + std::to_string(i), i != 0));
  }
  b.push_back(trial("alone", true));
  const Comparison c = compare(a, b, 7);
  CHECK(c.pairs == 12);
  CHECK(c.unpaired == 1);
  CHECK(c.b == 1);
  CHECK(c.c == 9);
  CHECK(c.p == doctest::Approx(0.021484375).epsilon(1e-12));
  CHECK(c.difference.lo <= 8.0 / 12);
  CHECK(c.difference.hi >= 8.0 / 12);
  CHECK(compare(a, b, 7).json() == c.json());
}

TEST_CASE("a gate breaks on one must-pass task, and on losses that are no accident") {
  std::vector<TrialScore> base, cand;
  for (int i = 0; i < 5; ++i) {
    base.push_back(trial("t" + std::to_string(i), true));
    cand.push_back(trial("t" + std::to_string(i), i >= 4));
  }
  CHECK(gate(base, cand).p == doctest::Approx(0.0625));  // 4 of 4 lost: 2^-4
  CHECK(gate(base, cand).promote);
  cand.back().strict = false;
  CHECK(gate(base, cand).p == doctest::Approx(0.03125));
  CHECK_FALSE(gate(base, cand).promote);
  CHECK_FALSE(gate({trial("m", true, true)}, {trial("m", false, true)}).promote);
  CHECK(gate({trial("m", false, true)}, {trial("m", true, true)}).promote);
}

TEST_CASE("terminal escapes go, HTML is escaped") {
  CHECK(plain_text("a\x1b[31mred\x1b[0m\x07") == "ared");
  CHECK(plain_text("\x1b]0;title\x07x\ny") == "x y");
  CHECK(plain_text("\xC2\x9B"
                   "31mx") == "31mx");
  CHECK(html_text("<b a='1'>&\"") == "&lt;b a=&#39;1&#39;&gt;&amp;&quot;");
}

TEST_CASE("a picture is a PNG of the size asked for") {
  const std::string png = write_png(2, 1, {255, 0, 0, 0, 0, 255});
  CHECK(png.substr(1, 3) == "PNG");
  CHECK(png.substr(16, 8) == std::string("\0\0\0\x02\0\0\0\x01", 8));
  // CRC of an empty IEND chunk, as every PNG ends.
  CHECK(png.substr(png.size() - 4) == "\xAE\x42\x60\x82");
}

TEST_CASE("outputs keep both ends and count the whole") {
  CappedOutput out(20);
  for (int i = 0; i < 1000; ++i) out.add("0123456789");
  CHECK(out.bytes() == 10000);
  CHECK(out.truncated());
  CHECK(out.text().size() <= 20);
  CHECK(out.text().starts_with("0"));
  CHECK(out.text().ends_with("9"));
  CHECK(valid_utf8("a\xFF\xC3z") == "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  CHECK(valid_utf8("K\xC3\xB6ln") == "K\xC3\xB6ln");
}

TEST_CASE("requests come back as the words they were") {
  const std::vector<std::string> words = {"tasks", "", "a b\n'"};
  const std::string bytes = request_bytes(words);
  std::vector<std::string> back;
  REQUIRE(request_words(std::string_view(bytes).substr(4), back));
  CHECK(back == words);
  CHECK_FALSE(request_words("no end", back));
  CHECK_FALSE(request_words(std::string("\xFF\0", 2), back));
}
