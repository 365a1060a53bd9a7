#include "qmc/minimise.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

namespace stateutils::qmc {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

struct Bracket {
  std::vector<double> step, change;  // of x and of the gradient
};

// The two-loop recursion: minus the inverse Hessian times the gradient, on the free variables.
std::vector<double> direction(const std::deque<Bracket>& pairs, const std::vector<double>& gradient,
                              const std::vector<bool>& is_free) {
  std::vector<double> q = gradient;
  const auto mask = [&] {
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = is_free[i] ? q[i] : 0;
  };
  mask();
  std::vector<double> alpha(pairs.size());
  for (std::size_t k = pairs.size(); k-- > 0;) {
    alpha[k] = dot(pairs[k].step, q) / dot(pairs[k].step, pairs[k].change);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] -= alpha[k] * pairs[k].change[i];
  }
  if (!pairs.empty()) {
    const Bracket& last = pairs.back();
    const double scale = dot(last.step, last.change) / dot(last.change, last.change);
    for (double& value : q) value *= scale;
  }
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const double beta = dot(pairs[k].change, q) / dot(pairs[k].step, pairs[k].change);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] += (alpha[k] - beta) * pairs[k].step[i];
  }
  mask();
  for (double& value : q) value = -value;
  return q;
}

}  // namespace

double minimise_brent(const std::function<double(double)>& f, double a, double b,
                      double tolerance) {
  const double golden = 0.5 * (3 - std::sqrt(5.0));
  double x = a + golden * (b - a), w = x, v = x, step = 0, previous = 0;
  double fx = f(x), fw = fx, fv = fx;
  for (int round = 0; round < 200; ++round) {
    const double middle = 0.5 * (a + b), least = tolerance / 3 + 1e-12 * std::abs(x);
    if (std::abs(x - middle) <= 2 * least - 0.5 * (b - a)) break;
    bool parabola = false;
    if (std::abs(previous) > least) {
      const double r = (x - w) * (fx - fv);
      double q = (x - v) * (fx - fw), p = (x - v) * q - (x - w) * r;
      q = 2 * (q - r);
      if (q > 0) p = -p;
      q = std::abs(q);
      if (std::abs(p) < std::abs(0.5 * q * previous) && p > q * (a - x) && p < q * (b - x)) {
        previous = step;
        step = p / q;
        const double u = x + step;
        if (u - a < 2 * least || b - u < 2 * least) step = x < middle ? least : -least;
        parabola = true;
      }
    }
    if (!parabola) {
      previous = (x < middle ? b : a) - x;
      step = golden * previous;
    }
    const double u = x + (std::abs(step) >= least ? step : std::copysign(least, step));
    const double fu = f(u);
    if (fu <= fx) {
      (u < x ? b : a) = x;
      v = w, fv = fw;
      w = x, fw = fx;
      x = u, fx = fu;
    } else {
      (u < x ? a : b) = u;
      if (fu <= fw || w == x) {
        v = w, fv = fw;
        w = u, fw = fu;
      } else if (fu <= fv || v == x || v == w) {
        v = u, fv = fu;
      }
    }
  }
  return x;
}

std::vector<double> minimise_lbfgs(const Differentiable& f, std::vector<double> x, double low,
                                   double high, int max_steps) {
  constexpr std::size_t kMemory = 10;
  const std::size_t d = x.size();
  std::vector<double> gradient(d), next(d), next_gradient(d);
  std::vector<bool> is_free(d);
  std::deque<Bracket> pairs;
  double value = f(x, gradient);
  for (int round = 0; round < max_steps; ++round) {
    double largest = 0;
    for (std::size_t i = 0; i < d; ++i) {
      is_free[i] = !(x[i] <= low && gradient[i] > 0) && !(x[i] >= high && gradient[i] < 0);
      if (is_free[i]) largest = std::max(largest, std::abs(gradient[i]));
    }
    if (!(largest > 1e-7 * (1 + std::abs(value)))) break;
    std::vector<double> along = direction(pairs, gradient, is_free);
    if (!(dot(along, gradient) < 0)) {
      pairs.clear();
      along = direction(pairs, gradient, is_free);
    }
    double longest = 0;
    for (const double a : along) longest = std::max(longest, std::abs(a));
    double length = pairs.empty() ? std::min(1.0, 1 / longest) : std::min(1.0, 5 / longest);
    bool found = false;
    double next_value = value;
    for (int halving = 0; halving < 40 && !found; ++halving, length *= 0.5) {
      double expected = 0;
      for (std::size_t i = 0; i < d; ++i) {
        next[i] = std::clamp(x[i] + length * along[i], low, high);
        expected += gradient[i] * (next[i] - x[i]);
      }
      next_value = f(next, next_gradient);
      found = std::isfinite(next_value) && next_value <= value + 1e-4 * expected;
    }
    if (!found) break;
    Bracket pair{std::vector<double>(d), std::vector<double>(d)};
    for (std::size_t i = 0; i < d; ++i) {
      pair.step[i] = next[i] - x[i];
      pair.change[i] = next_gradient[i] - gradient[i];
    }
    const double gain = value - next_value;
    if (dot(pair.step, pair.change) > 1e-12 * dot(pair.change, pair.change)) {
      pairs.push_back(std::move(pair));
      if (pairs.size() > kMemory) pairs.pop_front();
    }
    x = next;
    gradient = next_gradient;
    value = next_value;
    if (gain <= 1e-13 * (1 + std::abs(value))) break;
  }
  return x;
}

}  // namespace stateutils::qmc
