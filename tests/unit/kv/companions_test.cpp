// Companion models against hand-computed cases, closed forms and brute force.
#include <doctest.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "kv/autoscale.hpp"
#include "kv/balance.hpp"
#include "kv/coldstart.hpp"
#include "kv/draws.hpp"
#include "kv/sandbox.hpp"

namespace stateutils::kv {
namespace {

Balance lpt_of(const std::vector<std::uint64_t>& lengths, std::uint32_t devices) {
  return balance_lpt(balance_items(lengths, false), devices);
}

TEST_CASE("balance keeps its bound") {
  const std::vector<std::uint64_t> lengths = {3, 3, 2, 2, 2};
  const Balance lpt = lpt_of(lengths, 2);
  CHECK(lpt.max == 7);
  CHECK(lpt.lower_bound == 6);
  CHECK(balance_exact(balance_items(lengths, false), 2).max == 6);
  CHECK(balance_lp(balance_items(lengths, false), 2).max == 6);
  CHECK(balance_exact(balance_items({1}, true), 3).groups.size() == 3);
  const std::vector<std::uint64_t> many(25, 1);
  CHECK_THROWS_AS(static_cast<void>(balance_exact(balance_items(many, false), 2)), core::Error);
}

TEST_CASE("balance cuts sequences into pieces with the work of a causal sequence") {
  const auto items = balance_items({10}, true, 4);
  REQUIRE(items.size() == 3);
  CHECK(items[0].load == 16);
  CHECK(items[1].load == 48);
  CHECK(items[2].load == 36);
  CHECK(items[2].length == 2);
  CHECK_THROWS_AS(static_cast<void>(balance_items({1ull << 31}, true, 1)), core::Error);
}

TEST_CASE("balance: optimum <= lp <= relaxation + longest, every item placed once") {
  core::Rng rng(1, 2);
  for (int round = 0; round < 300; ++round) {
    const auto devices = static_cast<std::uint32_t>(1 + rng.below(4));
    std::vector<std::uint64_t> lengths(1 + rng.below(11));
    for (auto& length : lengths) length = 1 + rng.below(40);
    const bool quadratic = rng.chance(0.5);
    const auto items = balance_items(lengths, quadratic);
    const Balance lp = balance_lp(items, devices), exact = balance_exact(items, devices);
    double longest = 0;
    for (const BalanceItem& item : items) longest = std::max(longest, item.load);
    CHECK(exact.lower_bound <= exact.max);
    CHECK(exact.max <= lp.max);
    CHECK(lp.max <= std::max(lp.mean, longest) + longest + 1e-9);
    std::vector<std::uint64_t> placed;
    for (const auto& group : lp.groups) placed.insert(placed.end(), group.begin(), group.end());
    std::ranges::sort(placed);
    std::ranges::sort(lengths);
    CHECK(placed == lengths);
  }
}

TEST_CASE("variates are fitted by moments") {
  // The published fit of cold starts: mean 3.24 s, deviation 7.10 s.
  const LogNormal cold = LogNormal::of(3.24, 7.10);
  CHECK(cold.mu == doctest::Approx(0.2964).epsilon(1e-3));
  CHECK(cold.sigma == doctest::Approx(1.3260).epsilon(1e-4));
  const Weibull gaps = Weibull::of(1.25, 3.66);
  const double mean = gaps.scale * std::tgamma(1 + 1 / gaps.shape);
  const double square = gaps.scale * gaps.scale * std::tgamma(1 + 2 / gaps.shape);
  CHECK(mean == doctest::Approx(1.25).epsilon(1e-9));
  CHECK(std::sqrt(square - mean * mean) == doctest::Approx(3.66).epsilon(1e-9));
  CHECK(Weibull::of(2, 2).shape == doctest::Approx(1).epsilon(1e-9));  // the exponential
  core::Rng rng(7, 7);
  double sum = 0;
  for (int i = 0; i < 200000; ++i) sum += gaps.draw(rng);
  CHECK(sum / 200000 == doctest::Approx(1.25).epsilon(0.03));
}

TEST_CASE("coldstart: three calls of one function") {
  // Cold 2 s, run 1 s: idle from 3, used at 30, idle from 31, gone at 91, cold again at 100.
  const CallTable table =
      read_calls("t,function,trigger,exec_s\n0,f,http,1\n30,f,http,1\n100,f,http,1\n", "c");
  ColdTimes cold;
  cold.constant = 2;
  const ColdstartResult result =
      simulate_coldstart(table, parse_keep_alive("fixed:60s"), 0, cold, 0);
  CHECK(result.cold == 2);
  CHECK(result.busy_s == 3);
  CHECK(result.idle_s == (30 - 3) + 60 + 60);
  REQUIRE(result.utility.size() == 2);
  CHECK(result.utility[0] == 15.5);  // lives 91 s, 60 of them kept alive; 31 / 2
  CHECK(result.utility[1] == 1.5);
  // One generic pod takes the first call and is made again by 2, then takes the last.
  const ColdstartResult pool = simulate_coldstart(table, parse_keep_alive("fixed:60s"), 1, cold, 0);
  CHECK(pool.cold == 0);
  CHECK(pool.pool_hits == 2);
}

TEST_CASE("coldstart: a histogram keeps pods over the gaps that were seen") {
  std::string text = "t,function,trigger,exec_s\n";
  for (int i = 0; i < 40; ++i) text += std::to_string(i * 90) + ",f,timer,1\n";
  const CallTable table = read_calls(text, "c");
  ColdTimes cold;
  cold.constant = 1;
  CHECK(simulate_coldstart(table, parse_keep_alive("fixed:60s"), 0, cold, 0).cold == 40);
  // Ten gaps of 88 s (a cold call ends 2 s after it came) are seen by the 11th call, at whose end
  // the pod is kept for 89 s; warm calls then leave gaps of 89 s, which two more cold starts teach.
  for (const char* policy : {"histogram", "trigger"}) {
    const auto result = simulate_coldstart(table, parse_keep_alive(policy), 0, cold, 0);
    CHECK(result.cold >= 11);
    CHECK(result.cold <= 14);
  }
}

TEST_CASE("coldstart: utility of measured pods") {
  const auto pods = read_pods("start,end,cold_s\n0,100,10\n0,65,10\n", "p");
  CHECK(pod_utility(pods, 60) == std::vector<double>{4, 0.5});
  CHECK_THROWS_AS(static_cast<void>(read_pods("start,end,cold_s\n5,1,1\n", "p")), core::Error);
  CHECK_THROWS_AS(static_cast<void>(read_pods("start,end,cold_s\n0,1,0\n", "p")), core::Error);
}

TEST_CASE("autoscale: Knative's rule by hand") {
  // 10 requests a second apart at concurrency 100, then 1000: target 100.
  std::vector<ConcurrencySample> samples;
  for (int t = 0; t <= 140; ++t)
    samples.push_back({1.0 * t, t < 20 ? 100.0 : t < 40 ? 1000.0 : 100.0});
  const ScaleResult result = scale_pods(samples, {});
  // At 20 s the last 6 s hold 15..20: (5 x 100 + 1000) / 6 = 250, 3 pods, at least twice the 1; at
  // 22 s 550, 6 pods, twice the 3; at 24 s 850 and 9 pods are no panic again.
  const std::vector<std::pair<double, std::uint64_t>> panic = {
      {0, 1}, {20, 3}, {22, 6}, {24, 9}, {26, 10}};
  REQUIRE(result.changes.size() > 5);
  for (std::size_t i = 0; i < panic.size(); ++i) CHECK(result.changes[i] == panic[i]);
  CHECK(result.panics == 1);
  CHECK(result.most == 10);
  // So it ends at 82 s, when the last 60 s hold 17 of 1000 and 43 of 100: 355, 4 pods.
  CHECK(result.changes[5] == std::pair<double, std::uint64_t>{82, 4});
  CHECK(result.panic_s == 62);
  // Half a minute on all of the window is at 100 again: one pod.
  CHECK(result.changes.back().second == 1);
}

TEST_CASE("autoscale: the learner finds the best target of the curve") {
  const ServiceCurve curve;
  // (2u + 1) / (1 + u^2) is largest where u^2 + u = 1: at 61.8 for a capacity of 100.
  CHECK(curve.reward(61.8034) == doctest::Approx((2 * 0.618034 + 1) / (1 + 0.618034 * 0.618034)));
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const LearnResult result = learn_target(curve, {}, seed);
    CHECK(result.best_target == 60);
    CHECK(result.target == 60);
  }
  ServiceCurve wide;
  wide.capacity = 300;
  const LearnResult result = learn_target(wide, {}, 1);
  CHECK(result.best_target == 180);  // 185.4
  CHECK(result.target == 180);
}

const char* const kMemory =
    "model,task,t_s,mem_mb\n"
    "m,a,0,100\nm,a,1,400\nm,a,2,100\n"
    "m,b,0,100\nm,b,1,300\nm,b,2,300\n";

TEST_CASE("sandbox: static limits reserve, kill and waste") {
  const SandboxTable table = read_sandboxes(kMemory, "m", "", "c");
  REQUIRE(table.runs.size() == 2);
  SandboxRule rule;
  rule.host_mb = 1000;
  rule.limit_mb = 350;
  const SandboxResult result = simulate_sandboxes(table, rule);
  CHECK(result.killed == 1);  // a passes 350 at 1 s
  CHECK(result.finished == 1);
  CHECK(result.completion == std::vector<double>{3});
  CHECK(result.reserved_mb_s == 700 + 350 + 350);
  CHECK(result.used_mb_s == 200 + 300 + 300);
  CHECK(result.waste_mb_s == 500 + 50 + 50);
  rule.limit_mb = 500;  // both fit, nothing is killed
  CHECK(simulate_sandboxes(table, rule).finished == 2);
  rule.host_mb = 600;  // one after the other
  const SandboxResult turns = simulate_sandboxes(table, rule);
  CHECK(turns.makespan_s == 6);
  CHECK(turns.most_running == 1);
  rule.host_mb = 400;
  CHECK(simulate_sandboxes(table, rule).refused == 2);
}

TEST_CASE("sandbox: soft limits of tool calls throttle instead of killing") {
  const char* calls = "model,task,tool,start_s,duration_s\nm,a,Bash,0,2\nm,b,Bash,0,3\n";
  const SandboxTable table = read_sandboxes(kMemory, "m", calls, "c");
  SandboxRule rule;
  rule.kind = SandboxRule::Kind::kTool;
  rule.host_mb = 450;
  rule.limit_mb = 50;
  const SandboxResult result = simulate_sandboxes(table, rule);
  // Both start (150 + 150). At 1 s a would hold 400 beside b's 100: it waits, b goes to 300 and
  // a waits on until b has ended at 3 s; then it goes on alone.
  CHECK(result.killed == 0);
  CHECK(result.finished == 2);
  CHECK(result.throttled_s > 0);
  CHECK(result.most_used_mb <= 450);
}

TEST_CASE("sandbox: tables that lie are refused") {
  for (const char* text : {"model,task,t_s\nm,a,0\n", "model,task,t_s,mem_mb\nm,a,5,1\nm,a,2,1\n",
                           "model,task,t_s,mem_mb\nm,a,1e9,1\n", ""}) {
    CHECK_THROWS_AS(static_cast<void>(read_sandboxes(text, "m", "", "c")), core::Error);
  }
}

}  // namespace
}  // namespace stateutils::kv
