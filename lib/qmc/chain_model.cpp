// The models of inference.hpp and their exact answers.
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/error.hpp"
#include "core/json.hpp"
#include "qmc/inference.hpp"
#include "qmc/json_numbers.hpp"

namespace stateutils::qmc {
namespace {

using Rows = std::vector<std::vector<double>>;

class FiniteChain final : public ChainModel {
 public:
  FiniteChain(std::vector<double> init, Rows trans, Rows emit, std::vector<std::size_t> obs)
      : init_(std::move(init)),
        trans_(std::move(trans)),
        emit_(std::move(emit)),
        obs_(std::move(obs)) {}

  [[nodiscard]] std::size_t length() const override { return obs_.size(); }
  [[nodiscard]] double draw(std::size_t t, double previous, InferenceRng& rng) const override {
    return static_cast<double>(rng.pick(t == 0 ? init_ : trans_[index(previous)]));
  }
  [[nodiscard]] double log_transition(double previous, double x) const override {
    return std::log(trans_[index(previous)][index(x)]);
  }
  [[nodiscard]] double log_emission(std::size_t t, double x) const override {
    return std::log(emit_[index(x)][obs_[t]]);
  }
  // Forward-backward with scaling (Rabiner 1989).
  [[nodiscard]] Exact exact() const override {
    const std::size_t count = init_.size(), steps = obs_.size();
    Exact result;
    Rows forward(steps, std::vector<double>(count));
    for (std::size_t t = 0; t < steps; ++t) {
      double total = 0;
      for (std::size_t j = 0; j < count; ++j) {
        double mass = t == 0 ? init_[j] : 0;
        for (std::size_t i = 0; i < count && t > 0; ++i) mass += forward[t - 1][i] * trans_[i][j];
        forward[t][j] = mass * emit_[j][obs_[t]];
        total += forward[t][j];
      }
      if (!(total > 0)) throw core::input_error({"model"}, "the observations are impossible");
      for (double& value : forward[t]) value /= total;
      result.log_evidence += std::log(total);
    }
    std::vector<double> backward(count, 1.0);
    result.means.resize(steps);
    for (std::size_t t = steps; t-- > 0;) {
      double total = 0, sum = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const double mass = forward[t][j] * backward[j];
        total += mass;
        sum += static_cast<double>(j) * mass;
      }
      result.means[t] = sum / total;
      std::vector<double> earlier(count);
      double scale = 0;
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < count; ++j) {
          earlier[i] += trans_[i][j] * emit_[j][obs_[t]] * backward[j];
        }
        scale += earlier[i];
      }
      for (double& value : earlier) value /= scale;
      backward = std::move(earlier);
    }
    return result;
  }

 private:
  static std::size_t index(double x) { return static_cast<std::size_t>(x); }
  std::vector<double> init_;
  Rows trans_, emit_;
  std::vector<std::size_t> obs_;
};

// x_t = a x_(t-1) + N(0, q), y_t = x_t + N(0, r), x_0 ~ N(0, x0_var).
class GaussianChain final : public ChainModel {
 public:
  GaussianChain(double a, double q, double r, double x0, std::vector<double> obs)
      : a_(a), q_(q), r_(r), x0_(x0), obs_(std::move(obs)) {}

  [[nodiscard]] std::size_t length() const override { return obs_.size(); }
  [[nodiscard]] double draw(std::size_t t, double previous, InferenceRng& rng) const override {
    return t == 0 ? std::sqrt(x0_) * rng.normal() : a_ * previous + std::sqrt(q_) * rng.normal();
  }
  [[nodiscard]] double log_transition(double previous, double x) const override {
    return log_density(x - a_ * previous, q_);
  }
  [[nodiscard]] double log_emission(std::size_t t, double x) const override {
    return log_density(obs_[t] - x, r_);
  }
  // Kalman's filter and the smoother of Rauch, Tung and Striebel (1965).
  [[nodiscard]] Exact exact() const override {
    const std::size_t steps = obs_.size();
    Exact result;
    std::vector<double> mean(steps), variance(steps), ahead(steps);
    for (std::size_t t = 0; t < steps; ++t) {
      const double prior = t == 0 ? 0 : a_ * mean[t - 1];
      ahead[t] = t == 0 ? x0_ : a_ * a_ * variance[t - 1] + q_;
      result.log_evidence += log_density(obs_[t] - prior, ahead[t] + r_);
      const double gain = ahead[t] / (ahead[t] + r_);
      mean[t] = prior + gain * (obs_[t] - prior);
      variance[t] = (1 - gain) * ahead[t];
    }
    result.means = mean;
    for (std::size_t t = steps - 1; t-- > 0;) {
      const double back = variance[t] * a_ / ahead[t + 1];
      result.means[t] = mean[t] + back * (result.means[t + 1] - a_ * mean[t]);
    }
    return result;
  }

 private:
  static double log_density(double delta, double variance) {
    return -0.5 * (delta * delta / variance + std::log(2 * std::numbers::pi * variance));
  }
  double a_, q_, r_, x0_;
  std::vector<double> obs_;
};

class ModelParser {
 public:
  explicit ModelParser(const std::string& name) : name_(name) {}

  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({name_}, message);
  }
  [[nodiscard]] std::vector<double> numbers(const nlohmann::json& value, const char* what) const {
    return json_numbers(value, name_, what);
  }
  // Probabilities that sum to 1.
  [[nodiscard]] std::vector<double> simplex(const nlohmann::json& value, const char* what) const {
    std::vector<double> out = numbers(value, what);
    double total = 0;
    for (const double p : out) {
      if (!(p >= 0)) fail(std::string(what) + ": a probability is negative");
      total += p;
    }
    if (!(std::abs(total - 1) < 1e-9)) fail(std::string(what) + ": probabilities must sum to 1");
    for (double& p : out) p /= total;
    return out;
  }
  [[nodiscard]] Rows matrix(const nlohmann::json& value, const char* what, std::size_t rows) const {
    Rows out;
    if (!value.is_array() || value.size() != rows) {
      fail(std::string(what) + ": one row for each state expected");
    }
    for (const auto& row : value) {
      out.push_back(simplex(row, what));
      if (out.back().size() != out[0].size()) fail(std::string(what) + ": rows of unequal length");
    }
    return out;
  }
  [[nodiscard]] const nlohmann::json& field(const nlohmann::json& value, const char* key) const {
    if (!value.is_object() || !value.contains(key)) fail(std::string("no ") + key);
    return value[key];
  }
  [[nodiscard]] double positive(const nlohmann::json& value, const char* key) const {
    const nlohmann::json& entry = field(value, key);
    if (!entry.is_number() || !(entry.get<double>() > 0)) {
      fail(std::string(key) + " must be a positive number");
    }
    return entry.get<double>();
  }

 private:
  const std::string& name_;
};

}  // namespace

std::unique_ptr<ChainModel> parse_chain(const std::string& json, const std::string& name) {
  const nlohmann::json value = core::parse_json(json, name);
  const ModelParser parser(name);
  const std::vector<double> obs = parser.numbers(parser.field(value, "obs"), "obs");
  if (value.contains("gauss")) {
    const nlohmann::json& gauss = value["gauss"];
    const nlohmann::json& a = parser.field(gauss, "a");
    if (!a.is_number()) parser.fail("a must be a number");
    return std::make_unique<GaussianChain>(a.get<double>(), parser.positive(gauss, "q"),
                                           parser.positive(gauss, "r"),
                                           parser.positive(gauss, "x0_var"), obs);
  }
  std::vector<double> init = parser.simplex(parser.field(value, "init"), "init");
  Rows trans = parser.matrix(parser.field(value, "trans"), "trans", init.size());
  Rows emit = parser.matrix(parser.field(value, "emit"), "emit", init.size());
  if (trans[0].size() != init.size()) parser.fail("trans: a square matrix expected");
  std::vector<std::size_t> symbols;
  for (const double y : obs) {
    if (!(y >= 0 && y < static_cast<double>(emit[0].size())) || y != std::floor(y)) {
      parser.fail("obs: symbols are integers from 0 to " + std::to_string(emit[0].size() - 1));
    }
    symbols.push_back(static_cast<std::size_t>(y));
  }
  return std::make_unique<FiniteChain>(std::move(init), std::move(trans), std::move(emit),
                                       std::move(symbols));
}

}  // namespace stateutils::qmc
