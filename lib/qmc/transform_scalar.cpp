#include "qmc/transform_scalar.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.hpp"
#include "qmc/elementary.hpp"
#include "qmc/normal.hpp"
#include "qmc/quantiles.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

Scalar uniform_like(const Call& call) {
  Scalar s;
  if (call.name == "uniform") {
    call.require(2, 2);
    const double a = call.number(0), width = call.number(1) - a;
    s = {[=](double u) { return a + width * u; }, {}, false, true, false};
  } else if (call.name == "triangular") {
    call.require(3, 3);
    const double a = call.number(0), c = call.number(1), b = call.number(2);
    if (!(a <= c && c <= b && a < b)) throw usage_error("triangular needs low <= mode <= high");
    const double split_at = (c - a) / (b - a);
    s.map = [=](double u) {
      return u < split_at ? a + std::sqrt(u * (b - a) * (c - a))
                          : b - std::sqrt((1 - u) * (b - a) * (b - c));
    };
  } else if (call.name == "kumaraswamy") {
    call.require(2, 2);
    const double a = call.positive(0, 1), b = call.positive(1, 1);
    s.map = [=](double u) { return own_pow(-own_expm1(own_log1p(-u) / b), 1 / a); };
  } else {  // bernoulli-cont
    call.require(1, 1);
    const double l = call.number(0);
    if (!(l > 0 && l < 1)) throw usage_error("bernoulli-cont needs a number inside (0,1)");
    s.map = [=](double u) {
      return l == 0.5 ? u : own_log(((2 * l - 1) * u - l + 1) / (1 - l)) / own_log(l / (1 - l));
    };
  }
  return s;
}

Scalar unbounded(const Call& call) {
  Scalar s;
  s.open = true;
  if (call.name == "normal") {
    call.require(0, 2);
    const double mean = call.number_or(0, 0), sd = call.positive(1, 1);
    s.map = [=](double u) { return mean + sd * normal_quantile(u); };
    s.normal = true;
    s.mean = mean;
    s.sd = sd;
  } else if (call.name == "lognormal") {
    call.require(2, 2);
    const double mean = call.number(0), sd = call.positive(1, 1);
    s.map = [=](double u) { return own_exp(mean + sd * normal_quantile(u)); };
  } else if (call.name == "exponential") {
    call.require(1, 1);
    const double rate = call.positive(0, 1);
    s.map = [=](double u) { return -own_log1p(-u) / rate; };
  } else if (call.name == "weibull") {
    call.require(2, 2);
    const double shape = call.positive(0, 1), scale = call.positive(1, 1);
    s.map = [=](double u) { return scale * own_pow(-own_log1p(-u), 1 / shape); };
  } else {  // johnson-su
    call.require(4, 4);
    const double gamma = call.number(0), xi = call.number(1), delta = call.positive(2, 1),
                 lambda = call.positive(3, 1);
    s.map = [=](double u) { return lambda * own_sinh((normal_quantile(u) - gamma) / delta) + xi; };
  }
  return s;
}

// Sidi (1993) and others; the weight is the derivative.
Scalar periodization(const Call& call) {
  call.require(0, 0);
  Scalar s;
  s.ends = true;
  if (call.name == "baker") {
    s.map = [](double u) { return 1 - 2 * std::abs(u - 0.5); };
  } else if (call.name == "c0") {
    s.map = [](double u) { return u * u * (3 - 2 * u); };
    s.weight = [](double u) { return 6 * u * (1 - u); };
  } else if (call.name == "c1") {
    s.map = [](double u) { return u * u * u * (10 + u * (6 * u - 15)); };
    s.weight = [](double u) { return 30 * u * u * (1 - u) * (1 - u); };
  } else if (call.name == "c1sin") {
    s.map = [](double u) { return u - own_sin(2 * std::numbers::pi * u) / (2 * std::numbers::pi); };
    s.weight = [](double u) { return 1 - own_cos(2 * std::numbers::pi * u); };
  } else if (call.name == "c2sin") {
    s.map = [](double u) {
      return (8 - 9 * own_cos(std::numbers::pi * u) + own_cos(3 * std::numbers::pi * u)) / 16;
    };
    s.weight = [](double u) {
      return (9 * std::numbers::pi * own_sin(std::numbers::pi * u) -
              3 * std::numbers::pi * own_sin(3 * std::numbers::pi * u)) /
             16;
    };
  } else {  // c3sin
    s.map = [](double u) {
      return (12 * std::numbers::pi * u - 8 * own_sin(2 * std::numbers::pi * u) +
              own_sin(4 * std::numbers::pi * u)) /
             (12 * std::numbers::pi);
    };
    s.weight = [](double u) {
      return 1 - 4.0 / 3 * own_cos(2 * std::numbers::pi * u) +
             1.0 / 3 * own_cos(4 * std::numbers::pi * u);
    };
  }
  return s;
}

// A shape or a number of degrees of freedom. Beyond these the solver's series need too many terms.
double shape_of(const Call& call, std::size_t index) {
  constexpr double kLeastShape = 1e-6, kMostShape = 1e6;
  const double shape = call.positive(index, 1);
  if (shape < kLeastShape || shape > kMostShape) {
    throw usage_error(call.name + ": a shape is from 1e-6 to 1e6");
  }
  return shape;
}

// Quantiles that need a solver, prepared once.
Scalar solved(const Call& call) {
  Scalar s;
  s.open = true;
  if (call.name == "student-t") {
    call.require(1, 1);
    s.map = StudentQuantile(shape_of(call, 0));
  } else if (call.name == "gamma") {
    call.require(1, 2);
    const double scale = call.positive(1, 1);
    s.map = [quantile = GammaQuantile(shape_of(call, 0)), scale](double u) {
      return scale * quantile(u);
    };
  } else {  // beta
    call.require(2, 2);
    s.map = BetaQuantile(shape_of(call, 0), shape_of(call, 1));
  }
  return s;
}

}  // namespace

std::optional<Scalar> scalar_of(const Call& call) {
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* n) { return call.name == n; });
  };
  if (is({"uniform", "triangular", "kumaraswamy", "bernoulli-cont"})) return uniform_like(call);
  if (is({"normal", "lognormal", "exponential", "weibull", "johnson-su"})) return unbounded(call);
  if (is({"student-t", "gamma", "beta"})) return solved(call);
  if (is({"baker", "c0", "c1", "c1sin", "c2sin", "c3sin"})) return periodization(call);
  return std::nullopt;
}

}  // namespace stateutils::qmc
