// The loop by stretches against the plain loop: random traces and configurations, equal in every
// request and every sum. Tokens are conserved, and no KV is used beyond its room.
#include <doctest.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/rng.hpp"
#include "kv/engine.hpp"
#include "kv/readers.hpp"

using namespace stateutils;
using namespace stateutils::kv;
using nlohmann::json;

namespace {

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : rng_(seed, 77) {}
  std::uint64_t below(std::uint64_t n) { return rng_.below(n); }
  bool chance(double p) { return rng_.chance(p); }
  std::string of(std::vector<std::string> choices) { return choices[below(choices.size())]; }
  std::uint64_t number(std::vector<std::uint64_t> choices) {
    return choices[below(choices.size())];
  }

 private:
  core::Rng rng_;
};

// Sessions whose prompts grow, branch and are cut back; some requests follow others.
std::string random_trace(Draw& draw, std::uint64_t block, std::uint64_t& largest) {
  const std::uint64_t n = 3 + draw.below(25);
  const bool hints = draw.chance(0.5);
  std::vector<std::vector<std::uint64_t>> chains(4);
  std::uint64_t next = 1, us = 0;
  std::string text;
  largest = 1;
  for (std::uint64_t i = 0; i < n; ++i) {
    us += draw.number({0, 0, 700, 9'000, 120'000}) * draw.below(3);
    const std::uint64_t s = draw.below(4);
    std::vector<std::uint64_t> chain = chains[draw.chance(0.8) ? s : draw.below(4)];
    if (draw.chance(0.3)) chain.resize(draw.below(chain.size() + 1));
    for (std::uint64_t k = draw.below(5); k > 0; --k) chain.push_back(next++);
    chains[s] = chain;
    const std::uint64_t in = std::max<std::uint64_t>(1, chain.size() * block + draw.below(block));
    const std::uint64_t out = draw.below(20);
    largest = std::max(largest, in + std::max<std::uint64_t>(1, out));
    json record = {{"id", std::to_string(i)},
                   {"in", in},
                   {"out", out},
                   {"session", "s" + std::to_string(s)},
                   {"hash_ids", chain},
                   {"block", block},
                   {"scope", "global"},
                   {"tool", draw.of({"a", "b"})},
                   {"agent", draw.of({"p", "q", "r"})},
                   {"tenant", draw.of({"x", "y", "z"})},
                   {"prio", draw.below(3)}};
    if (hints && draw.chance(0.7)) {
      record["steps"] = {{"p", draw.below(4)}, {"q", draw.below(7)}};
    }
    if (i > 2 && draw.chance(0.2)) {
      record["after"] = std::to_string(draw.below(i));
      record["gap_s"] = static_cast<double>(draw.number({0, 1, 50})) / 1000;
    } else {
      record["t"] = static_cast<double>(us) / 1e6;
    }
    text += record.dump() + "\n";
  }
  return text;
}

json random_tiers(Draw& draw, std::uint64_t need, std::uint64_t ratio) {
  json tiers = json::array();
  tiers.push_back({{"name", "gpu"}, {"size", std::to_string(need + draw.below(2 * need)) + "blk"}});
  const std::uint64_t more = draw.number({0, 0, 1, 1, 2, 3});
  for (std::uint64_t i = 0; i < more; ++i) {
    tiers.push_back({{"name", "t" + std::to_string(i)},
                     {"size", std::to_string(ratio + draw.below(need * 4)) + "blk"},
                     {"bw", std::to_string(50 + draw.below(5000)) + "kB/s"},
                     {"lat", draw.of({"0s", "1ms"})},
                     {"policy", draw.of({"lru", "fifo", "lfu"})},
                     {"write", draw.of({"back", "back", "through", "none"})}});
  }
  return tiers;
}

// One tier, no retention, two phases side by side whose shares move often.
void make_semi_pd(Draw& draw, json& config) {
  config["layout"] = "semi-pd";
  config["fleet"] = json::array({{{"count", 1 + draw.below(3)}}});
  config["cache"]["tiers"] = json::array({config["cache"]["tiers"][0]});
  config["slo"]["tpot"] = draw.of({"2ms", "10ms"});
  config["semi_pd"] = {{"x", draw.of({"a", "b"}) == "a" ? 0.8 : 0.3},
                       {"y", draw.of({"a", "b"}) == "a" ? 1.0 : 0.4},
                       {"window", draw.of({"5ms", "50ms"})},
                       {"step", 0.05},
                       {"t_switch", draw.of({"0s", "1ms"})}};
  for (const char* key : {"streams", "preempt", "retention", "transfer"}) config.erase(key);
}

json random_config(Draw& draw, std::uint64_t unit, std::uint64_t block, std::uint64_t largest) {
  json config = {{"trace", {{"file", "t"}, {"replay", draw.of({"default", "open", "closed"})}}},
                 {"model", {{"layers", 2}, {"kv_bytes_per_token", 100}}},
                 {"slo", {{"ttft", "100ms"}}}};
  config["cost"] = {{"kind", "linear"},
                    {"a", draw.of({"10ms", "1ms", "0.3333333ms"})},
                    {"b", "0.1ms"},
                    {"c", draw.of({"1ms", "0.77777ms"})},
                    {"d", draw.of({"0ms", "0.01ms", "0.0033333ms"})}};
  config["batch"] = {{"max_seqs", draw.number({1, 2, 4, 16})},
                     {"max_tokens", draw.number({4, 16, 64, 512})},
                     {"chunked", draw.chance(0.7)},
                     {"block", unit}};
  config["scheduler"] = draw.of({"fcfs", "prio", "sjf", "vtc", "program-fcfs", "edf", "continuum"});
  config["router"] = draw.of({"rr", "jsq", "token-jsq", "prefix", "session"});
  const json tiers = random_tiers(draw, (largest + unit) / unit + 1, block / unit);
  config["cache"] = {{"policy", draw.of({"lru", "fifo", "lfu"})},
                     {"tiers", tiers},
                     {"reload", draw.of({"auto", "always", "never"})},
                     {"hierarchy", draw.of({"inclusive", "exclusive"})}};
  if (tiers.size() > 1 && draw.chance(0.6)) {
    config["preempt"] = {{"kind", "swap"},
                         {"mode", draw.of({"block", "group"})},
                         {"g0", 2},
                         {"reuse", draw.chance(0.5)}};
    if (draw.chance(0.4)) {
      config["preempt"]["freq"] = draw.of({"x", "y"}) == "x" ? 0.2 : 0.5;
      config["preempt"]["pattern"] = draw.of({"random", "markov"});
    }
  }
  if (draw.chance(0.2)) config["admission"] = "slo";
  if (config["batch"]["chunked"] == true && draw.chance(0.2)) config["streams"] = true;
  if (draw.chance(0.2)) config["decode"] = draw.of({"block:2.5", "block:4"});
  const std::string keep = draw.of({"none", "none", "ttl", "continuum", "continuum-fixed", "kvflow",
                                    "kvflow", "kvflow-oracle", "kvflow-learned"});
  config["retention"] = {{"kind", keep}};
  if (keep == "ttl") config["retention"]["ttl"] = draw.of({"10ms", "100ms", "2s"});
  if (keep.starts_with("kvflow")) {
    config["retention"]["hold"] = draw.number({2, 4});
    config["retention"]["ahead"] = draw.number({0, 2, 3});
  }
  if (keep == "continuum") config["retention"]["k"] = draw.number({1, 5, 100});
  if (draw.chance(0.3)) {
    config["fleet"] = json::array({{{"role", "prefill"}, {"count", 1 + draw.below(2)}},
                                   {{"role", "decode"}, {"count", 1 + draw.below(2)}}});
    config["transfer"] = {
        {"bw", "100kB/s"}, {"lat", "1ms"}, {"overlap", draw.of({"none", "layer"})}};
  } else {
    config["fleet"] = json::array({{{"count", 1 + draw.below(3)}}});
  }
  if (draw.chance(0.15)) make_semi_pd(draw, config);
  return config;
}

std::uint64_t tokens_of(const Trace& trace, const Outcomes& out) {
  std::uint64_t tokens = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    if (out.finish[i] != kNoTime) tokens += trace.in[i];
  }
  return tokens;
}

}  // namespace

TEST_CASE("stretches give what steps give") {
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    Draw draw(seed);
    const std::uint64_t block = draw.number({4, 8, 16});
    const std::uint64_t unit = draw.number({1, 2, 4});
    std::uint64_t largest = 0;
    const std::string text = random_trace(draw, block, largest);
    const json document = random_config(draw, unit, block, largest);
    const RunConfig config = parse_run_config(document);
    const auto source = core::memory_input(text, "t");
    const Trace trace = read_trace(*source, {});
    std::uint64_t room = 0;
    for (const InstanceSetup& setup : Fleet(trace, config).instances) {
      room = std::max(room, setup.units);
    }
    bool within = true;
    SimOptions options;
    options.detail = true;
    options.on_iteration = [&](const IterationLine& line) { within &= line.kv_blocks <= room; };
    INFO("seed " << seed << " " << document.dump() << "\nTRACE\n" << text);
    options.exact_steps = false;
    const SimResult fast = simulate(trace, config, options);
    options.exact_steps = true;
    const SimResult plain = simulate(trace, config, options);
    const Outcomes &a = fast.outcomes, &b = plain.outcomes;
    REQUIRE(within);
    REQUIRE(a.start == b.start);
    REQUIRE(a.first == b.first);
    REQUIRE(a.finish == b.finish);
    REQUIRE(a.tbt_max == b.tbt_max);
    REQUIRE(a.hits == b.hits);
    REQUIRE(a.stall == b.stall);
    REQUIRE(a.ttl == b.ttl);
    REQUIRE(a.instance == b.instance);
    REQUIRE(a.preemptions == b.preemptions);
    for (std::uint32_t i = 0; i < trace.size(); ++i) REQUIRE(fast.arrival[i] == plain.arrival[i]);
    REQUIRE((a.busy == b.busy && a.bound == b.bound));
    REQUIRE(a.iterations == b.iterations);
    REQUIRE(std::pair(a.swap_in_bytes, a.swap_out_bytes) ==
            std::pair(b.swap_in_bytes, b.swap_out_bytes));
    REQUIRE(a.recomputed == b.recomputed);
    // Every served prompt was computed or hit, once.
    std::uint64_t hit = 0;
    for (const std::uint64_t tokens : a.hit_tokens) hit += tokens;
    REQUIRE(a.prefilled_tokens + hit == tokens_of(trace, a));
    REQUIRE(a.rejected == b.rejected);
    if (!config.admit_by_slo) REQUIRE(a.rejected == 0);
  }
}
