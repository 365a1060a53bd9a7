#include "kv/autoscale.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/signals.hpp"
#include "kv/table_rows.hpp"

namespace stateutils::kv {
namespace {

// The mean of the samples of a window that moves on.
class Window {
 public:
  Window(const std::vector<ConcurrencySample>& samples, double width)
      : samples_(samples), width_(width) {
    // Prefix sums: a window that grew and shrank in place would gather rounding.
    sums_.reserve(samples.size() + 1);
    sums_.push_back(0);
    for (const ConcurrencySample& s : samples) sums_.push_back(sums_.back() + s.concurrency);
  }
  // `now` must not fall. Without samples in the window: the last one before.
  [[nodiscard]] double mean(double now) {
    while (end_ < samples_.size() && samples_[end_].t <= now) ++end_;
    while (begin_ < end_ && samples_[begin_].t <= now - width_) ++begin_;
    if (begin_ == end_) return end_ == 0 ? 0 : samples_[end_ - 1].concurrency;
    return (sums_[end_] - sums_[begin_]) / static_cast<double>(end_ - begin_);
  }

 private:
  const std::vector<ConcurrencySample>& samples_;
  double width_;
  std::vector<double> sums_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace

std::vector<ConcurrencySample> read_concurrency(const std::string& text, const std::string& file) {
  std::vector<ConcurrencySample> samples;
  read_rows(text, file, {"t", "concurrency"}, [&](const TableRow& row) {
    const ConcurrencySample sample{row.number(0, 0, 1e12), row.number(1, 0, 1e12)};
    if (!samples.empty() && sample.t <= samples.back().t) {
      throw row.error("the time is not after the one above");
    }
    samples.push_back(sample);
  });
  return samples;
}

ScaleResult scale_pods(const std::vector<ConcurrencySample>& samples, const ScaleRule& rule) {
  Window stable(samples, rule.stable_s), panic(samples, rule.panic_s);
  const double first = samples.front().t, length = samples.back().t - first;
  if (length / rule.tick_s > 1e7) throw core::usage_error("more than 10^7 ticks");
  const auto ticks = static_cast<std::uint64_t>(std::floor(length / rule.tick_s)) + 1;
  ScaleResult result;
  std::uint64_t pods = std::max<std::uint64_t>(rule.least, 1);
  bool panicking = false;
  double calm_at = 0, pod_ticks = 0;
  std::uint64_t short_ticks = 0;
  for (std::uint64_t k = 0; k < ticks; ++k) {
    core::check_stop();
    const double now = first + static_cast<double>(k) * rule.tick_s;
    const auto wanted = [&](double mean) {
      const double pods_wanted = std::ceil(mean / rule.target);
      return std::clamp(static_cast<std::uint64_t>(std::min(pods_wanted, 1e15)), rule.least,
                        rule.most);
    };
    const double recent = panic.mean(now);
    const std::uint64_t slow = wanted(stable.mean(now)), fast = wanted(recent);
    const std::uint64_t have = std::max<std::uint64_t>(pods, 1);
    if (static_cast<double>(fast) >= rule.threshold * static_cast<double>(have)) {
      if (!panicking) ++result.panics;
      panicking = true;
      calm_at = now + rule.stable_s;
    } else if (panicking && now >= calm_at) {
      panicking = false;
    }
    const std::uint64_t next = panicking ? std::max(pods, fast) : slow;
    if (k == 0 || next != pods) result.changes.emplace_back(now, next);
    pods = next;
    if (panicking) result.panic_s += rule.tick_s;
    if (recent > static_cast<double>(pods) * rule.target) ++short_ticks;
    pod_ticks += static_cast<double>(pods);
    result.most = std::max(result.most, pods);
  }
  result.ticks = ticks;
  result.mean = pod_ticks / static_cast<double>(ticks);
  result.short_share = static_cast<double>(short_ticks) / static_cast<double>(ticks);
  return result;
}

double ServiceCurve::latency(double target) const {
  const double u = target / capacity;
  return base_s * (1 + u * u);
}

double ServiceCurve::throughput(double target) const {
  return target / latency(target);
}

double ServiceCurve::reward(double target) const {
  return throughput(target) / throughput(capacity) + base_s / latency(target);
}

LearnResult learn_target(const ServiceCurve& curve, const LearnRule& rule, std::uint64_t seed) {
  const auto targets = static_cast<std::size_t>(rule.most / rule.step);
  const auto target_of = [&rule](std::size_t i) { return rule.step * static_cast<double>(i + 1); };
  std::vector<std::array<double, 3>> q(targets, {0, 0, 0});
  const auto moved = [targets](std::size_t at, std::size_t action) {
    if (action == 0) return at == 0 ? at : at - 1;
    return action == 2 ? std::min(at + 1, targets - 1) : at;
  };
  const auto greedy = [&q](std::size_t at) {
    return static_cast<std::size_t>(std::ranges::max_element(q[at]) - q[at].begin());
  };
  core::Rng rng(seed, 0x9eaf);
  LearnResult result;
  const double place = std::round(rule.start / rule.step) - 1;
  const std::size_t start = std::min(static_cast<std::size_t>(std::max(place, 0.0)), targets - 1);
  std::size_t at = start;
  double rewards = 0;
  for (std::uint64_t step = 0; step < rule.steps; ++step) {
    if (step % 4096 == 0) core::check_stop();
    const bool explore = rng.chance(rule.epsilon);
    const std::size_t action = explore ? rng.below(3) : greedy(at);
    const std::size_t next = moved(at, action);
    const double reward = curve.reward(target_of(next));
    rewards += reward;
    double& value = q[at][action];
    value += rule.rate * (reward + rule.discount * std::ranges::max(q[next]) - value);
    at = next;
  }
  at = start;
  for (std::size_t i = 0; i < 2 * targets; ++i) at = moved(at, greedy(at));
  result.target = target_of(at);
  result.reward = curve.reward(result.target);
  result.mean_reward = rewards / static_cast<double>(rule.steps);
  for (std::size_t i = 0; i < targets; ++i) {
    const double reward = curve.reward(target_of(i));
    if (reward > result.best_reward) {
      result.best_reward = reward;
      result.best_target = target_of(i);
    }
  }
  return result;
}

}  // namespace stateutils::kv
