// Ids of requests beside a plain twin: texts of every kind come back as they were, under the
// numbers that a map gives them, and traces are linked as by a map of names.
#include <doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string>

#include "../../unit/kv/kv_support.hpp"
#include "core/error.hpp"
#include "core/rng.hpp"

namespace stateutils::kv {
namespace {

std::string drawn(core::Rng& rng, std::string_view letters, std::size_t size) {
  std::string text;
  while (text.size() < size) text += letters[rng.below(letters.size())];
  return text;
}

std::string uuid(core::Rng& rng, std::string_view digits) {
  std::string text;
  for (const std::size_t part : std::initializer_list<std::size_t>{8, 4, 4, 4, 12}) {
    text += (text.empty() ? "" : "-") + drawn(rng, digits, part);
  }
  return text;
}

constexpr std::string_view kLowerHex = "0123456789abcdef", kUpperHex = "0123456789ABCDEF";

// Ids as services write them, and texts that try the edges of each form.
std::string some_id(core::Rng& rng) {
  std::string bytes;
  switch (rng.below(12)) {
    case 0:
      return uuid(rng, kLowerHex);
    case 1:
      return uuid(rng, kUpperHex);
    case 2:
      return uuid(rng, "0123456789abcdefABCDEF");
    case 3:
      return "chatcmpl-" + drawn(rng, kLowerHex, 32);
    case 4:
      return "request-" + std::to_string(rng.below(20'000));
    case 5:
      return drawn(rng, "0123456789", rng.below(4));
    case 6:
      return drawn(rng, "abcXYZ019_", 24);
    case 7:
      return drawn(rng, kLowerHex, 250 + rng.below(12));
    case 8:
      return drawn(rng, "ab\x01", 3);
    case 9:
      return drawn(rng, "0f", rng.below(7)) + "\xc3\xa9" + drawn(rng, "0F", rng.below(3));
    case 10:
      return drawn(rng, "01-", 1 + rng.below(9));  // more shapes than there is room for
    default:
      bytes.assign(rng.below(40), '\0');
      for (char& c : bytes) c = static_cast<char>(rng.below(256));
      return rng.chance(0.01) ? std::string(20'000, 'x') + bytes : bytes;
  }
}

TEST_CASE("ids come back as they were, under their first numbers") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    core::Rng rng(seed, 0x1d5);
    IdTexts ids;
    std::map<std::string, std::uint32_t> numbers;
    std::vector<std::string> texts;
    for (int i = 0; i < 12'000; ++i) {
      const std::string text = !texts.empty() && rng.chance(0.2) ? texts[rng.below(texts.size())]
                               : seed == 6                       ? uuid(rng, kLowerHex)
                                                                 : some_id(rng);
      const auto known = numbers.emplace(text, static_cast<std::uint32_t>(texts.size()));
      if (known.second) texts.push_back(text);
      const std::uint32_t number = ids.intern(text);
      if (number != known.first->second) {
        INFO("seed ", seed, " text ", text);
        REQUIRE(number == known.first->second);
      }
    }
    REQUIRE(ids.size() == texts.size());
    ids.freeze();
    std::size_t wrong = 0;
    for (std::uint32_t i = 0; i < ids.size(); ++i) wrong += ids[i] == texts[i] ? 0u : 1u;
    CHECK(wrong == 0);
  }
}

// One request of a random trace: its id or none, whom it follows, and when it comes.
struct Line {
  std::string id;
  std::vector<std::size_t> after;
  int t = 0;
  bool named = true;
};

std::string json_of(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) {
    text += "{\"t\":" + std::to_string(line.t);
    if (line.named) text += ",\"id\":\"" + line.id + "\"";
    if (!line.after.empty()) text += ",\"parents\":[";
    for (std::size_t k = 0; k < line.after.size(); ++k) {
      text += (k == 0 ? "\"" : ",\"") + lines[line.after[k]].id + "\"";
    }
    text += (line.after.empty() ? "" : "]");
    text += ",\"in\":1,\"out\":1}\n";
  }
  return text;
}

TEST_CASE("traces are linked as a map of names links them, in order and not") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    core::Rng rng(seed, 0x11);
    std::vector<Line> lines(1 + rng.below(30));
    const bool ahead = rng.chance(0.5), unnamed = rng.chance(0.3), sorted = rng.chance(0.5);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      Line& line = lines[i];
      line.named = !unnamed || rng.chance(0.6);
      line.id = line.named ? uuid(rng, kLowerHex) : std::to_string(i);
      line.t = sorted ? static_cast<int>(rng.below(50)) : static_cast<int>(i);
      // Whom a request follows comes before it in a hidden order, so that there is no cycle.
      for (int k = 0; k < 2 && rng.chance(0.4); ++k) {
        const std::size_t other = rng.below(lines.size());
        if (ahead ? other > i : other < i) line.after.push_back(other);
      }
    }
    TraceOptions options;
    options.sort = sorted;
    options.from = "kvsim";
    const Trace trace = trace_of(json_of(lines), options);
    REQUIRE(trace.size() == lines.size());
    std::vector<std::uint32_t> order(lines.size());
    std::iota(order.begin(), order.end(), 0u);
    if (sorted) std::ranges::stable_sort(order, {}, [&](auto i) { return lines[i].t; });
    const bool any_name =
        std::ranges::any_of(lines, [](const Line& l) { return l.named || !l.after.empty(); });
    for (std::uint32_t i = 0; i < trace.size(); ++i) {
      const Line& line = lines[order[i]];
      INFO("seed ", seed, " request ", i);
      CHECK(trace.id_of(i) == (any_name ? line.id : std::to_string(i)));
      std::vector<std::string> parents, expected;
      for (std::uint32_t k = i == 0 || trace.parent_end.empty() ? 0 : trace.parent_end[i - 1];
           !trace.parent_end.empty() && k < trace.parent_end[i]; ++k) {
        parents.push_back(trace.id_of(trace.parents[k]));
      }
      for (const std::size_t other : line.after) expected.push_back(lines[other].id);
      CHECK(parents == expected);
    }
    // The same again with one id twice: the second is refused, wherever the first is known from.
    if (lines.size() < 3) continue;
    const std::size_t first = rng.below(lines.size() - 1);
    const std::size_t second = first + 1 + rng.below(lines.size() - first - 1);
    if (!lines[first].named || !lines[second].named) continue;
    lines[second].id = lines[first].id;
    CHECK_THROWS_AS((void)trace_of(json_of(lines), options), core::Error);
  }
}

}  // namespace
}  // namespace stateutils::kv
