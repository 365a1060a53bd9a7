#include "qmc/brownian.hpp"

#include <cmath>

#include "core/error.hpp"
#include "qmc/normal.hpp"
#include "qmc/randomness.hpp"

namespace stateutils::qmc {
namespace {

struct Halves {
  LevyPair left, right;
};

// The two halves of an interval of length h, from two standard normals.
Halves halve(LevyPair whole, double h, double z, double n) {
  const double shift = std::sqrt(h / 16) * z, twist = std::sqrt(h / 12) * n;
  const double w = 0.5 * whole.w + 1.5 * whole.h + shift;
  const double common = 0.25 * whole.h - 0.5 * shift;
  return {{w, common + 0.5 * twist}, {whole.w - w, common - 0.5 * twist}};
}

// The part of length a of an interval of length a + b.
LevyPair bridge(LevyPair whole, double a, double b, double x1, double x2) {
  const double h = a + b, root = std::sqrt(a * a * a + b * b * b);
  const double a1 = std::pow(a, 3.5) * std::sqrt(b) / (2 * h * root);
  const double b1 = std::sqrt(a) * std::pow(b, 3.5) / (2 * h * root);
  const double c1 = std::sqrt(3.0) * std::pow(a, 1.5) * std::pow(b, 1.5) / (6 * root);
  return {a / h * whole.w + 6 * a * b / (h * h) * whole.h + 2 * (a1 + b1) / h * x1,
          a * a / (h * h) * whole.h - a1 / a * x1 + c1 / a * x2};
}

}  // namespace

LevyPair join(LevyPair left, double a, LevyPair right, double b) {
  const double h = a + b;
  return {left.w + right.w, (a * left.h + b * right.h + 0.5 * (b * left.w - a * right.w)) / h};
}

BrownianPath::BrownianPath(std::uint64_t seed, std::uint32_t path, double start, double end,
                           double tolerance)
    : seed_(seed), path_(path), start_(start), end_(end), tolerance_(tolerance) {
  if (!(start < end) || !std::isfinite(start) || !std::isfinite(end)) {
    throw core::usage_error("--t0 must be below --t1");
  }
  if (!(tolerance > 0)) throw core::usage_error("--tol must be above 0");
  // Node numbers have 64 bits: 62 halvings at most.
  if (!((end - start) * 0x1p-62 < tolerance)) {
    throw core::usage_error("--tol is below 2^-62 of the interval");
  }
}

BrownianPath::Normals BrownianPath::draw(std::uint64_t node) const {
  const Words block =
      Stream{seed_, 0}.block(Tag::kBrownian, path_, static_cast<std::uint32_t>(node),
                             static_cast<std::uint32_t>(node >> 32));
  return {normal_quantile(open_unit(block.lo)), normal_quantile(open_unit(block.hi))};
}

LevyPair BrownianPath::from_start(double t) const {
  if (t <= start_) return {};
  const Normals root = draw(0);
  double left = start_, right = end_;
  LevyPair here{std::sqrt(end_ - start_) * root.first,
                std::sqrt((end_ - start_) / 12) * root.second};
  if (t >= end_) return here;
  LevyPair before;  // of [start, left]
  std::uint64_t node = 1;
  for (;;) {
    const double h = right - left;
    const Normals drawn = draw(node);
    if (h < tolerance_) {
      const LevyPair part = bridge(here, t - left, right - t, drawn.first, drawn.second);
      return join(before, left - start_, part, t - left);
    }
    const double middle = left + 0.5 * h;
    const Halves halves = halve(here, h, drawn.first, drawn.second);
    if (t < middle) {
      right = middle;
      here = halves.left;
      node = 2 * node;
      continue;
    }
    before = left > start_ ? join(before, left - start_, halves.left, middle - left) : halves.left;
    if (t == middle) return before;
    left = middle;
    here = halves.right;
    node = 2 * node + 1;
  }
}

// What joins with [start, s] to [start, t].
LevyPair BrownianPath::interval(double s, double t) const {
  const LevyPair whole = from_start(t);
  if (s <= start_) return whole;
  const LevyPair first = from_start(s);
  const double a = s - start_, b = t - s, h = t - start_;
  const double w = whole.w - first.w;
  return {w, (h * whole.h - a * first.h - 0.5 * (b * first.w - a * w)) / b};
}

}  // namespace stateutils::qmc
