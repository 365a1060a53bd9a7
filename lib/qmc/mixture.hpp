// Gaussian mixtures, each component with one variance in all directions, and their exact scores
// under added noise: the models on which samplers of diffusions are measured.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace stateutils::qmc {

struct Mixture {
  std::vector<double> weights, sds;  // weights sum to 1
  std::vector<std::vector<double>> means;
  [[nodiscard]] std::size_t dims() const { return means[0].size(); }
  // The largest distance of a component from the origin, its deviation included.
  [[nodiscard]] double extent() const;
};
// {"weights":[..],"means":[[..],..],"sds":[..]}; kInput naming the file.
[[nodiscard]] Mixture parse_mixture(const std::string& json, const std::string& name);
[[nodiscard]] Mixture mixture_of(const nlohmann::json& value, const std::string& name);

// The mixture with noise of deviation `sigma` added, p, seen from one point x.
class NoisyScore {
 public:
  NoisyScore(const Mixture& mixture, double sigma, const double* x);
  // grad ln p(x).
  [[nodiscard]] const std::vector<double>& score() const { return score_; }
  // The Hessian of ln p at x times z: sum_k r_k ((a_k - s) <a_k, z> - z / v_k), where r_k is the
  // share of component k at x, v_k its variance, a_k its own score and s the mixture's.
  void curvature(const double* z, double* out) const;

 private:
  std::vector<double> shares_, variances_, scores_, score_;  // scores_: component by component
};

}  // namespace stateutils::qmc
