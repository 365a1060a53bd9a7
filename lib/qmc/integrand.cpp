#include "qmc/integrand.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "core/error.hpp"
#include "core/units.hpp"
#include "qmc/formula.hpp"
#include "qmc/path_option.hpp"
#include "qmc/transform.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

using PointFunction = std::function<double(const double*)>;

// A function of one point after a map of the cube.
class MappedIntegrand final : public Integrand {
 public:
  MappedIntegrand(std::size_t d, const std::string& map, PointFunction function, double scale)
      : d_(d), measure_(map), function_(std::move(function)), scale_(scale) {
    if (!map.empty()) map_.emplace(map, d);
  }
  [[nodiscard]] std::size_t dims() const override { return d_; }
  [[nodiscard]] std::string measure() const override { return measure_; }
  void evaluate(const double* u, std::size_t rows, double* y) const override {
    std::vector<double> mapped;
    if (map_) {
      mapped.assign(u, u + rows * d_);
      map_->apply(mapped.data(), rows, 0, "integrand");
      u = mapped.data();
    }
    for (std::size_t i = 0; i < rows; ++i) y[i] = scale_ * function_(u + i * d_);
  }

 private:
  std::size_t d_;
  std::string measure_;
  PointFunction function_;
  double scale_;
  std::optional<Transform> map_;
};

struct Definition {
  std::string map;
  PointFunction function;
  std::size_t dims = 0;  // 0: any
};

double norm(const double* x, std::size_t d) {
  double sum = 0;
  for (std::size_t j = 0; j < d; ++j) sum += x[j] * x[j];
  return std::sqrt(sum);
}

// Genz (1984) with the weights of the manual page.
std::vector<double> genz_weights(int kind, double total, std::size_t d) {
  std::vector<double> c(d);
  double sum = 0;
  for (std::size_t j = 0; j < d; ++j) {
    const auto index = static_cast<double>(j + 1), n = static_cast<double>(d);
    c[j] = kind == 1   ? (index - 0.5) / n
           : kind == 2 ? 1 / (index * index)
                       : std::exp(index * std::log(1e-8) / n);
    sum += c[j];
  }
  for (double& weight : c) weight *= total / sum;
  return c;
}

Definition genz(Settings& s, std::size_t d) {
  const double kind = s.number("kind", 1);
  if (kind != 1 && kind != 2 && kind != 3) throw usage_error("integrand: kind is 1, 2 or 3");
  const bool oscillatory = s.name() == "genz-oscillatory";
  const auto c = genz_weights(static_cast<int>(kind), oscillatory ? 4.5 : 0.25, d);
  return {"", [=](const double* x) {
            double sum = 0;
            for (std::size_t j = 0; j < d; ++j) sum += c[j] * x[j];
            return oscillatory ? std::cos(sum) : std::pow(1 + sum, -static_cast<double>(d) - 1);
          }};
}

Definition hartmann6() {
  return {"",
          [](const double* x) {
            static constexpr double kC[] = {1, 1.2, 3, 3.2};
            static constexpr double kA[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                                {.05, 10, 17, .1, 8, 14},
                                                {3, 3.5, 1.7, 10, 17, 8},
                                                {17, 8, .05, 10, .1, 14}};
            static constexpr double kP[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                                {2329, 4135, 8307, 3736, 1004, 9991},
                                                {2348, 1451, 3522, 2883, 3047, 6650},
                                                {4047, 8828, 8732, 5743, 1091, 381}};
            double value = 0;
            for (int i = 0; i < 4; ++i) {
              double sum = 0;
              for (int j = 0; j < 6; ++j) {
                const double z = x[j] - 1e-4 * kP[i][j];
                sum += kA[i][j] * z * z;
              }
              value -= kC[i] * std::exp(-sum);
            }
            return value;
          },
          6};
}

Definition borehole() {
  return {
      "uniform(0.05,0.15):1;uniform(100,50000):2;uniform(63070,115600):3;uniform(990,1110):4;"
      "uniform(63.1,116):5;uniform(700,820):6;uniform(1120,1680):7;uniform(9855,12045):8",
      [](const double* x) {
        const double rw = x[0], lambda = std::log(x[1] / rw), tu = x[2], hu = x[3], tl = x[4],
                     hl = x[5], length = x[6], kw = x[7];
        return 2 * std::numbers::pi * tu * (hu - hl) /
               (lambda * (1 + 2 * length * tu / (lambda * rw * rw * kw) + tu / tl));
      },
      8};
}

// Geometric Brownian motion at d equal dates, by principal components.
Definition path_option(Settings& s, std::size_t d) {
  const PathOption option(s, d);
  const PathModel& model = option.model();
  const std::string map = "gbm(" + core::format_double(model.horizon) + "," +
                          core::format_double(model.start) + "," + core::format_double(model.rate) +
                          "," + core::format_double(model.volatility) + ",pca)";
  return {map, [=](const double* path) { return option.payoff(path, d, 1); }};
}

Definition two_dimensional(const std::string& name) {
  if (name == "multimodal2d") {
    return {"uniform(-4,7):1;uniform(-3,8):2",
            [](const double* x) {
              return (x[0] * x[0] + 4) * (x[1] - 1) / 20 - std::sin(2.5 * x[0]) - 2;
            },
            2};
  }
  if (name == "fourbranch") {
    return {"uniform(-8,8)",
            [](const double* x) {
              const double sum = (x[0] + x[1]) / std::numbers::sqrt2, difference = x[0] - x[1];
              const double bowl = 3 + 0.1 * difference * difference;
              return std::min({bowl + sum, bowl - sum, difference + 7 / std::numbers::sqrt2,
                               -difference + 7 / std::numbers::sqrt2});
            },
            2};
  }
  return {"uniform(-0.01,0.01)",
          [](const double* x) { return 5 + x[0] + x[1] + 2 * std::cos(x[0]) + 2 * std::sin(x[1]); },
          2};
}

std::optional<Definition> definition(Settings& s, std::size_t d) {
  const std::string& name = s.name();
  if (name == "keister") {
    const double factor = std::pow(std::numbers::pi, static_cast<double>(d) / 2);
    return Definition{"normal(0,0.70710678118654757)",
                      [=](const double* x) { return factor * std::cos(norm(x, d)); }};
  }
  if (name == "genz-oscillatory" || name == "genz-corner-peak") return genz(s, d);
  if (name == "box") {
    const double power = s.number("s", 1);
    return Definition{"", [=](const double* x) { return std::pow(norm(x, d), power); }};
  }
  if (name == "ishigami") {
    const double a = s.number("a", 7), b = s.number("b", 0.1);
    return Definition{"uniform(-3.141592653589793,3.141592653589793)",
                      [=](const double* x) {
                        const double s2 = std::sin(x[1]);
                        return std::sin(x[0]) * (1 + b * x[2] * x[2] * x[2] * x[2]) + a * s2 * s2;
                      },
                      3};
  }
  if (name == "g-function") {
    return Definition{"", [=](const double* x) {
                        double product = 1;
                        for (std::size_t j = 0; j < d; ++j) {
                          const double a = (static_cast<double>(j) - 1) / 2;
                          product *= (std::abs(4 * x[j] - 2) + a) / (1 + a);
                        }
                        return product;
                      }};
  }
  if (name == "linear") {
    return Definition{"", [=](const double* x) {
                        double sum = 0;
                        for (std::size_t j = 0; j < d; ++j) sum += x[j] - 0.5;
                        return sum;
                      }};
  }
  if (name == "sin1d") {
    return Definition{"", [](const double* x) { return std::sin(2 * std::numbers::pi * x[0]); }, 1};
  }
  if (name == "european" || name == "asian" || name == "barrier") return path_option(s, d);
  if (name == "hartmann6") return hartmann6();
  if (name == "borehole") return borehole();
  if (name == "fourbranch" || name == "multimodal2d" || name == "oakley-ohagan2") {
    return two_dimensional(name);
  }
  return std::nullopt;
}

class FormulaIntegrand final : public Integrand {
 public:
  FormulaIntegrand(std::string_view text, std::size_t d, const std::string& measure)
      : d_(d), measure_(measure), formula_(text, d) {
    if (!measure.empty()) map_.emplace(measure, d);
  }
  [[nodiscard]] std::size_t dims() const override { return d_; }
  [[nodiscard]] std::string measure() const override { return measure_; }
  void evaluate(const double* u, std::size_t rows, double* y) const override {
    if (!map_) {
      formula_.evaluate(u, rows, y);
      return;
    }
    std::vector<double> mapped(u, u + rows * d_), weights(rows, 1.0);
    map_->apply(mapped.data(), rows, 0, "integrand", weights.data());
    formula_.evaluate(mapped.data(), rows, y);
    for (std::size_t i = 0; i < rows; ++i) y[i] *= weights[i];
  }

 private:
  std::size_t d_;
  std::string measure_;
  Formula formula_;
  std::optional<Transform> map_;
};

}  // namespace

bool is_built_in(std::string_view text) {
  static constexpr std::string_view kNames[] = {
      "keister",       "genz-oscillatory", "genz-corner-peak", "box",   "ishigami",
      "g-function",    "linear",           "european",         "asian", "barrier",
      "hartmann6",     "fourbranch",       "multimodal2d",     "sin1d", "borehole",
      "oakley-ohagan2"};
  return std::find(std::begin(kNames), std::end(kNames), text.substr(0, text.find(':'))) !=
         std::end(kNames);
}

std::unique_ptr<Integrand> built_in_integrand(std::string_view text, std::size_t d) {
  Settings settings(text);
  const double scale = settings.number("scale", 1);
  auto found = definition(settings, d);
  if (!found) throw usage_error("unknown integrand " + core::quoted(settings.name()));
  settings.require_all_used();
  if (found->dims != 0 && found->dims != d) {
    throw usage_error("integrand " + settings.name() + " has " + std::to_string(found->dims) +
                      " dimensions");
  }
  return std::make_unique<MappedIntegrand>(d, found->map, std::move(found->function), scale);
}

std::unique_ptr<Integrand> formula_integrand(std::string_view text, std::size_t d,
                                             const std::string& measure) {
  return std::make_unique<FormulaIntegrand>(text, d, measure);
}

}  // namespace stateutils::qmc
