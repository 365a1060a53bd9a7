#include "kv/formulas.hpp"

#include <algorithm>
#include <cmath>
#include <queue>

namespace stateutils::kv {

TtlChoice choose_ttl(std::vector<double> samples, double benefit) {
  TtlChoice best;
  if (samples.empty()) {
    best.ttl = benefit > 0 ? std::max(0.0, std::log(benefit)) : 0.0;
    best.score = benefit * -std::expm1(-best.ttl) - best.ttl;
    return best;
  }
  std::ranges::sort(samples);
  return choose_ttl_sorted(samples, benefit);
}

TtlChoice choose_ttl_sorted(std::span<const double> samples, double benefit) {
  const std::size_t n = samples.size();
  std::size_t within = 0;  // samples of at most tau
  while (within < n && samples[within] <= 0) ++within;
  TtlChoice best;
  best.score = static_cast<double>(within) / static_cast<double>(n) * benefit;
  while (within < n) {
    const double tau = samples[within];
    while (within < n && samples[within] == tau) ++within;
    const double score = static_cast<double>(within) / static_cast<double>(n) * benefit - tau;
    if (score > best.score) best = {tau, score};
  }
  return best;
}

double turn_eta(const std::vector<std::uint64_t>& lengths) {
  // Sums of x = k and y = N - k over the pairs of a program have closed forms: both run over
  // 1..N-1.
  double n = 0, sum = 0, square = 0, product = 0;
  for (const std::uint64_t length : lengths) {
    if (length < 2) continue;
    const auto m = static_cast<double>(length - 1);
    n += m;
    sum += m * (m + 1) / 2;
    square += m * (m + 1) * (2 * m + 1) / 6;
    product += m * (m + 1) * (m + 2) / 6;  // of k (m + 1 - k)
  }
  const double variance = n * square - sum * sum;
  if (n == 0 || variance <= 0) return 1;
  return -(n * product - sum * sum) / variance;
}

std::map<std::string, double> steps_to_execution(const StepGraph& graph) {
  std::map<std::string, std::vector<std::string>> next;
  std::map<std::string, std::size_t> waits;  // predecessors not yet settled
  for (const auto& [from, to] : graph.edges) {
    next[from].push_back(to);
    ++waits[to];
  }
  using Entry = std::pair<double, std::string>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  queue.push({0, graph.running});
  for (const auto& [agent, steps] : graph.known) {
    if (agent != graph.running) queue.push({steps, agent});
  }
  // In order of steps, so that an agent's first entry is its least and a join's last its greatest.
  std::map<std::string, double> settled;
  while (!queue.empty()) {
    const auto [steps, agent] = queue.top();
    queue.pop();
    if (!settled.emplace(agent, steps).second) continue;
    for (const std::string& after : next[agent]) {
      const bool join = graph.all_of.contains(after);
      const bool last = --waits[after] == 0;
      if (!graph.known.contains(after) && (!join || last)) queue.push({steps + 1, after});
    }
  }
  return settled;
}

SwapTime swap_time(double blocks, double groups, double layers, double bytes_per_block,
                   double t_call, double bandwidth) {
  SwapTime time;
  time.calls = 2 * layers * groups;
  time.bytes = blocks * bytes_per_block;
  time.seconds = time.calls * t_call + time.bytes / bandwidth;
  return time;
}

ReloadRule reload_rule(double tokens, double hidden, double layers, double gqa, double dtype_bytes,
                       double flops) {
  ReloadRule rule;
  const double per_token = 4 * tokens * hidden + 22 * hidden * hidden;
  rule.min_bandwidth = flops * 2 * hidden * dtype_bytes / (gqa * per_token);
  rule.prefill_flops = layers * tokens * per_token;
  return rule;
}

double all_reduce_seconds(const std::string& algorithm, std::uint64_t peers, double bytes,
                          double alpha, double bandwidth) {
  if (peers < 2) return 0;
  const auto n = static_cast<double>(peers);
  if (algorithm == "ring") return 2 * (n - 1) * (alpha + bytes / (n * bandwidth));
  if (algorithm == "oneshot") return alpha + (n - 1) * bytes / bandwidth;
  if (algorithm == "twoshot") return 2 * (alpha + (n - 1) * bytes / (n * bandwidth));
  return 2 * std::ceil(std::log2(n)) * (alpha + bytes / bandwidth);  // tree
}

double all_reduce_with_churn(const std::string& algorithm, std::uint64_t peers, double bytes,
                             double alpha, double bandwidth, double churn) {
  if (churn == 0) return all_reduce_seconds(algorithm, peers, bytes, alpha, bandwidth);
  // With T the undisturbed time of n peers, q = 1 - e^(-churn T) the chance of a loss before its
  // end: E(n) = q / churn + q E(n-1), as the time to the loss or the end has mean q / churn.
  double expected = 0;
  for (std::uint64_t n = 2; n <= peers; ++n) {
    const double whole = all_reduce_seconds(algorithm, n, bytes, alpha, bandwidth);
    const double lost = -std::expm1(-churn * whole);
    expected = lost / churn + lost * expected;
  }
  return expected;
}

}  // namespace stateutils::kv
