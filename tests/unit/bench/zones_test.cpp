// Local times against the published rules of two zones.
#include "bench/world/zones.hpp"

#include <doctest.h>

#include "bench/world/text.hpp"

using namespace stateutils::bench;

namespace {

Zones zones(const char* text) {
  const Document document(text, "zones", false);
  return Zones(document.root());
}

// European Union summer time 2026 (directive 2000/84/EC), Newfoundland standard time.
constexpr const char* kRules =
    R"({"berlin":[["2026-01-01T00:00Z",60],["2026-03-29T01:00Z",120],["2026-10-25T01:00Z",60]],
        "gander":[["2026-01-01T00:00Z",-210]]})";

}  // namespace

TEST_CASE("zones: known local times") {
  const Zones z = zones(kRules);
  const auto local = [&](const char* zone, const char* utc) {
    return z.local(zone, *parse_datetime(utc));
  };
  CHECK(local("berlin", "2026-03-29T00:59Z") == "2026-03-29T01:59+01:00");
  CHECK(local("berlin", "2026-03-29T01:00Z") == "2026-03-29T03:00+02:00");
  CHECK(local("berlin", "2026-10-25T00:30Z") == "2026-10-25T02:30+02:00");
  CHECK(local("berlin", "2026-10-25T01:30Z") == "2026-10-25T02:30+01:00");
  CHECK(local("berlin", "2028-02-29T23:30Z") == "2028-03-01T00:30+01:00");
  CHECK(local("berlin", "2001-07-01T12:00Z") == "2001-07-01T13:00+01:00");  // before the first rule
  CHECK(local("gander", "2026-01-01T00:00Z") == "2025-12-31T20:30-03:30");
  CHECK(z.has("gander"));
  CHECK_FALSE(z.has("tokyo"));
}

TEST_CASE("zones: a local time names the moment it was made of") {
  const Zones z = zones(kRules);
  const std::int64_t first = *parse_datetime("2026-03-28T00:00Z");
  for (const std::string& zone : z.names()) {
    for (std::int64_t m = first; m < first + 3 * 1440; ++m) {
      CHECK(parse_datetime(z.local(zone, m)) == m);
    }
  }
}

TEST_CASE("zones: rules that are none") {
  for (const char* text :
       {R"({"a":[]})", R"({"a":[["2026-01-01T00:00Z"]]})", R"({"a":[["2026-01-01T00:00Z",1081]]})",
        R"({"a":[["2026-01-01T00:00Z",-1081]]})", R"({"a":[["noon",60]]})", R"({"a.b":[]})",
        R"({"a":[["2026-01-01T00:00Z",1],["2026-01-01T00:00Z",2]]})", R"({"a":7})", "[]"}) {
    CHECK_THROWS_AS((void)zones(text), stateutils::core::Error);
  }
}
