// Jepsen's checks that need no order of transactions: bank, counter and set-full.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sbus/history.hpp"
#include "sbus/linear.hpp"

namespace stateutils::sbus {

struct InvariantResult {
  Verdict verdict = Verdict::kValid;
  std::map<std::string, std::uint64_t> anomalies;
};

// Every read shows the same total, that of the first one, no negative or missing balance and no
// account beyond Jepsen's 0 to 7.
[[nodiscard]] InvariantResult check_bank(const std::vector<Call>& calls, const std::string& file);
// A read lies between the adds that had ended before it began and those begun before it ended.
[[nodiscard]] InvariantResult check_counter(const std::vector<Call>& calls,
                                            const std::string& file);
// An element known to be in the set (its add ended, or a read showed it) does not disappear for
// good, and no read shows it twice.
[[nodiscard]] InvariantResult check_set_full(const std::vector<Call>& calls,
                                             const std::string& file);

}  // namespace stateutils::sbus
