// Policies of the literature by hand: each case shows a decision that LRU, or the plain rule, would
// have taken otherwise. Both loops must give it.
#include <doctest.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "kv/agent_steps.hpp"
#include "kv/engine_report.hpp"
#include "kv/prefix_cache.hpp"
#include "kv_support.hpp"

using namespace stateutils;
using namespace stateutils::kv;
using nlohmann::json;

namespace {

// a = 10 ms, b = 0.1 ms a prefill token, c = 1 ms a decode; blocks of 4 tokens.
json linear(const std::string& gpu) {
  json config = json::parse(R"({"trace":{"file":"t"},
    "cost":{"kind":"linear","a":"10ms","b":"0.1ms","c":"1ms","d":"0ms"},
    "model":{"layers":10,"kv_bytes_per_token":1000000},"batch":{"block":4}})");
  config["cache"]["tiers"] = json::array({{{"name", "gpu"}, {"size", gpu}}});
  return config;
}

SimResult served(const json& document, const std::string& text, bool exact) {
  const RunConfig config = parse_run_config(document);
  const Trace trace = trace_of(text);
  SimOptions options;
  options.exact_steps = exact;
  options.detail = true;
  return simulate(trace, config, options);
}

double ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

std::string turn(double t, int in, const char* agent, const char* blocks, const char* more = "") {
  return "{\"t\":" + std::to_string(t) + ",\"in\":" + std::to_string(in) +
         ",\"out\":1,\"block\":4,\"scope\":\"global\",\"session\":\"s\",\"agent\":\"" + agent +
         "\",\"hash_ids\":" + blocks + more + "}\n";
}

// Agents a, b, c in turn, then a again. Two blocks of room: LRU drops a's block for c's.
std::string round_of(const char* hint) {
  return turn(0, 4, "a", "[1]") + turn(1, 4, "b", "[2]", hint) + turn(2, 4, "c", "[3]") +
         turn(3, 5, "a", "[1]");
}

}  // namespace

TEST_CASE("KVFlow keeps what runs next, LRU what ran last") {
  const std::string hinted = round_of(",\"steps\":{\"c\":1,\"a\":2}");
  const std::string bare = round_of("");
  for (const bool exact : {false, true}) {
    json config = linear("2blk");
    CHECK(served(config, hinted, exact).outcomes.hits[3][0] == 0);
    config["retention"] = {{"kind", "kvflow"}};
    // After b: c 1, a 2, b absent. c's block takes b's place.
    CHECK(served(config, hinted, exact).outcomes.hits[3][0] == 4);
    // The oracle looks the same steps up; the learned form has not seen a come back yet.
    config["retention"] = {{"kind", "kvflow-oracle"}};
    CHECK(served(config, bare, exact).outcomes.hits[3][0] == 4);
    config["retention"] = {{"kind", "kvflow-learned"}};
    CHECK(served(config, bare, exact).outcomes.hits[3][0] == 0);
  }
  const Trace trace = trace_of(hinted);
  CHECK(prefix_forest(trace, *parse_prefix_policy("lru"), 2).hit_blocks == 0);
  CHECK(prefix_forest(trace, *parse_prefix_policy("kvflow"), 2).hit_blocks == 1);
  CHECK(prefix_forest(trace, *parse_prefix_policy("kvflow-oracle"), 2).hit_blocks == 1);
  CHECK(known_steps(trace, StepSource::kHints) == StepSource::kHints);
  CHECK(known_steps(trace_of(bare), StepSource::kHints) == StepSource::kLearned);
}

TEST_CASE("KVFlow learns who follows whom from earlier turns") {
  std::string text;
  for (const char* agent : {"a", "b", "a", "b", "a"}) text += turn(0, 4, agent, "[1]");
  const Trace trace = trace_of(text);
  AgentSteps steps(trace, StepSource::kLearned, 4, 2);
  const std::uint32_t a = trace.agent[0], b = trace.agent[1];
  steps.arrived(0);
  CHECK(steps.finished(0));
  CHECK(steps.value(0, b) == 5);  // nothing is known yet: hold + 1
  for (std::uint32_t i = 1; i < 4; ++i) {
    steps.arrived(i);
    (void)steps.finished(i);
  }
  CHECK(steps.value(0, a) == 1);
  CHECK(steps.value(0, b) == 2);
  REQUIRE(steps.soon(0, 1).size() == 1);
  CHECK(steps.soon(0, 1)[0].request == 2);  // a's last turn
}

TEST_CASE("KVFlow brings up the chain of an agent that runs soon") {
  // Two blocks of GPU, a CPU tier with 4 MB blocks at 1 GB/s. x pushes a's block down; b says that
  // a comes next, and its block goes up again in the 4 ms after that.
  for (const bool exact : {false, true}) {
    json config = linear("2blk");
    config["cache"]["reload"] = "always";
    config["cache"]["tiers"].push_back(
        {{"name", "cpu"}, {"size", "9blk"}, {"bw", "1GB/s"}, {"lat", "0s"}});
    const std::string squeezed = turn(0, 4, "a", "[1]") + turn(0.5, 8, "x", "[7,8]") +
                                 turn(1, 4, "b", "[2]", ",\"steps\":{\"a\":1}") +
                                 turn(2, 5, "a", "[1]");
    const SimResult lru = served(config, squeezed, exact);
    CHECK(lru.outcomes.hits[3][1] == 4);
    CHECK(ms(lru.outcomes.stall[3]) == 4);
    config["retention"] = {{"kind", "kvflow"}};
    const SimResult kvflow = served(config, squeezed, exact);
    CHECK(kvflow.outcomes.hits[3][0] == 4);
    CHECK(kvflow.outcomes.stall[3] == 0);
    CHECK(kvflow.outcomes.swap_in_bytes == 4'000'000);
    config["retention"]["ahead"] = 0;
    CHECK(served(config, squeezed, exact).outcomes.hits[3][1] == 4);
  }
}

TEST_CASE("FastSwitch: priorities that change swap requests out and in") {
  json config = linear("100blk");
  config["batch"]["max_seqs"] = 1;
  config["cache"]["tiers"].push_back({{"name", "cpu"}, {"size", "100blk"}, {"bw", "1GB/s"}});
  config["preempt"] = {{"kind", "swap"}, {"mode", "group"}, {"t_call", "0s"}};
  const char* text = "{\"t\":0,\"in\":4,\"out\":60}\n{\"t\":0,\"in\":4,\"out\":60}\n";
  for (const bool exact : {false, true}) {
    CHECK(served(config, text, exact).outcomes.preempted == 0);
    json changing = config;
    changing["preempt"]["freq"] = 0.1;
    const SimResult random = served(changing, text, exact);
    CHECK(random.outcomes.preempted > 0);
    CHECK(random.outcomes.recomputed == 0);
    changing["preempt"]["pattern"] = "markov";
    const SimResult markov = served(changing, text, exact);
    CHECK(markov.outcomes.preempted < random.outcomes.preempted);
  }
  config["preempt"] = {{"kind", "recompute"}, {"freq", 0.1}};
  CHECK_THROWS_AS((void)parse_run_config(config), core::Error);
}

TEST_CASE("admission by SLO turns away what would come late") {
  json config = linear("unbounded");
  config["slo"] = {{"ttft", "35ms"}};
  const char* text = "{\"t\":0,\"in\":100,\"out\":1}\n{\"t\":0,\"in\":200,\"out\":1}\n";
  for (const bool exact : {false, true}) {
    CHECK(served(config, text, exact).outcomes.rejected == 0);
    json careful = config;
    careful["admission"] = "slo";
    const SimResult result = served(careful, text, exact);  // 20 ms, then 10 + 30 for both
    CHECK(result.outcomes.rejected == 1);
    CHECK(result.outcomes.finish[1] == kNoTime);
    CHECK(ms(result.outcomes.finish[0]) == 20);
  }
}

TEST_CASE("block decoding shares a pass among the tokens it commits") {
  json config = linear("unbounded");
  const char* text = "{\"t\":0,\"in\":100,\"out\":5}\n";
  for (const bool exact : {false, true}) {
    CHECK(ms(served(config, text, exact).outcomes.finish[0]) == 20 + 4 * 11);
    config["decode"] = "block:4";
    CHECK(ms(served(config, text, exact).outcomes.finish[0]) == 20 + 4 * 2.75);
    // Without a cache of its own: a pass of 11 ms for 4 tokens, and one more for each window of 8.
    config["decode"] = {
        {"kind", "block"}, {"expected", 4}, {"window", 8}, {"prefix_cacheable", false}};
    CHECK(ms(served(config, text, exact).outcomes.finish[0]) ==
          doctest::Approx(20 + 4 * (11.0 / 4 + 11.0 / 8)));
    config.erase("decode");
  }
  config["decode"] = "block:0.5";
  CHECK_THROWS_AS((void)parse_run_config(config), core::Error);
}

TEST_CASE("semi-PD: two phases on shares of one device") {
  // Alone a prefill has its share x, a decode max(memory, compute / y); a linear cost is all
  // compute. Two prompts of 100 tokens: 20 ms over 0.8 = 25 ms.
  json config = linear("unbounded");
  config["layout"] = "semi-pd";
  config["semi_pd"] = {{"x", 0.8}, {"y", 1.0}};
  const char* one = "{\"t\":0,\"in\":100,\"out\":2}\n";
  for (const bool exact : {false, true}) {
    const SimResult alone = served(config, one, exact);
    CHECK(ms(alone.outcomes.first[0]) == 25);
    CHECK(ms(alone.outcomes.finish[0]) == 25 + 11);
    // B is prefilled from 25 ms on, beside A's decode: 8/18 and 10/18 of the device. A's step takes
    // 11 * 1.8 = 19.8 ms; B has 19.8 / 45 of its work done by then, the rest goes on at 0.8.
    const char* two = "{\"t\":0,\"in\":100,\"out\":2}\n{\"t\":0.001,\"in\":100,\"out\":1}\n";
    const SimResult both = served(config, two, exact);
    CHECK(ms(both.outcomes.finish[0]) == doctest::Approx(25 + 19.8));
    CHECK(ms(both.outcomes.finish[1]) == doctest::Approx(25 + 19.8 + 25 * (1 - 19.8 / 45)));
    json split = config;  // x + y <= 1: no contention
    split["semi_pd"] = {{"x", 0.5}, {"y", 0.5}};
    CHECK(ms(served(split, two, exact).outcomes.finish[0]) == doctest::Approx(40 + 22));
    split["semi_pd"]["y_sat"] = 1.0;  // half of what decode needs: twice as long again
    CHECK(ms(served(split, two, exact).outcomes.finish[0]) == doctest::Approx(40 + 44));
  }
}

TEST_CASE("semi-PD: the controller moves toward the phase that misses its SLO") {
  json config = linear("unbounded");
  config["layout"] = "semi-pd";
  config["semi_pd"] = {{"x", 0.5}, {"y", 0.5}, {"window", "100ms"}, {"step", 0.25}};
  config["slo"] = {{"ttft", "30ms"}, {"tpot", "1s"}};
  std::string text;
  for (int i = 0; i < 10; ++i) {
    text += "{\"t\":" + std::to_string(0.2 * i) + ",\"in\":100,\"out\":1}\n";
  }
  const SimResult result = served(config, text, false);
  const Outcomes& out = result.outcomes;
  CHECK(ms(out.first[0]) == 40);
  // Window after window x = 0.75, then 1, then y gives a step; each change costs 20 ms once.
  CHECK(ms(out.first[1]) == doctest::Approx(200 + 20 + 20 / 0.75));
  CHECK(ms(out.first[3]) == doctest::Approx(600 + 40));
  CHECK(ms(out.first[9]) == doctest::Approx(1800 + 20));
}
