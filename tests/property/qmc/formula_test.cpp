// Random formulas, their parts shared and their columns used again, against a walk over their
// trees.
#include "qmc/formula.hpp"

#include <doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/rng.hpp"

namespace stateutils::qmc {
namespace {

constexpr std::size_t kDims = 3;
using Value = std::function<double(const double*)>;

struct Expression {
  std::string text;
  Value value;
};

// Values stay moderate: no operation of it loses digits, so that two ways to compute agree.
Expression random_expression(core::Rng& rng, int depth) {
  if (depth == 0 || rng.below(6) == 0) {
    const std::uint64_t j = rng.below(2 * kDims);
    if (j < kDims) return {"x" + std::to_string(j + 1), [j](const double* x) { return x[j]; }};
    const double c = static_cast<double>(1 + rng.below(4)) / 4;
    return {std::to_string(c), [c](const double*) { return c; }};
  }
  const Expression a = random_expression(rng, depth - 1);
  const Value f = a.value;
  switch (rng.below(9)) {
    case 0:
      return {"sin(" + a.text + ")", [f](const double* x) { return std::sin(f(x)); }};
    case 1:
      return {"exp(-abs(" + a.text + "))",
              [f](const double* x) { return std::exp(-std::abs(f(x))); }};
    case 2:
      return {"log(1+abs(" + a.text + "))",
              [f](const double* x) { return std::log(1 + std::abs(f(x))); }};
    case 3:
      return {"(" + a.text + ")^2", [f](const double* x) { return f(x) * f(x); }};
    case 4:
      return {"(1+abs(" + a.text + "))^-1.5",
              [f](const double* x) { return std::pow(1 + std::abs(f(x)), -1.5); }};
    case 5:
      return {"atan(" + a.text + ")", [f](const double* x) { return std::atan(f(x)); }};
    default:
      break;
  }
  const Expression b = random_expression(rng, depth - 1);
  const Value g = b.value;
  switch (rng.below(3)) {
    case 0:
      return {"(" + a.text + "+" + b.text + ")", [f, g](const double* x) { return f(x) + g(x); }};
    case 1:
      return {"cos(" + a.text + ")*(" + b.text + ")",
              [f, g](const double* x) { return std::cos(f(x)) * g(x); }};
    default:
      return {"max(" + a.text + "," + b.text + ")",
              [f, g](const double* x) { return std::max(f(x), g(x)); }};
  }
}

}  // namespace

TEST_CASE("random formulas are what a walk over their trees gives") {
  core::Rng rng(3, 1);
  for (int round = 0; round < 300; ++round) {
    const Expression e = random_expression(rng, 1 + static_cast<int>(rng.below(8)));
    const Formula formula(e.text, kDims);
    const std::size_t rows = 1 + rng.below(300);  // whole blocks of 128 and parts of one
    std::vector<double> x(rows * kDims), y(rows);
    for (double& u : x) u = 4 * rng.unit() - 2;
    formula.evaluate(x.data(), rows, y.data());
    CAPTURE(e.text);
    for (std::size_t i = 0; i < rows; ++i) {
      const double exact = e.value(&x[i * kDims]);
      REQUIRE(std::abs(y[i] - exact) <= 1e-9 * (1 + std::abs(exact)));
      double alone = 0;
      formula.evaluate(&x[i * kDims], 1, &alone);
      REQUIRE(std::bit_cast<std::uint64_t>(alone) == std::bit_cast<std::uint64_t>(y[i]));
    }
  }
}

}  // namespace stateutils::qmc
