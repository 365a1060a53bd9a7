// Local times by the zone rules of a world, never by those of the machine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/world/json.hpp"

namespace stateutils::bench {

class Zones {
 public:
  Zones() = default;
  // {NAME: [[FROM, MINUTES]...]}: from a UTC date-time on clocks stand so many minutes ahead of
  // UTC, by the first rule before it too. kInput when rules are not in order, or MINUTES beyond 18
  // hours.
  explicit Zones(const Cursor& json);

  [[nodiscard]] bool has(std::string_view zone) const { return rules_.find(zone) != rules_.end(); }
  [[nodiscard]] std::vector<std::string> names() const;
  // A minute since 1970-01-01T00:00Z as YYYY-MM-DDTHH:MM+hh:mm; the zone must be known.
  [[nodiscard]] std::string local(std::string_view zone, std::int64_t minutes) const;

 private:
  using Rule = std::pair<std::int64_t, std::int64_t>;  // from, offset
  std::map<std::string, std::vector<Rule>, std::less<>> rules_;
};

}  // namespace stateutils::bench
