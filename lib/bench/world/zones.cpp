#include "bench/world/zones.hpp"

#include <algorithm>

#include "bench/world/text.hpp"

namespace stateutils::bench {
namespace {

constexpr std::int64_t kMaxOffset = 18 * 60;

std::string two_digits(std::int64_t n) {
  return {static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)};
}

}  // namespace

Zones::Zones(const Cursor& json) {
  json.members([&](std::string_view name, const Cursor& zone) {
    if (name.empty() || name.find_first_of(".{}") != std::string_view::npos) {
      throw zone.error("a zone cannot have this name");
    }
    std::vector<Rule>& rules = rules_[std::string(name)];
    zone.items([&](const Cursor& rule) {
      if (!rule.is_array() || rule.size() != 2) throw rule.error("expected [FROM, MINUTES]");
      Rule& read = rules.emplace_back();
      std::size_t place = 0;
      rule.items([&](const Cursor& value) {
        if (place++ == 0) {
          const auto from = parse_datetime(value.string());
          if (!from) throw value.error("expected a date-time");
          read.first = *from;
        } else {
          read.second = value.integer();
          if (read.second < -kMaxOffset || read.second > kMaxOffset) {
            throw value.error("a zone is at most 18 hours (1080 minutes) from UTC");
          }
        }
      });
      const bool late = rules.size() == 1 || rules[rules.size() - 2].first < read.first;
      if (!late) throw rule.error("rules stand in the order of their times");
    });
    if (rules.empty()) throw zone.error("a zone needs a rule");
  });
}

std::vector<std::string> Zones::names() const {
  std::vector<std::string> out;
  for (const auto& [name, rules] : rules_) out.push_back(name);
  return out;
}

std::string Zones::local(std::string_view zone, std::int64_t minutes) const {
  const std::vector<Rule>& rules = rules_.find(zone)->second;
  const auto later = std::upper_bound(rules.begin(), rules.end(), minutes,
                                      [](std::int64_t m, const Rule& r) { return m < r.first; });
  const std::int64_t offset = later == rules.begin() ? later->second : std::prev(later)->second;
  const std::int64_t size = offset < 0 ? -offset : offset;
  std::string out = format_datetime(minutes + offset);
  out.pop_back();  // its Z
  return out + (offset < 0 ? '-' : '+') + two_digits(size / 60) + ':' + two_digits(size % 60);
}

}  // namespace stateutils::bench
