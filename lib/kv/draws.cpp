#include "kv/draws.hpp"

#include <cmath>

namespace stateutils::kv {

LogNormal LogNormal::of(double mean, double deviation) {
  const double cv = deviation / mean, square = std::log1p(cv * cv);
  return {std::log(mean) - square / 2, std::sqrt(square)};
}

double LogNormal::draw(core::Rng& rng) const {
  // Box and Muller's cosine half.
  const double r = std::sqrt(-2 * std::log1p(-rng.unit()));
  return std::exp(mu + sigma * r * std::cos(2 * M_PI * rng.unit()));
}

Weibull Weibull::of(double mean, double deviation) {
  const double target = std::log1p(deviation / mean * (deviation / mean));
  // Falls with the shape; between them lie coefficients of variation from 1e6 down to 0.01.
  double low = 0.05, high = 128;
  for (int i = 0; i < 200 && low < high; ++i) {
    const double k = std::sqrt(low * high);
    (std::lgamma(1 + 2 / k) - 2 * std::lgamma(1 + 1 / k) > target ? low : high) = k;
  }
  const double shape = std::sqrt(low * high);
  return {shape, mean / std::tgamma(1 + 1 / shape)};
}

double Weibull::draw(core::Rng& rng) const {
  return scale * std::pow(-std::log1p(-rng.unit()), 1 / shape);
}

}  // namespace stateutils::kv
