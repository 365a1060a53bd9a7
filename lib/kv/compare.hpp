// How far two results are apart, number by number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stateutils::kv {

// "FIELD=REL" or "REL" for every field; FIELD is a dotted path, or the start of one.
struct Tolerance {
  std::string field;
  double relative = 0;
};
[[nodiscard]] Tolerance parse_tolerance(const std::string& text);

struct Comparison {
  bool within = true;
  std::string json;  // one object: compared, beyond, differences
};

// Both are one JSON object or JSON Lines (a frame's header and trailer are passed over); records
// are compared in order. Hashes, versions, the tool and the config are shown, not judged.
[[nodiscard]] Comparison compare_results(std::string_view a, const std::string& a_name,
                                         std::string_view b, const std::string& b_name,
                                         const std::vector<Tolerance>& tolerances);

}  // namespace stateutils::kv
