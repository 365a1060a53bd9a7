#include "qmc/transform.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/units.hpp"
#include "qmc/normal.hpp"
#include "qmc/transform_gaussian.hpp"
#include "qmc/transform_scalar.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

class ScalarStage final : public Stage {
 public:
  explicit ScalarStage(std::vector<std::pair<Scalar, std::vector<std::size_t>>> parts, bool clamp)
      : parts_(std::move(parts)), clamp_(clamp) {}

  std::optional<std::size_t> apply(double* x, std::size_t rows, std::size_t d) const override {
    if (parts_.size() == 1 && parts_[0].first.normal && parts_[0].second.size() == d) {
      return apply_normal(parts_[0].first, x, rows * d, d);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      for (const auto& [scalar, columns] : parts_) {
        for (const std::size_t j : columns) {
          double& u = x[i * d + j];
          if (clamp_ && scalar.open) u = std::clamp(u, 0x1p-53, 1 - 0x1p-53);
          const bool inside =
              scalar.any ? std::isfinite(u) : (scalar.open ? u > 0 && u < 1 : u >= 0 && u <= 1);
          if (!inside) return i;
          u = scalar.map(u);
        }
      }
    }
    return std::nullopt;
  }
  void weigh(const double* x, std::size_t rows, std::size_t d, double* weights) const override {
    for (const auto& [scalar, columns] : parts_) {
      if (!scalar.weight) continue;
      for (std::size_t i = 0; i < rows; ++i) {
        for (const std::size_t j : columns) weights[i] *= scalar.weight(x[i * d + j]);
      }
    }
  }
  [[nodiscard]] bool has_weights() const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [](const auto& p) { return bool{p.first.weight}; });
  }
  [[nodiscard]] bool needs_open() const override {
    return std::any_of(parts_.begin(), parts_.end(), [](const auto& p) { return p.first.open; });
  }
  [[nodiscard]] bool reaches_ends() const override {
    return std::any_of(parts_.begin(), parts_.end(), [](const auto& p) { return p.first.ends; });
  }

 private:
  std::optional<std::size_t> apply_normal(const Scalar& scalar, double* x, std::size_t count,
                                          std::size_t d) const {
    bool inside = true;
    for (std::size_t i = 0; i < count; ++i) {
      if (clamp_) x[i] = std::clamp(x[i], 0x1p-53, 1 - 0x1p-53);
      inside = inside & (x[i] > 0) & (x[i] < 1);
    }
    for (std::size_t i = 0; i < count && !inside; ++i) {
      if (!(x[i] > 0 && x[i] < 1)) return i / d;
    }
    normal_quantiles(x, count);
    if (scalar.mean == 0 && scalar.sd == 1) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) x[i] = scalar.mean + scalar.sd * x[i];
    return std::nullopt;
  }

  std::vector<std::pair<Scalar, std::vector<std::size_t>>> parts_;
  bool clamp_;
};

std::vector<std::size_t> columns_of(std::string_view text, std::size_t d) {
  std::vector<std::size_t> columns;
  for (const std::string_view part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    const auto from = core::parse_u64(part.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : core::parse_u64(part.substr(dash + 1));
    if (!from || !to || *from == 0 || *to < *from || *to > d) {
      throw usage_error("transform: " + core::quoted(part) + " is no column of " +
                        std::to_string(d));
    }
    for (std::size_t j = *from; j <= *to; ++j) columns.push_back(j - 1);
  }
  return columns;
}

std::unique_ptr<Stage> parse_stage(std::string_view text, std::size_t d, bool clamp) {
  std::vector<std::pair<Scalar, std::vector<std::size_t>>> parts;
  for (const std::string_view part : split(text, ';')) {
    const std::size_t colon = part.rfind(':');
    const Call call = parse_call(trim(part.substr(0, colon)));
    if (is_gaussian(call)) {
      if (part.size() != text.size() || colon != std::string_view::npos) {
        throw usage_error("transform " + call.text() + " takes all columns");
      }
      return gaussian_stage(call, d, clamp);
    }
    auto scalar = scalar_of(call);
    if (!scalar) {
      throw usage_error(
          "unknown transform " + call.text() +
          "; known: uniform, normal, lognormal, exponential, kumaraswamy, johnson-su, "
          "bernoulli-cont, triangular, weibull, student-t, gamma, beta, gaussian, matern, "
          "brownian, "
          "gbm, baker, c0, c1, c1sin, c2sin, c3sin");
    }
    std::vector<std::size_t> columns;
    if (colon != std::string_view::npos) {
      columns = columns_of(trim(part.substr(colon + 1)), d);
    } else {
      for (std::size_t j = 0; j < d; ++j) columns.push_back(j);
    }
    parts.emplace_back(std::move(*scalar), std::move(columns));
  }
  return std::make_unique<ScalarStage>(std::move(parts), clamp);
}

}  // namespace

Transform::Transform(std::string_view spec, std::size_t d) : d_(d) {
  bool ends = false;
  for (const std::string_view stage : split(spec, '|')) {
    stages_.push_back(parse_stage(stage, d, ends));
    ends = stages_.back()->reaches_ends();
  }
}

Transform::~Transform() = default;
Transform::Transform(Transform&&) noexcept = default;

bool Transform::needs_open() const {
  return stages_.front()->needs_open();
}

bool Transform::has_weights() const {
  return std::any_of(stages_.begin(), stages_.end(),
                     [](const auto& s) { return s->has_weights(); });
}

void Transform::apply(double* x, std::size_t rows, std::uint64_t first, const std::string& name,
                      double* weights) const {
  for (std::size_t k = 0; k < stages_.size(); ++k) {
    if (weights != nullptr) stages_[k]->weigh(x, rows, d_, weights);
    if (const auto bad = stages_[k]->apply(x, rows, d_)) {
      throw core::input_error({name}, "row " + std::to_string(first + *bad) +
                                          ": outside the domain of stage " + std::to_string(k + 1) +
                                          " of the transform");
    }
  }
}

}  // namespace stateutils::qmc
