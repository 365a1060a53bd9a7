// Brownian motion with its space-time Levy area, at any time, from a seed and nothing stored.
#pragma once

#include <cstdint>
#include <vector>

namespace stateutils::qmc {

// The increment W of an interval of length h and its area H = (1/h) int (W_r - (r/h) W) dr, which
// is N(0, h/12) and independent of W (Foster, Lyons and Oberhauser 2020; Jelincic et al. 2024).
struct LevyPair {
  double w = 0, h = 0;
};

// Paths on [start, end]: the virtual Brownian tree. Node v of the halving tree draws block v of tag
// 7; an interval shorter than `tolerance` is a leaf, inside which one bridge step is made.
class BrownianPath {
 public:
  // kUsage unless start < end, both finite, and tolerance > 0.
  BrownianPath(std::uint64_t seed, std::uint32_t path, double start, double end, double tolerance);

  // (W, H) of [s, t]; requires start <= s < t <= end.
  [[nodiscard]] LevyPair interval(double s, double t) const;
  // (W, H) of [start, t].
  [[nodiscard]] LevyPair from_start(double t) const;

 private:
  struct Normals {
    double first, second;
  };
  [[nodiscard]] Normals draw(std::uint64_t node) const;

  std::uint64_t seed_;
  std::uint32_t path_;
  double start_, end_, tolerance_;
};

// Joins neighbours of lengths a and b.
[[nodiscard]] LevyPair join(LevyPair left, double a, LevyPair right, double b);

}  // namespace stateutils::qmc
