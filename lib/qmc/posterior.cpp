#include "qmc/posterior.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/rng.hpp"
#include "core/threads.hpp"
#include "qmc/json_numbers.hpp"
#include "qmc/linear_algebra.hpp"
#include "qmc/normal.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::qmc {
namespace {

using Vector = std::vector<double>;

constexpr std::uint64_t kProbeStream = 5;
constexpr std::size_t kMostSize = 512;       // eigenvalues of d x d and m x m matrices are found
constexpr double kTop = 1000, kLast = 0.01;  // first and last noise: times extent, times least sd

// rows x columns, row by row: the Gram matrix of the rows, or of the columns.
Vector gram(const Vector& a, std::size_t rows, std::size_t columns, bool of_rows) {
  const std::size_t size = of_rows ? rows : columns, inner = of_rows ? columns : rows;
  const auto at = [&](std::size_t i, std::size_t k) {
    return of_rows ? a[i * columns + k] : a[k * columns + i];
  };
  Vector out(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      for (std::size_t k = 0; k < inner; ++k) out[i * size + j] += at(i, k) * at(j, k);
    }
  }
  return out;
}

Vector times(const Vector& a, const double* x, std::size_t rows, std::size_t columns) {
  Vector out(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) out[i] += a[i * columns + j] * x[j];
  }
  return out;
}

Vector transposed_times(const Vector& a, const Vector& r, std::size_t columns) {
  Vector out(columns);
  for (std::size_t i = 0; i < r.size(); ++i) {
    for (std::size_t j = 0; j < columns; ++j) out[j] += a[i * columns + j] * r[i];
  }
  return out;
}

// f of a symmetric matrix times x, by its eigenvalues.
template <class F>
Vector apply(const Eigen& eigen, const Vector& x, F f) {
  const std::size_t n = eigen.values.size();
  Vector out(n);
  for (std::size_t k = 0; k < n; ++k) {
    double along = 0;
    for (std::size_t i = 0; i < n; ++i) along += eigen.vectors[i * n + k] * x[i];
    along *= f(std::max(0.0, eigen.values[k]));
    for (std::size_t i = 0; i < n; ++i) out[i] += eigen.vectors[i * n + k] * along;
  }
  return out;
}

double distance(const Vector& a, const Vector& b) {
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square);
}

// The prior's flow with the measurement's pull.
class GuidedFlow {
 public:
  GuidedFlow(const LinearProblem& problem, int order, int probes)
      : p_(problem),
        order_(order),
        probes_(probes),
        m_(problem.y.size()),
        d_(problem.prior.dims()),
        spectrum_(symmetric_eigen(gram(problem.a, m_, d_, true), m_)) {}

  // dx/dsigma = -sigma (score + guidance).
  [[nodiscard]] Vector slope(const Vector& x, double sigma, core::Rng& rng) const {
    const NoisyScore at(p_.prior, sigma, x.data());
    const double variance = sigma * sigma;
    Vector mean(d_);  // of what x was without noise
    for (std::size_t j = 0; j < d_; ++j) mean[j] = x[j] + variance * at.score()[j];
    Vector misfit = times(p_.a, mean.data(), m_, d_);
    for (std::size_t i = 0; i < m_; ++i) misfit[i] = p_.y[i] - misfit[i];
    const double spread = order_ == 1 ? 0 : spread_of(at, variance, rng);
    const Vector pull = transposed_times(
        p_.a,
        apply(spectrum_, misfit,
              [&](double value) { return 1 / (p_.noise * p_.noise + spread * value); }),
        d_);
    // The mean moves with x by I + sigma^2 H.
    Vector out(d_);
    at.curvature(pull.data(), out.data());
    for (std::size_t j = 0; j < d_; ++j) {
      out[j] = -sigma * (at.score()[j] + pull[j] + variance * out[j]);
    }
    return out;
  }

  [[nodiscard]] std::uint64_t evaluations() const {
    return 2 + (order_ == 2 ? static_cast<std::uint64_t>(probes_) : 0);
  }

 private:
  // sigma^2 (1 + sigma^2 tr H / d), probe by probe z^T (I + sigma^2 H) z / d, which is not
  // negative.
  double spread_of(const NoisyScore& at, double variance, core::Rng& rng) const {
    Vector z(d_), bent(d_);
    double sum = 0;
    for (int probe = 0; probe < probes_; ++probe) {
      for (double& entry : z) entry = rng.below(2) == 0 ? 1 : -1;
      at.curvature(z.data(), bent.data());
      for (std::size_t j = 0; j < d_; ++j) sum += 1 + variance * z[j] * bent[j];
    }
    return std::max(0.0, variance * sum / static_cast<double>(probes_) / static_cast<double>(d_));
  }

  const LinearProblem& p_;
  int order_, probes_;
  std::size_t m_, d_;
  Eigen spectrum_;  // of A A^T
};

// Noise levels that fall like a seventh power (Karras et al. 2022, eq. 5), then 0.
Vector noise_levels(const Mixture& prior, std::uint64_t steps) {
  constexpr double kPower = 7;
  const double top = std::pow(kTop * prior.extent(), 1 / kPower);
  const double last =
      std::pow(kLast * *std::min_element(prior.sds.begin(), prior.sds.end()), 1 / kPower);
  Vector out(steps + 1);
  for (std::uint64_t i = 0; i < steps; ++i) {
    const double part = steps > 1 ? static_cast<double>(i) / static_cast<double>(steps - 1) : 0;
    out[i] = std::pow(top + part * (last - top), kPower);
  }
  return out;
}

void flow(const GuidedFlow& guided, const Vector& levels, core::Rng& rng, Vector& x) {
  Vector ahead(x.size());
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    const double step = levels[i + 1] - levels[i];
    const Vector first = guided.slope(x, levels[i], rng);
    for (std::size_t j = 0; j < x.size(); ++j) ahead[j] = x[j] + step * first[j];
    const Vector second = guided.slope(ahead, levels[i + 1], rng);
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += 0.5 * step * (first[j] + second[j]);
  }
}

// Mean and covariance (divided by n) of n rows.
Moments moments_of(const Vector& rows, std::size_t d) {
  const std::size_t n = rows.size() / d;
  const double scale = 1 / static_cast<double>(n);
  Moments out{Vector(d), Vector(d * d)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) out.mean[j] += scale * rows[i * d + j];
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double* x = &rows[i * d];
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t k = 0; k < d; ++k) {
        out.cov[j * d + k] += scale * (x[j] - out.mean[j]) * (x[k] - out.mean[k]);
      }
    }
  }
  return out;
}

Vector starts(const Mixture& prior, double top, std::uint64_t n, std::uint64_t seed) {
  const std::size_t d = prior.dims();
  PointSpec spec;
  spec.d = static_cast<std::uint32_t>(d);
  spec.seed = seed;
  Vector x(n * d);
  PointSet(spec).replication(0)->fill(0, n, Format::kF64Open, x.data());
  for (std::uint64_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      double& value = x[i * d + j];
      value = top * normal_quantile(value);
      for (std::size_t k = 0; k < prior.weights.size(); ++k) {
        value += prior.weights[k] * prior.means[k][j];
      }
    }
  }
  return x;
}

}  // namespace

LinearProblem parse_linear_problem(const std::string& json, const std::string& name) {
  const nlohmann::json value = core::parse_json(json, name);
  for (const char* key : {"prior", "A", "y", "noise"}) {
    if (!value.is_object() || !value.contains(key)) {
      throw core::input_error({name}, "an object of prior, A, y and noise expected");
    }
  }
  LinearProblem p;
  p.prior = mixture_of(value["prior"], name);
  p.y = json_numbers(value["y"], name, "y");
  if (p.prior.dims() > kMostSize || p.y.size() > kMostSize) {
    throw core::input_error({name}, "more than " + std::to_string(kMostSize) + " dimensions");
  }
  if (!value["A"].is_array() || value["A"].size() != p.y.size()) {
    throw core::input_error({name}, "A must have a row for each entry of y");
  }
  for (const auto& entry : value["A"]) {
    const Vector row = json_numbers(entry, name, "a row of A");
    if (row.size() != p.prior.dims()) {
      throw core::input_error({name}, "a row of A must have an entry for each dimension");
    }
    p.a.insert(p.a.end(), row.begin(), row.end());
  }
  if (!value["noise"].is_number() || !((p.noise = value["noise"].get<double>()) > 0)) {
    throw core::input_error({name}, "noise must be a positive number");
  }
  return p;
}

Moments exact_posterior(const LinearProblem& p) {
  const std::size_t d = p.prior.dims(), m = p.y.size(), count = p.prior.weights.size();
  const double noise = p.noise * p.noise;
  const Eigen inner = symmetric_eigen(gram(p.a, m, d, false), d);
  const Eigen outer = symmetric_eigen(gram(p.a, m, d, true), m);
  Vector log_shares(count);
  std::vector<Vector> means;
  for (std::size_t k = 0; k < count; ++k) {
    const Vector& mu = p.prior.means[k];
    const double variance = p.prior.sds[k] * p.prior.sds[k];
    Vector misfit = times(p.a, mu.data(), m, d);
    for (std::size_t i = 0; i < m; ++i) misfit[i] = p.y[i] - misfit[i];
    const auto scaled = apply(outer, misfit, [&](double v) { return 1 / (noise + variance * v); });
    log_shares[k] = std::log(p.prior.weights[k]);
    for (std::size_t i = 0; i < m; ++i) {
      log_shares[k] -= 0.5 * (misfit[i] * scaled[i] +
                              std::log(noise + variance * std::max(0.0, outer.values[i])));
    }
    Vector mean = transposed_times(p.a, scaled, d);
    for (std::size_t j = 0; j < d; ++j) mean[j] = mu[j] + variance * mean[j];
    means.push_back(std::move(mean));
  }
  const double largest = *std::max_element(log_shares.begin(), log_shares.end());
  double total = 0;
  for (double& share : log_shares) total += share = std::exp(share - largest);
  Moments out{Vector(d), Vector(d * d)};
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t j = 0; j < d; ++j) out.mean[j] += log_shares[k] / total * means[k][j];
  }
  for (std::size_t k = 0; k < count; ++k) {
    const double variance = p.prior.sds[k] * p.prior.sds[k], share = log_shares[k] / total;
    for (std::size_t j = 0; j < d; ++j) {
      Vector unit(d);
      unit[j] = 1;
      const Vector column =
          apply(inner, unit, [&](double v) { return variance * noise / (noise + variance * v); });
      for (std::size_t i = 0; i < d; ++i) {
        out.cov[j * d + i] +=
            share * (column[i] + (means[k][j] - out.mean[j]) * (means[k][i] - out.mean[i]));
      }
    }
  }
  return out;
}

GuidedRun run_guided(const LinearProblem& problem, int order, std::uint64_t steps, std::uint64_t n,
                     int probes, std::uint64_t seed, int threads, const std::string& name) {
  const std::size_t d = problem.prior.dims();
  const GuidedFlow guided(problem, order, probes);
  const Vector levels = noise_levels(problem.prior, steps);
  Vector samples = starts(problem.prior, levels[0], n, seed);
  core::parallel_for(n, threads, [&](std::uint64_t i) {
    core::Rng rng(seed, kProbeStream << 40 | i);
    const auto row = samples.begin() + static_cast<std::ptrdiff_t>(i * d);
    Vector x(row, row + static_cast<std::ptrdiff_t>(d));
    flow(guided, levels, rng, x);
    std::copy(x.begin(), x.end(), row);
  });
  GuidedRun run;
  run.order = order;
  run.steps = steps;
  run.found = moments_of(samples, d);
  const Moments exact = exact_posterior(problem);
  run.mean_error = distance(run.found.mean, exact.mean);
  run.cov_error = distance(run.found.cov, exact.cov);
  if (!std::isfinite(run.mean_error) || !std::isfinite(run.cov_error)) {
    throw core::input_error({name}, "order " + std::to_string(order) + " with " +
                                        std::to_string(steps) + " steps runs off: take more steps");
  }
  run.evaluations = 2 * steps * guided.evaluations();
  return run;
}

}  // namespace stateutils::qmc
