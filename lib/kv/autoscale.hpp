// How many pods: Knative's rule on a trace of concurrency, and a learner of its target.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace stateutils::kv {

struct ConcurrencySample {
  double t = 0, concurrency = 0;
};
// CSV or JSONL: t, concurrency. Times must rise.
[[nodiscard]] std::vector<ConcurrencySample> read_concurrency(const std::string& text,
                                                              const std::string& file);

struct ScaleRule {
  double target = 100, stable_s = 60, panic_s = 6, tick_s = 2, threshold = 2;
  std::uint64_t least = 0, most = 1'000'000;  // pods
};
struct ScaleResult {
  std::vector<std::pair<double, std::uint64_t>> changes;  // (t, pods) from the first tick on
  std::uint64_t ticks = 0, panics = 0, most = 0;
  double panic_s = 0, mean = 0;  // s in panic; pods
  double short_share = 0;        // of ticks with more concurrency than pods x target
};
// At every tick pods = ceil(mean concurrency of the last stable_s / target). When the same over
// panic_s reaches `threshold` times the pods there are, panic: pods follow the short window and
// never fall, until stable_s have passed without that. Means are of the samples in (now - window,
// now]; ticks run from the first sample to the last; a run starts with `least` pods, or 1.
[[nodiscard]] ScaleResult scale_pods(const std::vector<ConcurrencySample>& samples,
                                     const ScaleRule& rule);

// A service with a closed form: at target x requests a pod, latency = base (1 + (x/capacity)^2) and
// throughput = x / latency. The reward throughput/ref + base/latency, with ref the largest
// throughput (at x = capacity), is (2u + 1) / (1 + u^2) of u = x/capacity: best at u = 0.618.
struct ServiceCurve {
  double capacity = 100, base_s = 0.1;
  [[nodiscard]] double latency(double target) const;
  [[nodiscard]] double throughput(double target) const;
  [[nodiscard]] double reward(double target) const;
};
struct LearnRule {
  double start = 100, step = 20, most = 400;  // targets step, 2 step ... most
  double epsilon = 0.1, rate = 0.2, discount = 0.9;
  std::uint64_t steps = 20000;
};
struct LearnResult {
  double target = 0, reward = 0;            // where the greedy policy stays
  double best_target = 0, best_reward = 0;  // of all targets, tried one by one
  double mean_reward = 0;                   // while learning
};
// Tabular Q-learning over targets with the actions -step, 0 and +step, epsilon-greedy.
[[nodiscard]] LearnResult learn_target(const ServiceCurve& curve, const LearnRule& rule,
                                       std::uint64_t seed);

}  // namespace stateutils::kv
