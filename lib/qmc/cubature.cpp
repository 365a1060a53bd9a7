#include "qmc/cubature.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <complex>
#include <limits>
#include <memory>
#include <numbers>
#include <numeric>

#include "core/error.hpp"
#include "core/signals.hpp"
#include "qmc/normal.hpp"
#include "qmc/transforms.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;
using Complex = std::complex<double>;

// Points in, values out, with what happens on the way counted and checked.
class Sampler {
 public:
  Sampler(const Evaluate& f, bool baker) : f_(f), baker_(baker) {}

  void values(const Points& points, std::uint64_t first, std::uint64_t rows, double* y) {
    constexpr std::uint64_t kRows = 4096;
    std::vector<double> u(std::min(kRows, rows) * points.dims());
    for (std::uint64_t done = 0; done < rows; done += kRows) {
      core::check_stop();
      const std::uint64_t part = std::min(kRows, rows - done);
      points.fill(first + done, part, Format::kF64Open, u.data());
      if (baker_) {
        for (double& x : u) x = std::clamp(1 - 2 * std::abs(x - 0.5), 0x1p-53, 1 - 0x1p-53);
      }
      f_(u.data(), part, y + done);
      for (std::uint64_t i = 0; i < part; ++i) {
        if (std::isfinite(y[done + i])) continue;
        throw core::input_error({"integrand"}, "batch " + std::to_string(batches_) + ", row " +
                                                   std::to_string(i) + ": the value is not finite");
      }
      ++batches_;
      total_ += part;
    }
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  const Evaluate& f_;
  bool baker_;
  std::uint64_t batches_ = 0, total_ = 0;
};

double share(unsigned m) {
  return 5 * std::ldexp(1.0, -static_cast<int>(m));  // C(m) = 5 2^-m
}

// The transform's coefficients of one randomization, and the order in which they are taken to
// decay (Hickernell and Jimenez Rugama 2016, section 4).
template <class T>
class Coefficients {
 public:
  explicit Coefficients(std::vector<double> y) {
    transform(y, values_);
    order_.resize(values_.size());
    std::iota(order_.begin(), order_.end(), 0u);
    sort_levels(static_cast<int>(m()) - 1, 1);
  }

  [[nodiscard]] unsigned m() const {
    return static_cast<unsigned>(std::countr_zero(values_.size()));
  }
  void double_with(std::vector<double> y) {
    std::vector<T> next;
    transform(y, next);
    const std::size_t n = values_.size();
    values_.resize(2 * n);
    for (std::size_t j = 0; j < n; ++j) {
      const T other = turned(next[j], j, n), mine = values_[j];
      values_[j] = (mine + other) * 0.5;
      values_[j + n] = (mine - other) * 0.5;
    }
    order_.resize(2 * n);
    for (std::size_t j = 0; j < n; ++j) order_[j + n] = static_cast<std::uint32_t>(n) + order_[j];
    const int top = static_cast<int>(m()) - 1;
    sort_levels(top, std::max(1, top - 3));
  }
  [[nodiscard]] double mean() const { return std::real(values_[0]); }
  // sum of |coefficient| over places [first, last) of the order.
  [[nodiscard]] double sum(std::size_t first, std::size_t last) const {
    double total = 0;
    for (std::size_t i = first; i < last; ++i) total += std::abs(values_[order_[i]]);
    return total;
  }
  [[nodiscard]] double half_width() const {
    const std::size_t first = values_.size() / 32;
    return share(m()) * sum(first, 2 * first);
  }

 private:
  static void transform(std::vector<double>& y, std::vector<T>& out);
  static T turned(T value, std::size_t j, std::size_t n);

  void sort_levels(int from, int to) {
    const std::size_t n = values_.size();
    for (int level = from; level >= to; --level) {
      const std::size_t half = std::size_t{1} << level;
      for (std::size_t i = 1; i < half; ++i) {
        if (!(std::abs(values_[order_[i + half]]) > std::abs(values_[order_[i]]))) continue;
        for (std::size_t k = i; k < n; k += 2 * half) std::swap(order_[k], order_[k + half]);
      }
    }
  }

  std::vector<T> values_;
  std::vector<std::uint32_t> order_;
};

template <>
void Coefficients<double>::transform(std::vector<double>& y, std::vector<double>& out) {
  fwht(y);
  const double scale = 1 / std::sqrt(static_cast<double>(y.size()));
  for (double& value : y) value *= scale;
  out = std::move(y);
}
template <>
void Coefficients<Complex>::transform(std::vector<double>& y, std::vector<Complex>& out) {
  out = fftbr(y);
  const double scale = 1 / std::sqrt(static_cast<double>(y.size()));
  for (Complex& value : out) value *= scale;
}
template <>
double Coefficients<double>::turned(double value, std::size_t, std::size_t) {
  return value;
}
template <>
Complex Coefficients<Complex>::turned(Complex value, std::size_t j, std::size_t n) {
  return value *
         std::polar(1.0, -std::numbers::pi * static_cast<double>(j) / static_cast<double>(n));
}

// Necessary conditions of the cone, from level m0 - 4 on (ibid., eq. 4.4 and after).
template <class T>
bool violates_cone(const Coefficients<T>& c, unsigned m0) {
  const unsigned m = c.m();
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (unsigned level = m0 - 4; level <= m; ++level) {
    const auto lag = static_cast<int>(m - level);
    const double outer = std::ldexp(1.0, -lag);
    const double inner = share(m - level) / ((1 + share(4)) * 0.0625);
    const double width = inner * outer;
    const double sum = c.sum(std::size_t{1} << (level - 1), std::size_t{1} << level);
    largest = std::max(largest, sum / (1 + width));
    if (width < 1) smallest = std::min(smallest, sum / (1 - width));
  }
  return largest > smallest;
}

class Clock {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Sets bounds and estimate of the tolerance rule: stop when high - low <= err(low) + err(high).
bool settle(CubatureResult& result, double center, double half_width, const Tolerance& tolerance) {
  const double low = center - half_width, high = center + half_width;
  const double at_low = tolerance.at(low), at_high = tolerance.at(high);
  result.low = low;
  result.high = high;
  // Grouped so that -f gives exactly the opposite.
  result.integral = 0.5 * ((low + high) + (at_low - at_high));
  return high - low <= at_low + at_high;
}

std::uint64_t power_of_two(std::uint64_t n, const char* option) {
  if (!std::has_single_bit(n)) throw usage_error(std::string(option) + " must be a power of 2");
  return n;
}

PointSet point_set(const CubatureOptions& o, const char* sequence, const char* randomize) {
  PointSpec spec = o.points;
  if (spec.sequence.empty()) spec.sequence = sequence;
  spec.randomize = parse_randomize(randomize);
  return PointSet(std::move(spec));
}

template <class T>
CubatureResult integrate_transform(const Evaluate& f, const CubatureOptions& o, const PointSet& set,
                                   std::uint64_t most) {
  const Clock clock;
  Sampler sampler(f, set.sequence() == Sequence::kLattice);
  const std::uint64_t first = power_of_two(o.n_init.value_or(1 << 10), "--n-init");
  const std::uint64_t last = power_of_two(o.n_max.value_or(most), "--n-max");
  if (first < 64 || last < first) throw usage_error("--n-init must be from 64 to --n-max");
  set.require_rows(0, last);
  std::vector<std::unique_ptr<Points>> points;
  std::vector<Coefficients<T>> coefficients;
  const std::uint32_t guard = std::max(1u, o.guard);
  for (std::uint32_t r = 0; r < guard; ++r) points.push_back(set.replication(r));
  CubatureResult result;
  for (std::uint64_t n = first;; n *= 2) {
    for (std::uint32_t r = 0; r < guard; ++r) {
      std::vector<double> y(n == first ? n : n / 2);
      sampler.values(*points[r], n == first ? 0 : n / 2, y.size(), y.data());
      if (n == first) {
        coefficients.emplace_back(std::move(y));
      } else {
        coefficients[r].double_with(std::move(y));
      }
    }
    double mean = 0, width = 0, lowest = coefficients[0].mean(), highest = lowest;
    bool each = true, violated = false;
    for (const Coefficients<T>& c : coefficients) {
      CubatureResult own;
      each = settle(own, c.mean(), c.half_width(), o.tolerance) && each;
      mean += c.mean() / guard;
      width = std::max(width, c.half_width());
      lowest = std::min(lowest, c.mean());
      highest = std::max(highest, c.mean());
      if (o.check_cone) {
        violated = violates_cone(c, static_cast<unsigned>(std::countr_zero(first))) || violated;
      }
    }
    (void)settle(result, mean, width, o.tolerance);
    result.n = n;
    result.n_total = sampler.total();
    if (guard > 1) result.guard_spread = highest - lowest;
    if (o.check_cone) result.cone_violation = result.cone_violation.value_or(false) || violated;
    result.steps.push_back({n, result.integral, result.low, result.high, clock.seconds()});
    result.converged = each && (guard == 1 || highest - lowest <= o.tolerance.at(mean));
    if (result.converged || n >= last) return result;
  }
}

CubatureResult integrate_replicated(const Evaluate& f, const CubatureOptions& o,
                                    const PointSet& set, bool student) {
  const Clock clock;
  const std::uint32_t replications = o.replications.value_or(student ? 25 : 16);
  if (replications < 2) throw usage_error("--replications must be at least 2");
  const std::uint64_t first = o.n_init.value_or(256);
  const std::uint64_t last =
      o.n_max.value_or(set.sequence() == Sequence::kLattice ? kLatticePoints : 1ull << 30);
  if (first == 0 || last < first) throw usage_error("--n-init must be from 1 to --n-max");
  set.require_rows(0, first);
  const double tail = 1 - (1 - o.confidence) / 2;
  const double factor =
      student ? student_quantile(tail, replications - 1.0) : 1.2 * normal_quantile(tail);
  Sampler sampler(f, false);
  std::vector<std::unique_ptr<Points>> points;
  for (std::uint32_t r = 0; r < replications; ++r) points.push_back(set.replication(r));
  std::vector<double> sums(replications), y;
  CubatureResult result;
  for (std::uint64_t n = first, done = 0;; n *= 2) {
    set.require_rows(0, n);
    constexpr std::uint64_t kPart = 1 << 16;
    for (std::uint32_t r = 0; r < replications; ++r) {
      for (std::uint64_t from = done; from < n; from += kPart) {
        y.resize(std::min(kPart, n - from));
        sampler.values(*points[r], from, y.size(), y.data());
        sums[r] += std::accumulate(y.begin(), y.end(), 0.0);
      }
    }
    done = n;
    double mean = 0, square = 0;
    for (const double sum : sums) mean += sum / static_cast<double>(n) / replications;
    for (const double sum : sums) {
      const double delta = sum / static_cast<double>(n) - mean;
      square += delta * delta;
    }
    const double deviation = std::sqrt(square / (replications - 1.0) / replications);
    result.converged = settle(result, mean, factor * deviation, o.tolerance);
    result.n = n;
    result.n_total = sampler.total();
    result.steps.push_back({n, result.integral, result.low, result.high, clock.seconds()});
    if (result.converged || n > last / 2) return result;
  }
}

struct Moments {
  double mean = 0, deviation = 0;
};

Moments moments_of(Sampler& sampler, const Points& points, std::uint64_t first, std::uint64_t n) {
  constexpr std::uint64_t kPart = 1 << 16;
  std::vector<double> y;
  double mean = 0, square = 0, count = 0;
  for (std::uint64_t done = 0; done < n; done += kPart) {
    y.resize(std::min(kPart, n - done));
    sampler.values(points, first + done, y.size(), y.data());
    for (const double value : y) {  // Welford's update
      count += 1;
      const double delta = value - mean;
      mean += delta / count;
      square += delta * (value - mean);
    }
  }
  return {mean, count > 1 ? std::sqrt(square / (count - 1)) : 0};
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

CubatureResult integrate_monte_carlo(const Evaluate& f, const CubatureOptions& o, bool guaranteed) {
  const Clock clock;
  if (guaranteed && (o.tolerance.relative > 0 || !(o.tolerance.absolute > 0))) {
    throw usage_error("mc-g takes --abs-tol only");
  }
  const PointSet set = point_set(o, "iid", "none");
  if (set.sequence() != Sequence::kIid) throw usage_error("this algorithm takes --seq iid only");
  const auto points = set.replication(0);
  Sampler sampler(f, false);
  const std::uint64_t pilot = o.n_init.value_or(guaranteed ? 10000 : 1024);
  if (pilot < 4) throw usage_error("--n-init must be at least 4");
  const std::uint64_t most = o.n_max.value_or(1ull << 36);
  const Moments first = moments_of(sampler, *points, 0, pilot);
  const double sd = 1.2 * first.deviation, tolerance = o.tolerance.at(first.mean);
  const double alpha = 1 - o.confidence, z = normal_quantile(1 - alpha / 2);
  double wanted = 1;
  if (sd > 0) {
    wanted = guaranteed ? guaranteed_count(sd, tolerance, alpha, static_cast<double>(pilot))
                        : std::ceil((z * sd / tolerance) * (z * sd / tolerance));
  }
  CubatureResult result;
  const bool enough = wanted <= static_cast<double>(most);
  const auto n = std::max<std::uint64_t>(1, enough ? static_cast<std::uint64_t>(wanted) : most);
  const Moments second = moments_of(sampler, *points, pilot, n);
  const double width = guaranteed ? tolerance : z * sd / std::sqrt(static_cast<double>(n));
  (void)settle(result, second.mean, width, o.tolerance);
  result.converged = enough;
  result.n = n;
  result.n_total = sampler.total();
  result.steps.push_back({n, result.integral, result.low, result.high, clock.seconds()});
  return result;
}

}  // namespace

Algorithm parse_algorithm(const std::string& name) {
  static constexpr std::pair<const char*, Algorithm> kNames[] = {
      {"net-g", Algorithm::kNetG},   {"lattice-g", Algorithm::kLatticeG},
      {"rep-t", Algorithm::kRepT},   {"clt-rep", Algorithm::kCltRep},
      {"mc-clt", Algorithm::kMcClt}, {"mc-g", Algorithm::kMcG}};
  for (const auto& [known, algorithm] : kNames) {
    if (name == known) return algorithm;
  }
  throw usage_error("unknown algorithm " + core::quoted(name));
}

double Tolerance::at(double value) const {
  const double scaled = relative * std::abs(value);
  return both ? std::min(absolute, scaled) : std::max(absolute, scaled);
}

CubatureResult integrate(const Evaluate& f, const CubatureOptions& o) {
  if (o.tolerance.both && !(o.tolerance.absolute > 0 && o.tolerance.relative > 0)) {
    throw usage_error("--tol-mode both needs --abs-tol and --rel-tol above 0");
  }
  if (!(o.tolerance.absolute > 0 || o.tolerance.relative > 0)) {
    throw usage_error("a tolerance above 0 is needed");
  }
  const auto named = [](CubatureResult result, const PointSet& set) {
    result.sequence = set.spec().sequence;
    result.randomize = randomize_name(set.randomize());
    return result;
  };
  switch (o.algorithm) {
    case Algorithm::kNetG: {
      const PointSet set = point_set(o, "sobol", "lms+ds");
      return named(integrate_transform<double>(f, o, set, 1ull << 30), set);
    }
    case Algorithm::kLatticeG: {
      const PointSet set = point_set(o, "lattice", "shift");
      return named(integrate_transform<Complex>(f, o, set, kLatticePoints), set);
    }
    case Algorithm::kRepT:
    case Algorithm::kCltRep: {
      PointSpec spec = o.points;
      if (spec.sequence.empty()) spec.sequence = "sobol";
      const PointSet set(std::move(spec));
      return named(integrate_replicated(f, o, set, o.algorithm == Algorithm::kRepT), set);
    }
    case Algorithm::kMcClt:
    case Algorithm::kMcG:
      break;
  }
  CubatureResult result = integrate_monte_carlo(f, o, o.algorithm == Algorithm::kMcG);
  result.sequence = "iid";
  result.randomize = "none";
  return result;
}

// The tail by numerical integration of the density in the angle: with t = sqrt(v) tan a the
// density becomes cos(a)^(v-1).
double student_quantile(double p, double degrees) {
  const auto integral = [&](double to) {  // Simpson, far finer than needed
    constexpr int kSteps = 2000;
    double sum = 0;
    for (int i = 0; i <= kSteps; ++i) {
      const double a = to * i / kSteps;
      const double weight = i == 0 || i == kSteps ? 1 : (i % 2 == 1 ? 4 : 2);
      sum += weight * std::pow(std::cos(a), degrees - 1);
    }
    return sum * to / (3 * kSteps);
  };
  const double whole = 2 * integral(std::numbers::pi / 2);
  double low = 0, high = std::numbers::pi / 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (integral(middle) / whole < std::abs(p - 0.5) ? low : high) = middle;
  }
  const double t = std::sqrt(degrees) * std::tan(0.5 * (low + high));
  return p < 0.5 ? -t : t;
}

}  // namespace stateutils::qmc
