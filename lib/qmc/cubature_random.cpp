// Algorithms whose bounds come from spreads: independent randomizations, and plain sampling.
#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "qmc/cubature_parts.hpp"
#include "qmc/normal.hpp"
#include "qmc/quantiles.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;
constexpr std::uint64_t kPart = 1 << 16;  // points whose values are held at a time

struct Moments {
  double mean = 0, square = 0, count = 0;  // square: sum of squared deviations
  void add(double value) {                 // Welford's update
    count += 1;
    const double delta = value - mean;
    mean += delta / count;
    square += delta * (value - mean);
  }
  [[nodiscard]] double deviation() const { return count > 1 ? std::sqrt(square / (count - 1)) : 0; }
};

// Moments of every output over points [first, first + n); output k uses the first counts[k] of
// them.
std::vector<Moments> moments_of(Integral& integral, const Points& points, std::uint64_t first,
                                std::uint64_t n, const std::vector<std::uint64_t>& counts) {
  std::vector<Moments> moments;
  std::vector<double> y;
  for (std::uint64_t done = 0; done < n; done += kPart) {
    const std::uint64_t part = std::min(kPart, n - done);
    integral.values(points, first + done, part, Periodization::kNone, y);
    const std::size_t outputs = integral.outputs();
    moments.resize(outputs);
    for (std::size_t k = 0; k < outputs; ++k) {
      const std::uint64_t limit = counts.empty() ? n : counts[k];
      for (std::uint64_t i = 0; i < part && done + i < limit; ++i) {
        moments[k].add(y[i * outputs + k]);
      }
    }
  }
  return moments;
}

// Hickernell, Jiang, Liu, Owen (2014): the least n whose Berry-Esseen bound is below alpha'/2, or
// Chebyshev's n if that is smaller.
double guaranteed_count(double sd, double tolerance, double alpha, double pilot) {
  const double part = 1 - std::sqrt(1 - alpha);
  const double kurtosis =
      (pilot - 3) / (pilot - 1) + part * pilot / (1 - part) * (1 - 1 / 1.44) * (1 - 1 / 1.44);
  const double ratio = tolerance / sd, third = std::pow(kurtosis, 0.75);
  const auto fails = [&](double n) {
    const double x = std::sqrt(n) * ratio;
    const double bound =
        std::min(0.3328 * (third + 0.429), 18.1139 * third / (1 + x * x * x)) / std::sqrt(n);
    return normal_cdf(-x) + bound > part / 2;
  };
  const double chebyshev = std::ceil(sd * sd / (part * tolerance * tolerance));
  double low = 1, high = chebyshev;
  if (!(high > 1) || fails(high)) return std::max(1.0, chebyshev);
  while (high - low > 1) {
    const double middle = std::floor((low + high) / 2);
    (fails(middle) ? low : high) = middle;
  }
  return high;
}

// Sums of every output over every randomization.
class Replications {
 public:
  Replications(const PointSet& set, std::uint32_t count) {
    for (std::uint32_t r = 0; r < count; ++r) points_.push_back(set.replication(r));
    sums_.resize(count);
  }
  void extend(Integral& integral, std::uint64_t from, std::uint64_t to) {
    std::vector<double> y;
    for (std::size_t r = 0; r < points_.size(); ++r) {
      for (std::uint64_t at = from; at < to; at += kPart) {
        const std::uint64_t part = std::min(kPart, to - at);
        integral.values(*points_[r], at, part, Periodization::kNone, y);
        const std::size_t outputs = integral.outputs();
        sums_[r].resize(outputs);
        for (std::uint64_t i = 0; i < part; ++i) {
          for (std::size_t k = 0; k < outputs; ++k) sums_[r][k] += y[i * outputs + k];
        }
      }
    }
  }
  // Mean over all randomizations and the deviation of that mean.
  [[nodiscard]] std::pair<double, double> mean(std::size_t output, std::uint64_t n) const {
    const auto count = static_cast<double>(points_.size());
    double mean = 0, square = 0;
    for (const auto& sum : sums_) mean += sum[output] / static_cast<double>(n) / count;
    for (const auto& sum : sums_) {
      const double delta = sum[output] / static_cast<double>(n) - mean;
      square += delta * delta;
    }
    return {mean, std::sqrt(square / (count - 1) / count)};
  }

 private:
  std::vector<std::unique_ptr<Points>> points_;
  std::vector<std::vector<double>> sums_;  // by randomization, output
};

}  // namespace

CubatureResult integrate_replicated(Integral& integral, const CubatureOptions& o) {
  const Clock clock;
  const bool student = o.algorithm == Algorithm::kRepT;
  const std::uint32_t count = o.replications.value_or(student ? 25 : 16);
  if (count < 2) throw usage_error("--replications must be at least 2");
  const PointSet set = cubature_points(o, integral, "sobol", nullptr);
  const std::uint64_t first = o.n_init.value_or(256);
  const std::uint64_t last = o.n_max.value_or(set.largest_size(1ull << 30));
  if (first == 0 || last < first) throw usage_error("--n-init must be from 1 to --n-max");
  set.require_rows(0, first);
  const double tail = 1 - (1 - o.confidence) / 2;
  const double factor = student ? student_quantile(tail, count - 1.0) : 1.2 * normal_quantile(tail);
  Replications replications(set, count);
  CubatureResult result;
  for (std::uint64_t n = first, done = 0;; done = n, n *= 2) {
    set.require_rows(0, n);
    replications.extend(integral, done, n);
    const std::size_t outputs = integral.outputs();
    std::vector<double> means(outputs);
    std::vector<Integral::Bounds> bounds(outputs);
    for (std::size_t k = 0; k < outputs; ++k) {
      if (!integral.is_live(k)) continue;
      const auto [mean, deviation] = replications.mean(k, n);
      means[k] = mean;
      bounds[k] = {mean - factor * deviation, mean + factor * deviation};
    }
    result.outputs.resize(integral.quantities());
    bool all = true;
    for (std::size_t q = 0; q < result.outputs.size(); ++q) {
      CubatureOutput& output = result.outputs[q];
      if (output.converged && integral.has_tolerance(q)) continue;
      const Integral::Bounds range = integral.bounds(q, bounds);
      output.converged =
          settle(output, range.low, range.high, o.tolerance) || !integral.has_tolerance(q);
      if (!std::isfinite(output.integral)) output.integral = integral.quantity(q, means);
      output.n = n;
      if (output.converged) integral.finish(q);
      all = all && output.converged;
    }
    result.n_total = integral.evaluations();
    result.steps.push_back(step_of(result, n, clock.seconds()));
    if (all || n > last / 2) break;
  }
  result.sequence = set.spec().sequence;
  result.randomize = randomize_name(set.randomize());
  return result;
}

CubatureResult integrate_monte_carlo(Integral& integral, const CubatureOptions& o) {
  const Clock clock;
  const bool guaranteed = o.algorithm == Algorithm::kMcG;
  if (guaranteed && (o.tolerance.relative > 0 || !(o.tolerance.absolute > 0))) {
    throw usage_error("mc-g takes --abs-tol only");
  }
  const PointSet set = cubature_points(o, integral, "iid", "none");
  if (set.sequence() != Sequence::kIid) throw usage_error("this algorithm takes --seq iid only");
  const auto points = set.replication(0);
  const std::uint64_t pilot = o.n_init.value_or(guaranteed ? 10000 : 1024);
  if (pilot < 4) throw usage_error("--n-init must be at least 4");
  const std::uint64_t most = o.n_max.value_or(1ull << 36);
  const double alpha = 1 - o.confidence, z = normal_quantile(1 - alpha / 2);
  const std::vector<Moments> first = moments_of(integral, *points, 0, pilot, {});
  CubatureResult result;
  result.outputs.resize(first.size());
  std::vector<std::uint64_t> counts;
  for (std::size_t k = 0; k < first.size(); ++k) {
    const double sd = 1.2 * first[k].deviation(), tolerance = o.tolerance.at(first[k].mean);
    double wanted = 1;
    if (sd > 0) {
      wanted = guaranteed ? guaranteed_count(sd, tolerance, alpha, static_cast<double>(pilot))
                          : std::ceil((z * sd / tolerance) * (z * sd / tolerance));
    }
    result.outputs[k].converged = wanted <= static_cast<double>(most);
    counts.push_back(result.outputs[k].converged
                         ? std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted))
                         : most);
  }
  const std::uint64_t n = *std::max_element(counts.begin(), counts.end());
  const std::vector<Moments> second = moments_of(integral, *points, pilot, n, counts);
  for (std::size_t k = 0; k < first.size(); ++k) {
    CubatureOutput& output = result.outputs[k];
    const double sd = 1.2 * first[k].deviation(), mean = second[k].mean;
    const double width =
        guaranteed ? o.tolerance.at(mean) : z * sd / std::sqrt(static_cast<double>(counts[k]));
    (void)settle(output, mean - width, mean + width, o.tolerance);
    output.n = counts[k];
  }
  result.n_total = integral.evaluations();
  result.steps.push_back(step_of(result, n, clock.seconds()));
  result.sequence = "iid";
  result.randomize = "none";
  return result;
}

}  // namespace stateutils::qmc
