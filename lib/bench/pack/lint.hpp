// What is wrong, or suspicious, in a pack that reads without errors.
#pragma once

#include <string>
#include <vector>

#include "bench/pack/pack.hpp"

namespace stateutils::bench {

struct LintFinding {
  bool error = false;  // else a warning
  std::string place, message;
};

[[nodiscard]] std::vector<LintFinding> lint(const Pack& pack, Store& store);

}  // namespace stateutils::bench
