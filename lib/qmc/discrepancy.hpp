// Reproducing-kernel L2 discrepancies of a point set.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace stateutils::qmc {

// Hickernell (1998) in the forms star, centered, symmetric, unanchored; wrap-around and mixture
// (Zhou, Fang, Ning 2013); Warnock's L2-star (1972).
enum class DiscrepancyKind {
  kStar,
  kCentered,
  kWrapAround,
  kMixture,
  kSymmetric,
  kUnanchored,
  kL2Star
};
// kUsage for an unknown name.
[[nodiscard]] DiscrepancyKind parse_discrepancy(std::string_view name);
[[nodiscard]] bool takes_weights(DiscrepancyKind kind);

// D^2 = A - (2/n) sum b(x_i) + (1/n^2) sum k(x_i, x_j) of n points of d coordinates in [0,1], row
// by row; `weights` is empty (all 1) or has d entries. O(n^2 d); the same bits for any thread
// count.
[[nodiscard]] double squared_discrepancy(DiscrepancyKind kind, std::span<const double> points,
                                         std::size_t d, std::span<const double> weights,
                                         int threads);

}  // namespace stateutils::qmc
