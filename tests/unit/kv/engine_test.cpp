// Serving by hand: each case says what every iteration takes. Both loops must give it.
#include "kv/engine.hpp"

#include <doctest.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "kv/config_paths.hpp"
#include "kv/engine_report.hpp"
#include "kv/objective.hpp"
#include "kv_support.hpp"

using namespace stateutils;
using namespace stateutils::kv;
using nlohmann::json;

namespace {

// a = 10 ms, b = 0.1 ms a prefill token, c = 1 ms a decode, d = 0.
json linear() {
  return json::parse(R"({"trace":{"file":"t"},
    "cost":{"kind":"linear","a":"10ms","b":"0.1ms","c":"1ms","d":"0ms"},
    "model":{"layers":10,"kv_bytes_per_token":1000000},"batch":{"max_tokens":512}})");
}

SimOptions detailed(bool exact) {
  SimOptions options;
  options.exact_steps = exact;
  options.detail = true;
  return options;
}

struct Served {
  RunConfig config;
  Trace trace;
  SimResult result;
  Served(const json& document, const std::string& text, bool exact)
      : config(parse_run_config(document)),
        trace(trace_of(text)),
        result(simulate(trace, config, detailed(exact))) {}
  [[nodiscard]] double finish(std::uint32_t i) const {
    return static_cast<double>(result.outcomes.finish[i]) / 1e6;  // ms
  }
  [[nodiscard]] double first(std::uint32_t i) const {
    return static_cast<double>(result.outcomes.first[i]) / 1e6;
  }
};

const char* const kTwo = "{\"t\":0,\"in\":100,\"out\":3}\n{\"t\":0.005,\"in\":200,\"out\":2}\n";

}  // namespace

TEST_CASE("linear cost, whole prompts in the budget (design section 10)") {
  for (const bool exact : {false, true}) {
    const Served run(linear(), kTwo, exact);
    CHECK(run.first(0) == 20);
    CHECK(run.first(1) == 51);
    CHECK(run.finish(0) == 63);
    CHECK(run.finish(1) == 63);
  }
}

TEST_CASE("linear cost, chunks of a budget of 128 (design section 10)") {
  json document = linear();
  document["batch"]["max_tokens"] = 128;
  for (const bool exact : {false, true}) {
    const Served run(document, kTwo, exact);
    CHECK(run.first(0) == 20);
    CHECK(run.first(1) == 62);
    CHECK(run.finish(0) == 62);
    CHECK(run.finish(1) == 73);
    CHECK(run.result.outcomes.iterations == 4);
  }
}

TEST_CASE("preemption recomputes the latest") {
  // 3 blocks of 4 tokens. A and B hold one each after prefill (20 ms both: 10 + 0.1*8 = 10.8);
  // at their first decode both need a block, one is free: B goes, A runs to its end, B comes back
  // with 5 tokens to compute and has its second token after that prefill.
  json document = linear();
  document["batch"]["block"] = 4;
  document["cache"]["tiers"] = json::array({{{"name", "gpu"}, {"size", "3blk"}}});
  const char* text = "{\"t\":0,\"in\":4,\"out\":3}\n{\"t\":0,\"in\":4,\"out\":2}\n";
  for (const bool exact : {false, true}) {
    const Served run(document, text, exact);
    CHECK(run.first(0) == doctest::Approx(10.8));
    CHECK(run.finish(0) == doctest::Approx(10.8 + 11 + 11));
    // No room for B's two blocks until A has gone.
    CHECK(run.finish(1) == doctest::Approx(32.8 + 10.5));
    CHECK(run.result.outcomes.preempted == 1);
    CHECK(run.result.outcomes.recomputed == 5);
  }
}

TEST_CASE("preemption by swap moves the KV and computes nothing again") {
  json document = linear();
  document["batch"]["block"] = 4;
  document["cache"]["tiers"] =
      json::array({{{"name", "gpu"}, {"size", "3blk"}},
                   {{"name", "cpu"}, {"size", "100blk"}, {"bw", "1GB/s"}, {"lat", "0s"}}});
  document["preempt"] = {{"kind", "swap"}, {"mode", "block"}, {"t_call", "0s"}};
  const char* text = "{\"t\":0,\"in\":4,\"out\":3}\n{\"t\":0,\"in\":4,\"out\":2}\n";
  for (const bool exact : {false, true}) {
    const Served run(document, text, exact);
    // 4 tokens of 1 MB at 1 GB/s: 4 ms out before A's step, 4 ms in before B's.
    CHECK(run.finish(0) == doctest::Approx(10.8 + 4 + 11 + 11));
    CHECK(run.finish(1) == doctest::Approx(36.8 + 4 + 11));
    CHECK(run.result.outcomes.recomputed == 0);
    CHECK(run.result.outcomes.swap_out_bytes == 4'000'000);
    CHECK(run.result.outcomes.swap_in_bytes == 4'000'000);
  }
}

TEST_CASE("a prefix hit saves its tokens, but for the last block") {
  const char* text =
      "{\"t\":0,\"in\":8,\"out\":1,\"block\":4,\"hash_ids\":[1,2]}\n"
      "{\"t\":1,\"in\":8,\"out\":1,\"block\":4,\"hash_ids\":[1,2]}\n";
  json document = linear();
  document["batch"]["block"] = 4;
  for (const bool exact : {false, true}) {
    const Served run(document, text, exact);
    CHECK(run.finish(0) == doctest::Approx(10.8));
    CHECK(run.finish(1) == doctest::Approx(1010.4));  // floor((8-1)/4) = 1 block of 4 tokens
    CHECK(run.result.outcomes.hits[1][0] == 4);
    CHECK(run.result.outcomes.prefilled[1] == 4);
  }
}

TEST_CASE("a closed loop arrives a gap after its parent's end") {
  const char* text =
      "{\"id\":\"a\",\"t\":0,\"in\":100,\"out\":1}\n"
      "{\"id\":\"b\",\"after\":\"a\",\"gap_s\":0.5,\"in\":100,\"out\":1}\n";
  for (const bool exact : {false, true}) {
    const Served run(linear(), text, exact);
    CHECK(run.finish(0) == 20);
    CHECK(run.result.arrival[1] == 520'000'000);
    CHECK(run.finish(1) == 540);
  }
}

TEST_CASE("retention keeps a paused program's blocks from eviction") {
  // Two blocks of room. s's first turn leaves block 1; x needs both and would evict it.
  const char* text =
      "{\"t\":0,\"in\":4,\"out\":1,\"block\":4,\"hash_ids\":[1],\"session\":\"s\"}\n"
      "{\"t\":0.1,\"in\":8,\"out\":1,\"block\":4,\"hash_ids\":[7,8],\"session\":\"x\"}\n"
      "{\"t\":0.2,\"in\":7,\"out\":1,\"block\":4,\"hash_ids\":[1],\"session\":\"s\"}\n";
  json document = linear();
  document["batch"]["block"] = 4;
  document["cache"]["tiers"] = json::array({{{"name", "gpu"}, {"size", "3blk"}}});
  for (const bool exact : {false, true}) {
    const Served lru(document, text, exact);
    CHECK(lru.result.outcomes.hits[2][0] == 4);  // three blocks of room keep it anyway
    json tight = document;
    tight["cache"]["tiers"][0]["size"] = "2blk";
    const Served evicted(tight, text, exact);
    CHECK(evicted.result.outcomes.hits[2][0] == 0);
    tight["retention"] = {{"kind", "ttl"}, {"ttl", "300ms"}};
    const Served pinned(tight, text, exact);
    // x finds the engine idle and no room: the pin of the latest program gives way.
    CHECK(pinned.result.outcomes.hits[2][0] == 0);
    tight["cache"]["tiers"][0]["size"] = "3blk";
    const Served kept(tight, text, exact);
    CHECK(kept.result.outcomes.hits[2][0] == 4);
    CHECK(kept.result.outcomes.ttl[0] == 300'000'000);
  }
}

TEST_CASE("disaggregated: KV moves after the prefill, or behind it layer by layer") {
  json document = linear();
  document["fleet"] =
      json::array({{{"name", "p"}, {"role", "prefill"}}, {{"name", "d"}, {"role", "decode"}}});
  document["transfer"] = {{"bw", "10GB/s"}};
  const char* text = "{\"t\":0,\"in\":100,\"out\":2}\n";  // 100 MB: 10 ms; prefill 20 ms
  for (const bool exact : {false, true}) {
    const Served run(document, text, exact);
    CHECK(run.first(0) == 20);
    CHECK(run.finish(0) == 20 + 10 + 11);
    json layered = document;
    layered["transfer"]["overlap"] = "layer";
    const Served hidden(layered, text, exact);
    CHECK(hidden.finish(0) == 20 + 1 + 11);  // a tenth of it, the last of 10 layers
  }
}

TEST_CASE("what can never fit is rejected, and followers go on") {
  json document = linear();
  document["batch"]["block"] = 4;
  document["cache"]["tiers"] = json::array({{{"name", "gpu"}, {"size", "2blk"}}});
  const char* text =
      "{\"id\":\"a\",\"t\":0,\"in\":9,\"out\":1}\n{\"id\":\"b\",\"after\":\"a\",\"in\":8,\"out\":1}"
      "\n";
  for (const bool exact : {false, true}) {
    const Served run(document, text, exact);
    CHECK(run.result.outcomes.rejected == 1);
    CHECK(run.finish(1) == doctest::Approx(10.8));
  }
}

TEST_CASE("the longest gap between tokens and the SLOs") {
  json document = linear();
  document["slo"] = {{"ttft", "30ms"}, {"tpot", "25ms"}};
  const Served run(document, kTwo, false);
  CHECK(run.result.outcomes.tbt_max[0] == 31'000'000);
  std::string text;
  core::JsonWriter writer(text);
  writer.begin_object();
  write_summary(writer, run.trace, run.config, run.result, true);
  writer.end_object();
  const json summary = json::parse(text);
  CHECK(summary["slo_attainment"] == 0.5);  // B's first token comes after 46 ms
  CHECK(summary["makespan_s"] == 0.063);
  CHECK(Objective("(ttft.max - ttft.p50) * 2 + max(1, slo_attainment)").of(summary) ==
        doctest::Approx(1.026));
}

TEST_CASE("roofline: the compact figures of LLaMA3-70B") {
  const RunConfig config = parse_run_config(json::parse(
      R"({"trace":{"file":"t"},"model":"llama3-70b","cost":{"kind":"roofline","device":"h100-sxm"},
          "fleet":[{"tp":8}]})"));
  CHECK(config.kv_bytes_per_token == 327'680);
  const auto cost = make_cost_model(config, config.fleet[0]);
  // A line in the context holds up to where compute and memory cross; both give the same there.
  BatchShape batch;
  batch.decodes = 32;
  for (std::uint64_t ctx = 1000; ctx < 4'000'000; ctx = ctx * 3 + 7) {
    const CostLine line = cost->line(batch, ctx);
    const std::uint64_t last = std::min<std::uint64_t>(line.last, ctx + 100'000);
    CHECK(line.at(last) == cost->cost(batch, last));
    Wide sum = 0;
    for (std::uint64_t k = 0; k < 50; ++k) sum += cost->cost(batch, ctx + 32 * k);
    CHECK((sum_steps(*cost, 32, ctx, 50).total == sum));
  }
}

TEST_CASE("configurations: unknown keys, units and paths") {
  json document = linear();
  document["batch"]["max_token"] = 3;
  CHECK_THROWS_AS((void)parse_run_config(document), core::Error);
  document = linear();
  document["preempt"] = "swap";
  CHECK_THROWS_WITH_AS((void)parse_run_config(document),
                       "config: \"preempt\": swap needs a second tier", core::Error);
  document = linear();
  document["cache"]["tiers"] = json::array({{{"name", "gpu"}, {"size", "3blk"}}});
  set_path(document, "cache.tiers.gpu.size", "40GiB");
  set_path(document, "batch.max_seqs", "7");
  CHECK(document["cache"]["tiers"][0]["size"] == "40GiB");
  CHECK(document["batch"]["max_seqs"] == 7);
  CHECK_THROWS_AS(set_path(document, "cache.tiers.ssd.size", "1"), core::Error);
  CHECK_THROWS_AS(Objective("ttft.p98"), core::Error);
  CHECK_THROWS_AS(Objective("1 +"), core::Error);
}
