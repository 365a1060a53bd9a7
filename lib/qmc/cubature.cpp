#include "qmc/cubature.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "qmc/cubature_parts.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

// Periodizes in place; `weights` holds the factors of the values. Ends stay inside the cube.
void periodize(Periodization map, std::span<double> u, std::size_t d,
               std::vector<double>& weights) {
  if (map == Periodization::kNone) return;
  constexpr double kTau = 2 * std::numbers::pi;
  weights.assign(map == Periodization::kC1Sin ? u.size() / d : 0, 1.0);
  for (std::size_t i = 0; i < u.size(); ++i) {
    double x = u[i];
    if (map == Periodization::kBaker) {
      x = 1 - 2 * std::abs(x - 0.5);
    } else {
      const double s = std::sin(kTau / 2 * x);
      weights[i / d] *= 2 * s * s;  // 1 - cos 2 pi x, without cancellation
      x -= std::sin(kTau * x) / kTau;
    }
    u[i] = std::clamp(x, 0x1p-53, 1 - 0x1p-53);
  }
}

// Columns of the pick-freeze outputs: f(A)^2, f(A), then d numerators of closed and d of total
// indices.
enum : std::size_t { kSquare = 0, kMean = 1, kClosed = 2 };

Integral::Bounds ratio(Integral::Bounds top, Integral::Bounds bottom) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (!(bottom.low > 0)) return {-kInfinite, kInfinite};
  return {top.low / (top.low < 0 ? bottom.low : bottom.high),
          top.high / (top.high < 0 ? bottom.high : bottom.low)};
}

Integral::Bounds square(Integral::Bounds x) {
  const double a = x.low * x.low, b = x.high * x.high;
  return {x.low <= 0 && x.high >= 0 ? 0 : std::min(a, b), std::max(a, b)};
}

}  // namespace

void check_cubature_options(const CubatureOptions& o) {
  if (o.tolerance.both && !(o.tolerance.absolute > 0 && o.tolerance.relative > 0)) {
    throw usage_error("--tol-mode both needs --abs-tol and --rel-tol above 0");
  }
  if (!(o.tolerance.absolute > 0 || o.tolerance.relative > 0)) {
    throw usage_error("a tolerance above 0 is needed");
  }
  const bool spectral = o.algorithm == Algorithm::kNetG || o.algorithm == Algorithm::kLatticeG;
  if (!o.controls.empty() && (!spectral || o.sensitivity)) {
    throw usage_error("--cv goes with the means of net-g and lattice-g");
  }
  const bool monte_carlo = o.algorithm == Algorithm::kMcClt || o.algorithm == Algorithm::kMcG;
  if (o.sensitivity && monte_carlo) {
    throw usage_error("--sensitivity goes with nets and lattices, not with mc-clt and mc-g");
  }
  const bool bayes = o.algorithm == Algorithm::kBayesNet || o.algorithm == Algorithm::kBayesLattice;
  if (o.guard.value_or(1) > 1 && !spectral && !bayes) {
    throw usage_error("--guard goes with net-g, lattice-g and the Bayesian algorithms");
  }
}

Algorithm parse_algorithm(const std::string& name) {
  static constexpr std::pair<const char*, Algorithm> kNames[] = {
      {"net-g", Algorithm::kNetG},         {"lattice-g", Algorithm::kLatticeG},
      {"bayes-net", Algorithm::kBayesNet}, {"bayes-lattice", Algorithm::kBayesLattice},
      {"rep-t", Algorithm::kRepT},         {"clt-rep", Algorithm::kCltRep},
      {"mc-clt", Algorithm::kMcClt},       {"mc-g", Algorithm::kMcG},
      {"mlmc", Algorithm::kMlmc},          {"mlqmc", Algorithm::kMlqmc}};
  for (const auto& [known, algorithm] : kNames) {
    if (name == known) return algorithm;
  }
  throw usage_error("unknown algorithm " + core::quoted(name));
}

double Tolerance::at(double value) const {
  const double scaled = relative * std::abs(value);
  return both ? std::min(absolute, scaled) : std::max(absolute, scaled);
}

bool CubatureResult::converged() const {
  return std::all_of(outputs.begin(), outputs.end(), [](const auto& o) { return o.converged; });
}

bool settle(CubatureOutput& output, double low, double high, const Tolerance& tolerance) {
  const double at_low = tolerance.at(low), at_high = tolerance.at(high);
  output.low = low;
  output.high = high;
  // Grouped so that -f gives exactly the opposite.
  output.integral = 0.5 * ((low + high) + (at_low - at_high));
  return std::isfinite(high - low) && high - low <= at_low + at_high;
}

std::uint64_t power_of_two(std::uint64_t n, const char* option) {
  if (!std::has_single_bit(n)) throw usage_error(std::string(option) + " must be a power of 2");
  return n;
}

PointSet cubature_points(const CubatureOptions& o, const Integral& integral, const char* sequence,
                         const char* randomize) {
  PointSpec spec = o.points;
  spec.d = static_cast<std::uint32_t>(integral.dims());
  if (spec.sequence.empty()) spec.sequence = sequence;
  if (randomize != nullptr) spec.randomize = parse_randomize(randomize);
  return PointSet(std::move(spec));
}

CubatureStep step_of(const CubatureResult& result, std::uint64_t n, double seconds) {
  CubatureStep step{n, {}, {}, {}, seconds};
  for (const CubatureOutput& output : result.outputs) {
    step.integral.push_back(output.integral);
    step.low.push_back(output.low);
    step.high.push_back(output.high);
  }
  return step;
}

// One call of the integrand, its values checked.
void Integral::call(const double* u, std::size_t rows, std::vector<double>& y) {
  f_(u, rows, y);
  const std::size_t outputs = y.size() / rows;
  if (integrand_outputs_ == 0) integrand_outputs_ = outputs;
  if (outputs == 0 || outputs != integrand_outputs_ || y.size() != rows * outputs) {
    throw core::input_error({"integrand"}, "batch " + std::to_string(batches_) + ": " +
                                               std::to_string(y.size()) + " values for " +
                                               std::to_string(rows) + " points");
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isfinite(y[i])) continue;
    const std::size_t row = i / outputs;
    throw core::input_error(
        {"integrand"}, "batch " + std::to_string(batches_ + row / options_.batch_rows) + ", row " +
                           std::to_string(row % options_.batch_rows) + ": the value is not finite");
  }
  batches_ += (rows + options_.batch_rows - 1) / options_.batch_rows;
  evaluations_ += rows;
}

// Points (A, B) of twice the dimensions: f at A, B, and for every index that is still wanted at
// (A_j, B_-j) or (B_j, A_-j).
void Integral::pick_freeze(const double* u, std::size_t rows, std::vector<double>& y) {
  const std::size_t d = d_;
  std::vector<std::size_t> wanted;
  for (std::size_t k = 0; k < 2 * d; ++k) {
    if (is_live(kClosed + k)) wanted.push_back(k);
  }
  stack_.resize((2 + wanted.size()) * rows * d);
  double* out = stack_.data();
  const auto block = [&](const auto& from) {  // from(j): column of (A, B)
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < d; ++j) *out++ = u[i * 2 * d + from(j)];
    }
  };
  block([](std::size_t j) { return j; });
  block([d](std::size_t j) { return d + j; });
  for (const std::size_t k : wanted) {
    const std::size_t one = k % d, own = k < d ? 0 : d;  // where x_one comes from
    block([=](std::size_t j) { return j == one ? own + j : d - own + j; });
  }
  call(stack_.data(), (2 + wanted.size()) * rows, raw_);
  if (integrand_outputs_ != 1) throw usage_error("--sensitivity takes an integrand of one output");
  const double* a = raw_.data();
  const double* b = a + rows;
  y.assign(rows * outputs_, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    y[i * outputs_ + kSquare] = a[i] * a[i];
    y[i * outputs_ + kMean] = a[i];
    for (std::size_t w = 0; w < wanted.size(); ++w) {
      const double other = raw_[(2 + w) * rows + i];
      y[i * outputs_ + kClosed + wanted[w]] =
          wanted[w] < d ? a[i] * (other - b[i]) : 0.5 * (a[i] - other) * (a[i] - other);
    }
  }
}

void Integral::values(const Points& points, std::uint64_t first, std::uint64_t rows,
                      Periodization map, std::vector<double>& y) {
  const std::size_t d = dims(), controls = options_.controls.size();
  if (options_.sensitivity) outputs_ = 2 + 2 * d_;
  const std::uint64_t at_once = std::max<std::uint64_t>(
      options_.batch_rows * options_.batches_at_once / (options_.sensitivity ? 2 + 2 * d_ : 1), 64);
  y.clear();
  std::vector<double> part, weights;
  for (std::uint64_t done = 0; done < rows; done += at_once) {
    core::check_stop();
    const std::uint64_t now = std::min(at_once, rows - done);
    points_.resize(now * d);
    points.fill(first + done, now, Format::kF64Open, points_.data());
    periodize(map, points_, d, weights);
    if (options_.sensitivity) {
      pick_freeze(points_.data(), now, part);
    } else {
      call(points_.data(), now, part);
      outputs_ = integrand_outputs_;
    }
    extra_.resize(now * controls);
    for (std::size_t c = 0; c < controls; ++c) {
      options_.controls[c].function->evaluate(points_.data(), now, extra_.data() + c * now);
    }
    for (std::size_t i = 0; i < now; ++i) {
      const double weight = weights.empty() ? 1 : weights[i];
      for (std::size_t k = 0; k < outputs_; ++k) y.push_back(weight * part[i * outputs_ + k]);
      for (std::size_t c = 0; c < controls; ++c) y.push_back(weight * extra_[c * now + i]);
    }
  }
}

std::size_t Integral::quantities() const {
  return options_.sensitivity ? 1 + 2 * d_ : outputs_;
}

double Integral::quantity(std::size_t q, std::span<const double> means) const {
  if (!options_.sensitivity) return means[q];
  if (q == 0) return means[kMean];
  return means[kClosed + q - 1] / (means[kSquare] - means[kMean] * means[kMean]);
}

Integral::Bounds Integral::bounds(std::size_t q, std::span<const Bounds> means) const {
  if (!options_.sensitivity) return means[q];
  if (q == 0) return means[kMean];
  const Bounds mean2 = square(means[kMean]);
  const Bounds variance{means[kSquare].low - mean2.high, means[kSquare].high - mean2.low};
  const Bounds index = ratio(means[kClosed + q - 1], variance);
  // Indices lie in [0, 1]; an empty intersection means that the bounds are wrong: keep them.
  const Bounds inside{std::max(index.low, 0.0), std::min(index.high, 1.0)};
  return std::isfinite(index.high - index.low) && inside.low <= inside.high ? inside : index;
}

void Integral::finish(std::size_t q) {
  live_.resize(outputs_, true);
  if (!options_.sensitivity) {
    live_[q] = false;
  } else if (q > 0) {
    live_[kClosed + q - 1] = false;
  }
}

CubatureResult integrate(const Evaluate& f, const CubatureOptions& o) {
  check_cubature_options(o);
  Integral integral(f, o);
  switch (o.algorithm) {
    case Algorithm::kNetG:
    case Algorithm::kLatticeG:
    case Algorithm::kBayesNet:
    case Algorithm::kBayesLattice:
      return integrate_spectra(integral, o);
    case Algorithm::kRepT:
    case Algorithm::kCltRep:
      return integrate_replicated(integral, o);
    case Algorithm::kMcClt:
    case Algorithm::kMcG:
      return integrate_monte_carlo(integral, o);
    case Algorithm::kMlmc:
    case Algorithm::kMlqmc:
      break;
  }
  throw usage_error("mlmc and mlqmc take the integrands asian and barrier");
}

}  // namespace stateutils::qmc
