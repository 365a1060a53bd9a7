#include "qmc/transform_gaussian.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <queue>

#include "core/error.hpp"
#include "core/npy.hpp"
#include "qmc/elementary.hpp"
#include "qmc/formula_kernels.hpp"
#include "qmc/linear_algebra.hpp"
#include "qmc/normal.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

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
    const FormulaKernel exponential = formula_kernels(core::active_isa())[FormulaOp::kExp];
    std::vector<double> z(d), y(exponentiate_ ? d : 0);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        z[j] = clamp_ ? std::clamp(x[i * d + j], 0x1p-53, 1 - 0x1p-53) : x[i * d + j];
        if (!(z[j] > 0 && z[j] < 1)) return i;
      }
      normal_quantiles(z.data(), d);
      for (std::size_t k = 0; k < d; ++k) {
        double sum = offset_[k];
        for (std::size_t j = 0; j < d; ++j) sum += matrix_[k * d + j] * z[j];
        (exponentiate_ ? y[k] : x[i * d + k]) = sum;
      }
      if (exponentiate_) exponential(y.data(), nullptr, d, x + i * d);
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

struct Table {
  std::vector<double> values;
  std::size_t rows, columns;
};

Table read_table(const std::string& path) {
  const auto source = core::open_input(path);
  core::NpyArray array = core::read_npy(*source);
  const auto& shape = array.header.shape;
  if (shape.empty() || shape.size() > 2) {
    throw core::input_error({path}, "an array of one or two axes expected");
  }
  for (const double value : array.values) {
    if (!std::isfinite(value)) throw core::input_error({path}, "a value is not finite");
  }
  return {std::move(array.values), shape[0], shape.size() == 2 ? shape[1] : 1};
}

// A with A A^T = covariance: eigenvectors times roots of eigenvalues, or the Cholesky factor.
std::vector<double> root_of(std::vector<double> covariance, std::size_t d, bool pca,
                            const std::string& name) {
  if (!pca) return cholesky(std::move(covariance), d);
  Eigen eigen = symmetric_eigen(std::move(covariance), d);
  for (std::size_t k = 0; k < d; ++k) {
    if (eigen.values[k] < -1e-10 * eigen.values[0]) {
      throw core::input_error({name}, "eigenvalue " + std::to_string(k) + " is negative");
    }
    const double root = std::sqrt(std::max(0.0, eigen.values[k]));
    for (std::size_t i = 0; i < d; ++i) eigen.vectors[i * d + k] *= root;
  }
  return std::move(eigen.vectors);
}

std::unique_ptr<Stage> covariance_stage(const Call& call, std::size_t d, bool clamp) {
  call.require(2, 3);
  const std::string how = call.arguments.size() > 2 ? call.arguments[2] : "pca";
  if (how != "pca" && how != "cholesky") {
    throw usage_error("transform " + call.text() + ": known are pca and cholesky");
  }
  Table mean = read_table(call.arguments[0]), covariance = read_table(call.arguments[1]);
  if (mean.values.size() != d) {
    throw core::input_error(
        {call.arguments[0]},
        std::to_string(mean.values.size()) + " means for " + std::to_string(d) + " columns");
  }
  const bool square = covariance.rows == d && covariance.columns == d;
  for (std::size_t i = 0; square && i < d; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double a = covariance.values[i * d + j], b = covariance.values[j * d + i];
      if (std::abs(a - b) > 1e-12 * (std::abs(a) + std::abs(b))) {
        throw core::input_error({call.arguments[1]}, "the matrix is not symmetric");
      }
    }
  }
  if (!square) {
    throw core::input_error({call.arguments[1]}, "a matrix of " + std::to_string(d) + " x " +
                                                     std::to_string(d) + " expected");
  }
  auto matrix = root_of(std::move(covariance.values), d, how == "pca", call.arguments[1]);
  return std::make_unique<GaussianStage>(std::move(matrix), std::move(mean.values), clamp, false);
}

// Matern (1960): 2^(1-nu) / Gamma(nu) s^nu K_nu(s), s = sqrt(2 nu) r / length; closed forms for the
// common half-integers.
double matern(double nu, double r) {
  const double s = std::sqrt(2 * nu) * r;
  if (s == 0) return 1;
  if (nu == 0.5) return std::exp(-s);
  if (nu == 1.5) return (1 + s) * std::exp(-s);
  if (nu == 2.5) return (1 + s + s * s / 3) * std::exp(-s);
  if (s > 700) return 0;  // below the least double
  return std::exp((1 - nu) * std::log(2.0) + nu * std::log(s) - std::lgamma(nu)) *
         std::cyl_bessel_k(nu, s);
}

std::unique_ptr<Stage> matern_stage(const Call& call, std::size_t d, bool clamp) {
  call.require(1, 4);
  const double nu = call.positive(1, 1.5), length = call.positive(2, 1),
               variance = call.positive(3, 1);
  const Table places = read_table(call.arguments[0]);
  if (places.rows != d) {
    throw core::input_error({call.arguments[0]}, std::to_string(places.rows) + " places for " +
                                                     std::to_string(d) + " columns");
  }
  std::vector<double> covariance(d * d);
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double square = 0;
      for (std::size_t k = 0; k < places.columns; ++k) {
        const double delta =
            places.values[i * places.columns + k] - places.values[j * places.columns + k];
        square += delta * delta;
      }
      covariance[i * d + j] = covariance[j * d + i] =
          variance * matern(nu, std::sqrt(square) / length);
    }
  }
  auto matrix = root_of(std::move(covariance), d, true, call.arguments[0]);
  return std::make_unique<GaussianStage>(std::move(matrix), std::vector<double>(d), clamp, false);
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
      offset[k] = own_log(start) + (rate - volatility * volatility / 2) * time(k);
    }
  } else {
    const double drift = call.number_or(1, 0), diffusion = call.positive(2, 1),
                 start = call.number_or(3, 0);
    for (double& entry : matrix) entry *= std::sqrt(diffusion);
    for (std::size_t k = 0; k < d; ++k) offset[k] = start + drift * time(k);
  }
  return std::make_unique<GaussianStage>(std::move(matrix), std::move(offset), clamp, gbm);
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

bool is_gaussian(const Call& call) {
  return call.name == "gaussian" || call.name == "matern" || call.name == "brownian" ||
         call.name == "gbm";
}

std::unique_ptr<Stage> gaussian_stage(const Call& call, std::size_t d, bool clamp) {
  if (call.name == "gaussian") return covariance_stage(call, d, clamp);
  if (call.name == "matern") return matern_stage(call, d, clamp);
  return path_stage(call, d, clamp);
}

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
      const double root = std::sqrt(step) / (2 * own_sin(odd * std::numbers::pi / (2 * size)));
      matrix[i * d + k] = root * 2 / std::sqrt(size) *
                          own_sin(static_cast<double>(i + 1) * std::numbers::pi * odd / size);
    }
  }
  return matrix;
}

}  // namespace stateutils::qmc
