#include "qmc/sde.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/threads.hpp"
#include "qmc/brownian.hpp"

namespace stateutils::qmc {
namespace {

using State = std::array<double, 2>;  // (y, unused) or (position, velocity)

// The splitting of Foster, dos Reis and Strange (2024), section 4: drift, half of the noise with
// sqrt(3) H, drift, the other half, drift. The piecewise path has the increment W and the area H.
const double kOuter = (3 - std::sqrt(3.0)) / 6, kInner = std::sqrt(3.0) / 3;

struct Noise {
  double first, second;
};
Noise halves(LevyPair pair) {
  return {0.5 * pair.w + std::sqrt(3.0) * pair.h, 0.5 * pair.w - std::sqrt(3.0) * pair.h};
}

// dy = a (b - y) dt + s sqrt(y) dW. In Stratonovich form the drift is linear about b - s^2/(4a),
// and noise alone moves sqrt(y): both parts are exact.
class Cir {
 public:
  static State start() { return {1, 0}; }
  static State step(State x, double h, LevyPair pair) {
    const Noise noise = halves(pair);
    double y = drift(x[0], kOuter * h);
    y = diffuse(y, noise.first);
    y = drift(y, kInner * h);
    y = diffuse(y, noise.second);
    return {drift(y, kOuter * h), 0};
  }

 private:
  static constexpr double kSpeed = 1, kMean = 1, kVolatility = 0.6;
  static double drift(double y, double h) {
    constexpr double kCentre = kMean - kVolatility * kVolatility / (4 * kSpeed);
    return kCentre + (y - kCentre) * std::exp(-kSpeed * h);
  }
  static double diffuse(double y, double w) {
    const double root = std::sqrt(std::max(y, 0.0)) + 0.5 * kVolatility * w;
    return root * root;
  }
};

// dx = v dt, dv = -g v dt - f'(x) dt + sqrt(2 g) dW with the double well f = (x^2 - 1)^2 / 4; the
// drift part by one step of the classical Runge-Kutta method, whose error is of a higher order.
class Langevin {
 public:
  static State start() { return {0.5, 0}; }
  static State step(State x, double h, LevyPair pair) {
    const Noise noise = halves(pair);
    const double sigma = std::sqrt(2 * kFriction);
    x = drift(x, kOuter * h);
    x[1] += sigma * noise.first;
    x = drift(x, kInner * h);
    x[1] += sigma * noise.second;
    return drift(x, kOuter * h);
  }

 private:
  static constexpr double kFriction = 1;
  static State slope(State x) { return {x[1], -kFriction * x[1] - x[0] * (x[0] * x[0] - 1)}; }
  static State moved(State x, double h, State k) { return {x[0] + h * k[0], x[1] + h * k[1]}; }
  static State drift(State x, double h) {
    const State a = slope(x), b = slope(moved(x, h / 2, a)), c = slope(moved(x, h / 2, b)),
                d = slope(moved(x, h, c));
    return {x[0] + h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0]),
            x[1] + h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])};
  }
};

double distance(State a, State b) {
  return std::hypot(a[0] - b[0], a[1] - b[1]);
}

template <class Model>
State constant_steps(const BrownianPath& path, std::uint64_t count) {
  State x = Model::start();
  const double h = 1 / static_cast<double>(count);
  // Differences of values from the start: one query a step.
  LevyPair before{};
  double at = 0;
  for (std::uint64_t k = 1; k <= count; ++k) {
    const double to = k == count ? 1 : static_cast<double>(k) * h;
    const LevyPair whole = path.from_start(to);
    const double w = whole.w - before.w, b = to - at;
    const double area =
        k == 1 ? whole.h : (to * whole.h - at * before.h - 0.5 * (b * before.w - at * w)) / b;
    x = Model::step(x, b, {w, area});
    before = whole;
    at = to;
  }
  return x;
}

// Soderlind's PI controller (2003) on the distance between one step and two half steps; accepted
// steps go on from the half steps.
template <class Model>
State adaptive_steps(const BrownianPath& path, double tolerance, std::uint64_t& count) {
  State x = Model::start();
  double at = 0, h = 0.05, previous = 1;
  while (at < 1) {
    h = std::min(h, 1 - at);
    const double to = 1 - (at + h) < 1e-9 ? 1 : at + h, middle = 0.5 * (at + to);
    const State whole = Model::step(x, to - at, path.interval(at, to));
    const State half = Model::step(x, middle - at, path.interval(at, middle));
    const State both = Model::step(half, to - middle, path.interval(middle, to));
    const double error = std::max(distance(whole, both) / tolerance, 1e-6);
    const double factor = 0.9 * std::pow(error, -0.2) * std::pow(previous / error, 0.1);
    if (error <= 1 || h < 1e-6) {
      x = both;
      at = to;
      previous = error;
      ++count;
      h *= std::clamp(factor, 0.2, 3.0);
    } else {
      h *= std::clamp(factor, 0.1, 0.9);
    }
  }
  return x;
}

template <class Model>
SdeResult run(const SdeExperiment& e, int threads) {
  const unsigned most = *std::max_element(e.levels.begin(), e.levels.end());
  // Tolerances are met by far fewer steps than 2^14.
  const unsigned reference = e.adaptive ? 14 : std::min(20u, std::max(12u, most + 3));
  const std::size_t rows = e.levels.size();
  std::vector<double> square(rows * e.paths), steps(rows * e.paths);
  core::parallel_for(e.paths, threads, [&](std::uint64_t p) {
    const BrownianPath path(e.seed, static_cast<std::uint32_t>(p), 0, 1, 0x1p-22);
    const State exact = constant_steps<Model>(path, std::uint64_t{1} << reference);
    for (std::size_t r = 0; r < rows; ++r) {
      std::uint64_t count = e.adaptive ? 0 : std::uint64_t{1} << e.levels[r];
      const State end =
          e.adaptive
              ? adaptive_steps<Model>(path, std::ldexp(1.0, -static_cast<int>(e.levels[r])), count)
              : constant_steps<Model>(path, count);
      const double error = distance(end, exact);
      square[r * e.paths + p] = error * error;
      steps[r * e.paths + p] = static_cast<double>(count);
    }
  });
  SdeResult result;
  const auto paths = static_cast<double>(e.paths);
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::span<const double> own(&square[r * e.paths], e.paths),
        n(&steps[r * e.paths], e.paths);
    result.rows.push_back(
        {core::pairwise_sum(n) / paths, std::sqrt(core::pairwise_sum(own) / paths)});
    const double x = std::log(result.rows.back().steps), y = std::log(result.rows.back().error);
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const auto count = static_cast<double>(rows);
  const double spread = count * sxx - sx * sx;
  result.order = spread > 0 ? -(count * sxy - sx * sy) / spread : 0;
  return result;
}

}  // namespace

SdeResult run_sde(const SdeExperiment& e, int threads) {
  for (const unsigned level : e.levels) {
    if (level >= 1 && level <= 17) continue;
    throw core::usage_error("--levels takes numbers from 1 to 17");
  }
  if (e.levels.empty() || e.paths == 0) throw core::usage_error("--levels and --paths are needed");
  return e.model == SdeModel::kCir ? run<Cir>(e, threads) : run<Langevin>(e, threads);
}

}  // namespace stateutils::qmc
