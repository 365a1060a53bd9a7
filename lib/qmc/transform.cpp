#include "qmc/transform.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <queue>

#include "core/error.hpp"
#include "core/units.hpp"
#include "qmc/normal.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;
constexpr double kPi = std::numbers::pi;

// "name(a,b,..)" taken apart.
struct Call {
  std::string name;
  std::vector<std::string> arguments;

  [[nodiscard]] std::string text() const { return core::quoted(name); }
  void require(std::size_t least, std::size_t most) const {
    if (arguments.size() >= least && arguments.size() <= most) return;
    throw usage_error("transform " + text() + " takes " + std::to_string(least) +
                      (least == most ? "" : " to " + std::to_string(most)) + " arguments");
  }
  [[nodiscard]] double number(std::size_t i) const {
    const auto value = core::parse_double(arguments[i]);
    if (!value) {
      throw usage_error("transform " + text() + ": " + core::quoted(arguments[i]) +
                        " is no number");
    }
    return *value;
  }
  [[nodiscard]] double number_or(std::size_t i, double otherwise) const {
    return i < arguments.size() ? number(i) : otherwise;
  }
  [[nodiscard]] double positive(std::size_t i, double otherwise) const {
    const double value = number_or(i, otherwise);
    if (!(value > 0)) {
      throw usage_error("transform " + text() + ": argument " + std::to_string(i + 1) +
                        " must be positive");
    }
    return value;
  }
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Splits at `separator` outside parentheses.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] != separator || depth != 0) continue;
    parts.push_back(trim(text.substr(from, i - from)));
    from = i + 1;
  }
  parts.push_back(trim(text.substr(from)));
  return parts;
}

Call parse_call(std::string_view text) {
  const std::size_t open = text.find('(');
  Call call{std::string(trim(text.substr(0, open))), {}};
  if (open == std::string_view::npos) return call;
  if (!text.ends_with(')')) throw usage_error("transform " + core::quoted(text) + ": no closing )");
  for (const std::string_view part : split(text.substr(open + 1, text.size() - open - 2), ',')) {
    call.arguments.emplace_back(part);
  }
  return call;
}

// Coordinate by coordinate, on chosen columns.
struct Scalar {
  std::function<double(double)> map;
  std::function<double(double)> weight;  // of periodizations
  bool open = false;                     // infinite at 0 or 1
  bool any = false;                      // takes every number
  bool ends = false;                     // reaches 0 or 1
  bool normal = false;                   // mean + sd Phi^-1(u): made in bulk
  double mean = 0, sd = 1;
};

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
    s.map = [=](double u) { return std::pow(-std::expm1(std::log1p(-u) / b), 1 / a); };
  } else {  // bernoulli-cont
    call.require(1, 1);
    const double l = call.number(0);
    if (!(l > 0 && l < 1)) throw usage_error("bernoulli-cont needs a number inside (0,1)");
    s.map = [=](double u) {
      return l == 0.5 ? u : std::log(((2 * l - 1) * u - l + 1) / (1 - l)) / std::log(l / (1 - l));
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
    s.map = [=](double u) { return std::exp(mean + sd * normal_quantile(u)); };
  } else if (call.name == "exponential") {
    call.require(1, 1);
    const double rate = call.positive(0, 1);
    s.map = [=](double u) { return -std::log1p(-u) / rate; };
  } else if (call.name == "weibull") {
    call.require(2, 2);
    const double shape = call.positive(0, 1), scale = call.positive(1, 1);
    s.map = [=](double u) { return scale * std::pow(-std::log1p(-u), 1 / shape); };
  } else {  // johnson-su
    call.require(4, 4);
    const double gamma = call.number(0), xi = call.number(1), delta = call.positive(2, 1),
                 lambda = call.positive(3, 1);
    s.map = [=](double u) { return lambda * std::sinh((normal_quantile(u) - gamma) / delta) + xi; };
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
    s.map = [](double u) { return u - std::sin(2 * kPi * u) / (2 * kPi); };
    s.weight = [](double u) { return 1 - std::cos(2 * kPi * u); };
  } else if (call.name == "c2sin") {
    s.map = [](double u) { return (8 - 9 * std::cos(kPi * u) + std::cos(3 * kPi * u)) / 16; };
    s.weight = [](double u) {
      return (9 * kPi * std::sin(kPi * u) - 3 * kPi * std::sin(3 * kPi * u)) / 16;
    };
  } else {  // c3sin
    s.map = [](double u) {
      return (12 * kPi * u - 8 * std::sin(2 * kPi * u) + std::sin(4 * kPi * u)) / (12 * kPi);
    };
    s.weight = [](double u) {
      return 1 - 4.0 / 3 * std::cos(2 * kPi * u) + 1.0 / 3 * std::cos(4 * kPi * u);
    };
  }
  return s;
}

std::optional<Scalar> scalar_of(const Call& call) {
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* n) { return call.name == n; });
  };
  if (is({"uniform", "triangular", "kumaraswamy", "bernoulli-cont"})) return uniform_like(call);
  if (is({"normal", "lognormal", "exponential", "weibull", "johnson-su"})) return unbounded(call);
  if (is({"baker", "c0", "c1", "c1sin", "c2sin", "c3sin"})) return periodization(call);
  return std::nullopt;
}

class ScalarStage final : public Stage {
 public:
  explicit ScalarStage(std::vector<std::pair<Scalar, std::vector<std::size_t>>> parts, bool clamp)
      : parts_(std::move(parts)), clamp_(clamp) {}

  std::optional<std::size_t> apply(double* x, std::size_t rows, std::size_t d) const override {
    if (parts_.size() == 1 && parts_[0].first.normal && parts_[0].second.size() == d) {
      return apply_normal(parts_[0].first, x, rows * d, d);
    }
    std::optional<std::size_t> bad;
    for (std::size_t i = 0; i < rows && !bad; ++i) {
      for (const auto& [scalar, columns] : parts_) {
        for (const std::size_t j : columns) {
          double& u = x[i * d + j];
          if (clamp_ && scalar.open) u = std::clamp(u, 0x1p-53, 1 - 0x1p-53);
          const bool inside =
              scalar.any ? std::isfinite(u) : (scalar.open ? u > 0 && u < 1 : u >= 0 && u <= 1);
          if (!inside) bad = i;
          u = scalar.map(u);
        }
      }
    }
    return bad;
  }
  void weigh(const double* x, std::size_t rows, std::size_t d, double* weights) const override {
    for (const auto& [scalar, columns] : parts_) {
      if (!scalar.weight) continue;
      for (std::size_t i = 0; i < rows; ++i) {
        for (const std::size_t j : columns) weights[i] *= scalar.weight(x[i * d + j]);
      }
    }
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
    for (std::size_t i = 0; i < count; ++i) {
      if (clamp_) x[i] = std::clamp(x[i], 0x1p-53, 1 - 0x1p-53);
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

// offset + matrix * Phi^-1(u), then possibly a map of every value with its column.
class GaussianStage final : public Stage {
 public:
  GaussianStage(std::vector<double> matrix, std::vector<double> offset, bool clamp,
                bool exponentiate)
      : matrix_(std::move(matrix)),
        offset_(std::move(offset)),
        clamp_(clamp),
        exponentiate_(exponentiate) {}

  std::optional<std::size_t> apply(double* x, std::size_t rows, std::size_t d) const override {
    std::vector<double> z(d);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        z[j] = clamp_ ? std::clamp(x[i * d + j], 0x1p-53, 1 - 0x1p-53) : x[i * d + j];
        if (!(z[j] > 0 && z[j] < 1)) return i;
      }
      normal_quantiles(z.data(), d);
      for (std::size_t k = 0; k < d; ++k) {
        double sum = offset_[k];
        for (std::size_t j = 0; j < d; ++j) sum += matrix_[k * d + j] * z[j];
        x[i * d + k] = exponentiate_ ? std::exp(sum) : sum;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] bool needs_open() const override { return true; }

 private:
  std::vector<double> matrix_, offset_;
  bool clamp_, exponentiate_;
};

PathMethod method_of(const Call& call, std::size_t i) {
  if (i >= call.arguments.size() || call.arguments[i] == "pca") return PathMethod::kPca;
  if (call.arguments[i] == "bridge") return PathMethod::kBridge;
  if (call.arguments[i] == "cholesky" || call.arguments[i] == "increment") {
    return PathMethod::kCholesky;  // the Cholesky factor of Brownian motion is its increments
  }
  throw usage_error("transform " + call.text() + ": known are pca, bridge, cholesky, increment");
}

std::unique_ptr<Stage> path_stage(const Call& call, std::size_t d, bool clamp) {
  call.require(0, 5);
  const double horizon = call.positive(0, 1);
  const bool gbm = call.name == "gbm";
  auto matrix = brownian_matrix(d, horizon, method_of(call, 4));
  std::vector<double> offset(d);
  const auto time = [&](std::size_t k) {
    return static_cast<double>(k + 1) * horizon / static_cast<double>(d);
  };
  if (gbm) {
    const double start = call.positive(1, 1), rate = call.number_or(2, 0),
                 volatility = call.positive(3, 1);
    for (double& entry : matrix) entry *= volatility;
    for (std::size_t k = 0; k < d; ++k) {
      offset[k] = std::log(start) + (rate - volatility * volatility / 2) * time(k);
    }
  } else {
    const double drift = call.number_or(1, 0), diffusion = call.positive(2, 1),
                 start = call.number_or(3, 0);
    for (double& entry : matrix) entry *= std::sqrt(diffusion);
    for (std::size_t k = 0; k < d; ++k) offset[k] = start + drift * time(k);
  }
  return std::make_unique<GaussianStage>(std::move(matrix), std::move(offset), clamp, gbm);
}

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
    if (call.name == "brownian" || call.name == "gbm") {
      if (part.size() != text.size() || colon != std::string_view::npos) {
        throw usage_error("transform " + call.text() + " takes all columns");
      }
      return path_stage(call, d, clamp);
    }
    auto scalar = scalar_of(call);
    if (!scalar) {
      throw usage_error(
          "unknown transform " + call.text() +
          "; known: uniform, normal, lognormal, exponential, kumaraswamy, johnson-su, "
          "bernoulli-cont, triangular, weibull, brownian, gbm, baker, c0, c1, c1sin, c2sin, c3sin");
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

// Last time first, then the midpoints of what lies between known times, breadth first.
std::vector<double> bridge_matrix(std::size_t d, double step) {
  std::vector<double> matrix(d * d);
  const auto row = [&](std::size_t k) { return matrix.data() + k * d; };  // of time k + 1
  row(d - 1)[0] = std::sqrt(step * static_cast<double>(d));
  std::queue<std::pair<std::size_t, std::size_t>> spans;  // times from 0 (known) to d
  spans.emplace(0, d);
  for (std::size_t used = 1; !spans.empty();) {
    const auto [l, r] = spans.front();
    spans.pop();
    const std::size_t m = (l + r) / 2;
    if (m == l) continue;
    const double width = static_cast<double>(r - l), right = static_cast<double>(m - l) / width;
    for (std::size_t j = 0; j < d; ++j) {
      const double left_value = l == 0 ? 0 : row(l - 1)[j];
      row(m - 1)[j] = (1 - right) * left_value + right * row(r - 1)[j];
    }
    row(m - 1)[used++] =
        std::sqrt(step * static_cast<double>(m - l) * static_cast<double>(r - m) / width);
    spans.emplace(l, m);
    spans.emplace(m, r);
  }
  return matrix;
}

}  // namespace

std::vector<double> brownian_matrix(std::size_t d, double horizon, PathMethod method) {
  const double step = horizon / static_cast<double>(d);
  if (method == PathMethod::kBridge) return bridge_matrix(d, step);
  std::vector<double> matrix(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t k = 0; k < d; ++k) {
      if (method == PathMethod::kCholesky) {
        matrix[i * d + k] = k <= i ? std::sqrt(step) : 0;
        continue;
      }
      // lambda_k = step / (4 sin^2((2k-1) pi / (4d+2))), v_k(i) = 2 / sqrt(2d+1) sin(i pi (2k-1) /
      // (2d+1)), i and k from 1.
      const double odd = 2 * static_cast<double>(k) + 1, size = 2 * static_cast<double>(d) + 1;
      const double root = std::sqrt(step) / (2 * std::sin(odd * kPi / (2 * size)));
      matrix[i * d + k] =
          root * 2 / std::sqrt(size) * std::sin(static_cast<double>(i + 1) * kPi * odd / size);
    }
  }
  return matrix;
}

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
