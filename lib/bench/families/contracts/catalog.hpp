// Classical algorithms with contracts: what must hold before, what must hold after, and a
// reference.
#pragma once

#include <span>
#include <string_view>

namespace stateutils::bench {

struct NamedAlgorithm {
  std::string_view slug, prose;
  // Parameters and what they are drawn from: "n=1..8 a[n]=-9..9"; "<" behind a range: sorted.
  std::string_view inputs;
  std::string_view pre, post;  // bodies of C functions that give a truth value
  std::string_view solution;   // the function, named like the slug
  bool several = false;        // more than one result is right
};

// What contracts may call.
inline constexpr std::string_view kContractPrelude =
    R"(int same_values(const int* a, const int* b, int n) {
  for (int i = 0; i < n; ++i) {
    int more = 0;
    for (int j = 0; j < n; ++j) more += (a[j] == a[i]) - (b[j] == a[i]);
    if (more != 0) return 0;
  }
  return 1;
}
)";

// All of them, in a fixed order.
[[nodiscard]] std::span<const NamedAlgorithm> search_algorithms();    // looking at an array
[[nodiscard]] std::span<const NamedAlgorithm> number_algorithms();    // of numbers alone
[[nodiscard]] std::span<const NamedAlgorithm> ordering_algorithms();  // changing an array

}  // namespace stateutils::bench
