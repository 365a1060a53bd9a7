// The formulas by which policies decide, on plain numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace stateutils::kv {

// Continuum: how long to keep a paused program's blocks, and what that is worth.
struct TtlChoice {
  double ttl = 0, score = 0;  // s
};
// argmax over tau in {0} and the samples of F(tau) benefit - tau, the smaller of equals; without
// samples the cold start max(0, ln benefit) of exponential durations with mean 1 s.
[[nodiscard]] TtlChoice choose_ttl(std::vector<double> samples, double benefit);
// The same for at least one sample, sorted.
[[nodiscard]] TtlChoice choose_ttl_sorted(std::span<const double> samples, double benefit);

// Continuum: -Corr(k, N-k) over the turns k = 1..N-1 of completed programs; 1 where undefined.
[[nodiscard]] double turn_eta(const std::vector<std::uint64_t>& lengths);

// KVFlow: steps until each agent runs. A join in `all_of` waits for its last predecessor, every
// other agent runs after its first; agents that nothing leads to are absent.
struct StepGraph {
  std::string running;
  std::vector<std::pair<std::string, std::string>> edges;
  std::set<std::string> all_of;
  std::map<std::string, double> known;
};
[[nodiscard]] std::map<std::string, double> steps_to_execution(const StepGraph& graph);

// FastSwitch: 2 calls (K and V) per layer and contiguous group, then the bytes.
struct SwapTime {
  double calls = 0, bytes = 0, seconds = 0;
};
[[nodiscard]] SwapTime swap_time(double blocks, double groups, double layers,
                                 double bytes_per_block, double t_call, double bandwidth);

// Mooncake, compact form: FLOPs(p) = l (4 p^2 d + 22 p d^2); loading beats computing when
// B > G 2 d s / (gqa (4 p d + 22 d^2)).
struct ReloadRule {
  double min_bandwidth = 0, prefill_flops = 0;
};
[[nodiscard]] ReloadRule reload_rule(double tokens, double hidden, double layers, double gqa,
                                     double dtype_bytes, double flops);

// Alpha-beta time of an all-reduce: "ring", "oneshot", "twoshot" or "tree"; bandwidth in bytes/s.
[[nodiscard]] double all_reduce_seconds(const std::string& algorithm, std::uint64_t peers,
                                        double bytes, double alpha, double bandwidth);
// Expected time when peers are lost at `churn` a second and the survivors start again each time.
[[nodiscard]] double all_reduce_with_churn(const std::string& algorithm, std::uint64_t peers,
                                           double bytes, double alpha, double bandwidth,
                                           double churn);

}  // namespace stateutils::kv
