#include "qmc/mixture.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "qmc/json_numbers.hpp"

namespace stateutils::qmc {

double Mixture::extent() const {
  double largest = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    double square = sds[k] * sds[k];
    for (const double m : means[k]) square += m * m;
    largest = std::max(largest, std::sqrt(square));
  }
  return largest;
}

Mixture parse_mixture(const std::string& json, const std::string& name) {
  return mixture_of(core::parse_json(json, name), name);
}

Mixture mixture_of(const nlohmann::json& value, const std::string& name) {
  if (!value.is_object() || !value.contains("weights") || !value.contains("means") ||
      !value.contains("sds")) {
    throw core::input_error({name}, "an object of weights, means and sds expected");
  }
  Mixture mix;
  mix.weights = json_numbers(value["weights"], name, "weights");
  mix.sds = json_numbers(value["sds"], name, "sds");
  if (!value["means"].is_array() || value["means"].size() != mix.weights.size() ||
      mix.sds.size() != mix.weights.size()) {
    throw core::input_error({name}, "weights, means and sds must have one entry each component");
  }
  for (const auto& mean : value["means"]) {
    mix.means.push_back(mean.is_number() ? std::vector<double>{mean.get<double>()}
                                         : json_numbers(mean, name, "a mean"));
    if (mix.means.back().size() != mix.dims()) {
      throw core::input_error({name}, "means of different dimensions");
    }
  }
  double total = 0;
  for (std::size_t k = 0; k < mix.weights.size(); ++k) {
    if (!(mix.weights[k] > 0) || !(mix.sds[k] > 0)) {
      throw core::input_error({name}, "weights and sds must be positive");
    }
    total += mix.weights[k];
  }
  for (double& weight : mix.weights) weight /= total;
  return mix;
}

NoisyScore::NoisyScore(const Mixture& mixture, double sigma, const double* x)
    : shares_(mixture.weights.size()),
      variances_(mixture.weights.size()),
      scores_(mixture.weights.size() * mixture.dims()),
      score_(mixture.dims()) {
  const std::size_t d = mixture.dims(), count = mixture.weights.size();
  double largest = -INFINITY;
  for (std::size_t k = 0; k < count; ++k) {
    variances_[k] = mixture.sds[k] * mixture.sds[k] + sigma * sigma;
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const double delta = mixture.means[k][j] - x[j];
      scores_[k * d + j] = delta / variances_[k];
      square += delta * delta;
    }
    shares_[k] = std::log(mixture.weights[k]) - 0.5 * square / variances_[k] -
                 0.5 * static_cast<double>(d) * std::log(variances_[k]);
    largest = std::max(largest, shares_[k]);
  }
  double total = 0;
  for (double& share : shares_) total += share = std::exp(share - largest);
  for (std::size_t k = 0; k < count; ++k) {
    shares_[k] /= total;
    for (std::size_t j = 0; j < d; ++j) score_[j] += shares_[k] * scores_[k * d + j];
  }
}

void NoisyScore::curvature(const double* z, double* out) const {
  const std::size_t d = score_.size();
  std::fill_n(out, d, 0.0);
  for (std::size_t k = 0; k < shares_.size(); ++k) {
    double along = 0;
    for (std::size_t j = 0; j < d; ++j) along += scores_[k * d + j] * z[j];
    for (std::size_t j = 0; j < d; ++j) {
      out[j] += shares_[k] * ((scores_[k * d + j] - score_[j]) * along - z[j] / variances_[k]);
    }
  }
}

}  // namespace stateutils::qmc
