// Random variates of the companion models, and distributions fitted by moments.
#pragma once

#include "core/rng.hpp"

namespace stateutils::kv {

// ln X is normal. The fit has this mean and standard deviation.
struct LogNormal {
  double mu = 0, sigma = 0;
  [[nodiscard]] static LogNormal of(double mean, double deviation);
  [[nodiscard]] double draw(core::Rng& rng) const;
};

// P(X > x) = exp(-(x / scale)^shape). The shape solves the coefficient of variation's equation
// Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 = 1 + cv^2 by bisection.
struct Weibull {
  double shape = 1, scale = 1;
  [[nodiscard]] static Weibull of(double mean, double deviation);
  [[nodiscard]] double draw(core::Rng& rng) const;
};

}  // namespace stateutils::kv
