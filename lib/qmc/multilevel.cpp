// mlmc and mlqmc: telescoping sums over finer and finer dates (Giles 2008; Giles and Waterhouse
// 2009).
#include <algorithm>
#include <cmath>
#include <queue>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "qmc/cubature_parts.hpp"
#include "qmc/normal.hpp"
#include "qmc/path_option.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;
constexpr unsigned kMaxLevel = 12;
constexpr std::uint64_t kPilot = 256;

// Brownian motion at `steps` equal dates from as many normals, last date first, then midpoints
// breadth first: the order of the transform `bridge`, without its matrix.
class Bridge {
 public:
  Bridge(std::size_t steps, double horizon) : last_(std::sqrt(horizon)), steps_(steps) {
    const double step = horizon / static_cast<double>(steps);
    std::queue<std::pair<std::size_t, std::size_t>> spans;
    spans.emplace(0, steps);
    for (; !spans.empty(); spans.pop()) {
      const auto [left, right] = spans.front();
      const std::size_t middle = (left + right) / 2;
      if (middle == left) continue;
      const auto a = static_cast<double>(middle - left), b = static_cast<double>(right - middle);
      midpoints_.push_back({left, middle, right, a / (a + b), std::sqrt(step * a * b / (a + b))});
      spans.emplace(left, middle);
      spans.emplace(middle, right);
    }
  }
  // out[k] is the motion at date k + 1.
  void path(const double* z, double* out) const {
    out[steps_ - 1] = last_ * z[0];
    for (std::size_t k = 0; k < midpoints_.size(); ++k) {
      const Midpoint& m = midpoints_[k];
      const double left = m.left == 0 ? 0 : out[m.left - 1];
      out[m.middle - 1] = left + m.share * (out[m.right - 1] - left) + m.deviation * z[k + 1];
    }
  }

 private:
  struct Midpoint {
    std::size_t left, middle, right;
    double share, deviation;
  };
  double last_;
  std::size_t steps_;
  std::vector<Midpoint> midpoints_;
};

// Differences P_l - P_{l-1} of one level; randomizations are independent of those of other levels.
class Level {
 public:
  Level(const PathOption& option, const CubatureOptions& o, unsigned level, std::uint32_t count)
      : option_(option),
        level_(level),
        steps_(option.dates() << level),
        bridge_(steps_, option.model().horizon),
        sums_(count),
        squares_(count) {
    PointSpec spec = o.points;
    const bool lattice = o.algorithm == Algorithm::kMlqmc;
    if (spec.sequence.empty()) spec.sequence = lattice ? "lattice" : "iid";
    spec.d = static_cast<std::uint32_t>(steps_);
    spec.randomize = parse_randomize(lattice ? "shift" : "none");
    const PointSet set(std::move(spec));
    if ((set.sequence() == Sequence::kLattice) != lattice) {
      throw usage_error("mlmc takes --seq iid, mlqmc a lattice");
    }
    for (std::uint32_t r = 0; r < count; ++r) {
      points_.push_back(set.replication(level * count + r));
    }
  }

  // Goes on to n points of every randomization.
  void extend(std::uint64_t n) {
    const std::uint64_t part = std::max<std::uint64_t>(1, (1u << 16) / steps_);
    std::vector<double> u(part * steps_), path(steps_);
    for (std::size_t r = 0; r < points_.size(); ++r) {
      for (std::uint64_t at = n_; at < n; at += part) {
        core::check_stop();
        const std::uint64_t rows = std::min(part, n - at);
        points_[r]->fill(at, rows, Format::kF64Open, u.data());
        normal_quantiles(u.data(), rows * steps_);
        for (std::uint64_t i = 0; i < rows; ++i) add(r, difference(&u[i * steps_], path));
      }
    }
    n_ = std::max(n_, n);
  }
  [[nodiscard]] std::uint64_t points() const { return n_; }
  [[nodiscard]] std::uint64_t evaluations() const { return n_ * points_.size(); }
  [[nodiscard]] double cost() const { return std::ldexp(1.0, static_cast<int>(level_)); }
  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const double s : sums_) sum += s;
    return sum / static_cast<double>(evaluations());
  }
  // Of one sample.
  [[nodiscard]] double sample_variance() const {
    double square = 0;
    for (const double s : squares_) square += s;
    return std::max(0.0, square / static_cast<double>(evaluations()) - mean() * mean());
  }
  // Of the mean of the randomizations' means.
  [[nodiscard]] double mean_variance() const {
    const double center = mean(), count = static_cast<double>(sums_.size());
    double square = 0;
    for (const double s : sums_) {
      const double delta = s / static_cast<double>(n_) - center;
      square += delta * delta;
    }
    return square / (count - 1) / count;
  }

 private:
  void add(std::size_t r, double y) {
    sums_[r] += y;
    squares_[r] += y * y;
  }
  double difference(const double* z, std::vector<double>& path) const {
    const PathModel& model = option_.model();
    bridge_.path(z, path.data());
    const double drift = model.rate - 0.5 * model.volatility * model.volatility;
    for (std::size_t k = 0; k < steps_; ++k) {
      const double time = model.horizon * static_cast<double>(k + 1) / static_cast<double>(steps_);
      path[k] = model.start * std::exp(drift * time + model.volatility * path[k]);
    }
    const double fine = option_.payoff(path.data(), steps_, 1);
    return level_ == 0 ? fine : fine - option_.payoff(path.data(), steps_ / 2, 2);
  }

  const PathOption& option_;
  unsigned level_;
  std::size_t steps_;
  Bridge bridge_;
  std::vector<std::unique_ptr<Points>> points_;
  std::vector<double> sums_, squares_;  // by randomization
  std::uint64_t n_ = 0;
};

using Levels = std::vector<std::unique_ptr<Level>>;

// The bias that is left, from the decay of the means: the rate is fitted by regression of
// ln |m_l| on l > 0 and is at least 1/2.
double bias_of(const Levels& levels) {
  const std::size_t top = levels.size() - 1;
  double count = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (std::size_t l = 1; l <= top; ++l) {
    const double m = std::abs(levels[l]->mean());
    if (!(m > 0)) continue;
    const auto x = static_cast<double>(l);
    const double y = std::log2(m);
    count += 1, sum_x += x, sum_y += y, sum_xx += x * x, sum_xy += x * y;
  }
  const double spread = count * sum_xx - sum_x * sum_x;
  const double slope = spread > 0 ? -(count * sum_xy - sum_x * sum_y) / spread : 0.5;
  const double rate = std::max(0.5, slope);
  double largest = 0;
  for (std::size_t k = 0; k <= std::min<std::size_t>(2, top); ++k) {
    largest = std::max(
        largest, std::abs(levels[top - k]->mean()) * std::exp2(-rate * static_cast<double>(k)));
  }
  return largest / (std::exp2(rate) - 1);
}

// Points of every level so that the variance is eps^2 / 2 at least cost; false beyond n-max.
bool sample_levels(Levels& levels, double eps, std::uint64_t most) {
  for (bool more = true; more;) {
    double sum = 0;
    for (const auto& level : levels) sum += std::sqrt(level->sample_variance() * level->cost());
    more = false;
    for (auto& level : levels) {
      const double wanted =
          std::ceil(2 / (eps * eps) * std::sqrt(level->sample_variance() / level->cost()) * sum);
      if (wanted > static_cast<double>(most)) return false;
      const auto n = static_cast<std::uint64_t>(wanted);
      // The variances move a little with every sample: 1 % short is enough (Giles 2008).
      more = more || static_cast<double>(n) > 1.01 * static_cast<double>(level->points());
      level->extend(n);
    }
  }
  return true;
}

bool double_levels(Levels& levels, double eps, std::uint64_t most) {
  for (;;) {
    double total = 0, best = -1;
    Level* worst = nullptr;
    for (auto& level : levels) {
      const double v = level->mean_variance();
      total += v;
      const double gain = v / (static_cast<double>(level->points()) * level->cost());
      if (gain > best) {
        best = gain;
        worst = level.get();
      }
    }
    if (total <= 0.5 * eps * eps) return true;
    if (worst->points() * 2 > most) return false;
    worst->extend(worst->points() * 2);
  }
}

CubatureResult result_of(const Levels& levels, bool lattice, double z, bool converged) {
  CubatureResult result;
  CubatureOutput output;
  double variance = 0;
  for (const auto& level : levels) {
    output.integral += level->mean();
    variance += lattice ? level->mean_variance()
                        : level->sample_variance() / static_cast<double>(level->points());
    result.n_total += level->evaluations();
    output.n += level->points();
  }
  const double bias = bias_of(levels), width = z * std::sqrt(variance + bias * bias);
  output.low = output.integral - width;
  output.high = output.integral + width;
  output.converged = converged;
  result.outputs = {output};
  return result;
}

}  // namespace

CubatureResult integrate_levels(const PathOption& option, const CubatureOptions& o) {
  check_cubature_options(o);
  if (o.tolerance.relative > 0 || !(o.tolerance.absolute > 0)) {
    throw usage_error("mlmc and mlqmc take --abs-tol only");
  }
  if (o.sensitivity || o.check_cone) {
    throw usage_error("mlmc and mlqmc take neither --sensitivity nor --check-cone");
  }
  const Clock clock;
  const bool lattice = o.algorithm == Algorithm::kMlqmc;
  const double z = normal_quantile(1 - (1 - o.confidence) / 2), eps = o.tolerance.absolute / z;
  const std::uint32_t count = lattice ? o.replications.value_or(32) : 1;
  if (lattice && count < 2) throw usage_error("--replications must be at least 2");
  const std::uint64_t pilot = o.n_init.value_or(kPilot);
  if (pilot < 2) throw usage_error("--n-init must be at least 2");
  const std::uint64_t most = o.n_max.value_or(lattice ? kLatticePoints : 1ull << 34);
  Levels levels;
  const auto add_level = [&] {
    levels.push_back(
        std::make_unique<Level>(option, o, static_cast<unsigned>(levels.size()), count));
    levels.back()->extend(pilot);
  };
  for (int l = 0; l < 3; ++l) add_level();
  CubatureResult result;
  std::vector<CubatureStep> steps;
  for (;;) {
    const bool sampled =
        lattice ? double_levels(levels, eps, most) : sample_levels(levels, eps, most);
    const bool done = sampled && bias_of(levels) <= eps / std::sqrt(2.0);
    result = result_of(levels, lattice, z, done);
    steps.push_back(step_of(result, result.outputs[0].n, clock.seconds()));
    if (done || !sampled || levels.size() > kMaxLevel) break;
    add_level();
  }
  result.steps = std::move(steps);
  result.sequence = o.points.sequence.empty() ? (lattice ? "lattice" : "iid") : o.points.sequence;
  result.randomize = lattice ? "shift" : "none";
  return result;
}

}  // namespace stateutils::qmc
