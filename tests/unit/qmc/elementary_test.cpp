// The functions of formulas against extended precision, and every instruction set against the
// scalar one.
#include "qmc/elementary.hpp"

#include <doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/isa.hpp"
#include "core/rng.hpp"
#include "qmc/formula_kernels.hpp"

namespace stateutils::qmc {
namespace {

using Op = FormulaOp;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Distance in units of the last place of the exact value.
double ulps(double value, long double exact) {
  if (static_cast<double>(exact) == value) return 0;
  int exponent = 0;
  (void)std::frexp(exact, &exponent);
  return static_cast<double>(std::abs(value - exact) /
                             std::ldexp(1.0L, std::max(exponent - 53, -1074)));
}

std::vector<double> run(const FormulaKernels& kernels, Op op, const std::vector<double>& a,
                        const std::vector<double>& b) {
  std::vector<double> out(a.size());
  kernels[op](a.data(), b.data(), a.size(), out.data());
  return out;
}

double one(Op op, double a, double b = 0) {
  return run(kFormulaScalar, op, {a}, {b})[0];
}

// Numbers of [low, high]: half of them evenly, half of them near zero in every size.
std::vector<double> arguments(double low, double high, std::uint32_t seed) {
  std::vector<double> x;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const auto bits = core::philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, seed, 0);
    const double u = (bits[0] + 0x1p-32 * bits[1]) * 0x1p-32;
    const double value = low + (high - low) * u;
    x.push_back(i % 2 == 0 ? value : std::ldexp(value, -static_cast<int>(bits[2] % 60)));
  }
  return x;
}

struct Case {
  const char* name;
  Op op;
  double low, high, bound;
  long double (*exact)(long double);
};

constexpr Case kCases[] = {
    {"exp", Op::kExp, -745, 709.7, 1, [](long double x) { return std::exp(x); }},
    {"log", Op::kLog, 0, 1e300, 1, [](long double x) { return std::log(x); }},
    {"log near 1", Op::kLog, 0.5, 2, 1, [](long double x) { return std::log(x); }},
    {"sin", Op::kSin, -100, 100, 1.5, [](long double x) { return std::sin(x); }},
    {"sin far", Op::kSin, -1e12, 1e12, 1.5, [](long double x) { return std::sin(x); }},
    {"cos", Op::kCos, -100, 100, 1.5, [](long double x) { return std::cos(x); }},
    {"tan", Op::kTan, -100, 100, 3, [](long double x) { return std::tan(x); }},
    {"asin", Op::kAsin, -1, 1, 2.5, [](long double x) { return std::asin(x); }},
    {"acos", Op::kAcos, -1, 1, 2.5, [](long double x) { return std::acos(x); }},
    {"atan", Op::kAtan, -10, 10, 1, [](long double x) { return std::atan(x); }},
    {"atan far", Op::kAtan, -1e300, 1e300, 1, [](long double x) { return std::atan(x); }},
    {"sinh", Op::kSinh, -710.4, 710.4, 2.5, [](long double x) { return std::sinh(x); }},
    {"cosh", Op::kCosh, -710.4, 710.4, 1.5, [](long double x) { return std::cosh(x); }},
    {"tanh", Op::kTanh, -25, 25, 2.5, [](long double x) { return std::tanh(x); }}};

// All sets that this machine has.
std::vector<const FormulaKernels*> sets() {
  std::vector<const FormulaKernels*> all;
  for (const core::Isa isa : core::available_isas()) all.push_back(&formula_kernels(isa));
  return all;
}

void require_same_bits(Op op, const std::vector<double>& a, const std::vector<double>& b) {
  const auto expected = run(kFormulaScalar, op, a, b);
  for (const FormulaKernels* kernels : sets()) {
    const auto found = run(*kernels, op, a, b);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (std::isnan(expected[i]) && std::isnan(found[i])) continue;  // any of them
      CAPTURE(a[i]);
      REQUIRE(std::bit_cast<std::uint64_t>(found[i]) == std::bit_cast<std::uint64_t>(expected[i]));
    }
  }
}

}  // namespace

TEST_CASE("elementary functions within their bounds, the same bits on every instruction set") {
  static_assert(std::numeric_limits<long double>::digits >= 64);
  for (const Case& c : kCases) {
    const auto x = arguments(c.low, c.high, 7);
    const auto y = run(kFormulaScalar, c.op, x, x);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], c.exact(x[i])));
    CAPTURE(std::string(c.name));
    CHECK(worst < c.bound);
    require_same_bits(c.op, x, x);
  }
}

TEST_CASE("powers") {
  const auto a = arguments(0, 20, 1), b = arguments(-200, 200, 2);
  const auto y = run(kFormulaScalar, Op::kPower, a, b);
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const long double exact = std::pow(static_cast<long double>(a[i]), b[i]);
    if (exact > 1e308L || exact < 1e-307L) continue;
    worst = std::max(worst, ulps(y[i], exact));
  }
  CHECK(worst < 1.5);
  require_same_bits(Op::kPower, a, b);
  CHECK(one(Op::kPower, -2, 3) == -8);
  CHECK(one(Op::kPower, -2, -2) == 0.25);
  CHECK(std::isnan(one(Op::kPower, -2, 0.5)));
  CHECK(one(Op::kPower, 0, 0) == 1);
  CHECK(one(Op::kPower, 0, 2.5) == 0);
  CHECK(one(Op::kPower, 0, -1) == kInfinity);
  CHECK(one(Op::kPower, 10, 400) == kInfinity);
  CHECK(one(Op::kPower, 10, -400) == 0);
  CHECK(one(Op::kPower, 0x1p-1074, 0.5) == 0x1p-537);
  CHECK(std::isnan(one(Op::kPower, std::nan(""), 2)));
}

TEST_CASE("powers of bases near 1, and of all sizes, as far as they are normal numbers") {
  auto a = arguments(-0.3, 0.3, 4), b = arguments(-700, 700, 5);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = i % 3 == 0 ? std::ldexp(1 + a[i], static_cast<int>(i % 2000) - 1000) : 1 + a[i];
    if (a[i] != 1) b[i] /= std::log(a[i]);
  }
  const auto y = run(kFormulaScalar, Op::kPower, a, b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i]);
    CAPTURE(b[i]);
    REQUIRE(ulps(y[i], std::pow(static_cast<long double>(a[i]), b[i])) < 1.5);
  }
  require_same_bits(Op::kPower, a, b);
}

TEST_CASE("any number of values, beside whole packs, among others that are not plain") {
  const auto x = arguments(0.1, 3, 6);
  for (const Op op : {Op::kExp, Op::kLog, Op::kSin, Op::kCos, Op::kTan, Op::kPower}) {
    for (std::size_t count = 0; count < 70; ++count) {
      std::vector<double> part(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count));
      if (count > 20) part[count / 2] = count % 2 == 0 ? 1e300 : -3;
      require_same_bits(op, part, part);
    }
  }
}

TEST_CASE("every stride of columns") {
  const auto x = arguments(0, 1, 8);
  for (const FormulaKernels* kernels : sets()) {
    for (std::size_t stride = 1; stride < 9; ++stride) {
      for (std::size_t count = 0; count < 40; ++count) {
        std::vector<double> out(count + 1, -1);
        kernels->take(x.data(), stride, count, out.data());
        for (std::size_t k = 0; k < count; ++k) REQUIRE(out[k] == x[k * stride]);
        REQUIRE(out[count] == -1);
      }
    }
  }
}

TEST_CASE("expm1 and log1p near 0 and far from it") {
  for (const double x : arguments(-0.999, 30, 3)) {
    CAPTURE(x);
    REQUIRE(ulps(own_expm1(x), std::expm1(static_cast<long double>(x))) < 4);
    REQUIRE(ulps(own_log1p(x), std::log1p(static_cast<long double>(x))) < 4);
  }
  CHECK(own_expm1(-800) == -1);
  CHECK(own_log1p(-1) == -kInfinity);
}

TEST_CASE("ends and what is no number") {
  const double none = std::nan("");
  const std::vector<double> odd{0,    -0.0,  1,      -1,        kInfinity, -kInfinity,
                                none, 1e308, -1e308, 0x1p-1074, 0x1p41};
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    for (const double x : odd) {
      CAPTURE(x);
      const auto exact = static_cast<double>(c.exact(x));
      const double found = one(c.op, x);
      if (std::isnan(exact)) {
        CHECK(std::isnan(found));
      } else if (std::isinf(exact) || exact == 0) {
        CHECK(found == exact);
      } else {
        CHECK(found == doctest::Approx(exact).epsilon(1e-15));
      }
    }
    require_same_bits(c.op, odd, odd);
  }
}

}  // namespace stateutils::qmc
