// Cold starts of serverless functions: how long to keep a pod, and how many to hold ready.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kv/quantiles.hpp"

namespace stateutils::kv {

struct FunctionCall {
  double t = 0, exec_s = 0;
  std::uint32_t function = 0, trigger = 0;
};
struct CallTable {
  std::vector<FunctionCall> calls;  // by time
  std::vector<std::string> functions, triggers;
};
struct Pod {
  double start = 0, end = 0, cold_s = 0;
};

// CSV or JSONL: t, function, trigger, exec_s. Times must not fall.
[[nodiscard]] CallTable read_calls(const std::string& text, const std::string& file);
// CSV or JSONL: start, end, cold_s.
[[nodiscard]] std::vector<Pod> read_pods(const std::string& text, const std::string& file);
// Calls with Weibull gaps of mean 1.25 s and deviation 3.66 s, of `functions` functions each twice
// as rare as the one before, down to 1/64 of the first.
[[nodiscard]] CallTable generated_calls(std::uint64_t calls, std::uint32_t functions, double exec_s,
                                        std::uint64_t seed);

// How long an idle pod is kept: always the same time; or the time that covers 99 % of the idle gaps
// seen so far of its function, or of all functions of its trigger, in steps of 1 s up to 4 h. With
// fewer than 10 gaps these use the fixed time.
struct KeepAlive {
  enum class Kind { kFixed, kHistogram, kTrigger };
  std::string name;
  Kind kind = Kind::kFixed;
  double fixed_s = 60;
};
// "fixed:60s", "histogram", "trigger".
[[nodiscard]] KeepAlive parse_keep_alive(const std::string& text);

struct ColdTimes {
  std::optional<double> constant;  // s
  std::vector<double> measured;    // else drawn from these; else log-normal, mean 3.24, sd 7.10
};

struct ColdstartResult {
  std::uint64_t calls = 0, cold = 0, pool_hits = 0;
  double busy_s = 0, idle_s = 0;
  std::vector<double> waits;    // of cold calls, s
  std::vector<double> utility;  // of pods: (lifetime - keep-alive) / cold start
};

// A call takes the pod of its function that fell idle last, else one of `pool` generic pods (whose
// place is refilled a cold start later), else it waits for a cold start.
[[nodiscard]] ColdstartResult simulate_coldstart(const CallTable& table, const KeepAlive& policy,
                                                 std::uint32_t pool, const ColdTimes& cold,
                                                 std::uint64_t seed);

// Utility ratios of measured pods: (lifetime - keep-alive) / cold-start time.
[[nodiscard]] std::vector<double> pod_utility(const std::vector<Pod>& pods, double keep_alive);

}  // namespace stateutils::kv
