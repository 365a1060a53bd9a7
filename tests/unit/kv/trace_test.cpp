// Readers: what they take, what they refuse.
#include <doctest.h>

#include "core/error.hpp"
#include "kv/quantiles.hpp"
#include "kv/trace_stat.hpp"
#include "kv_support.hpp"

namespace stateutils::kv {
namespace {

std::string refusal(const std::string& text, const TraceOptions& options = {}) {
  try {
    const Trace trace = trace_of(text, options);
    return "";
  } catch (const core::Error& error) {
    CHECK(error.category() == core::Category::kInput);
    return error.what();
  }
}

bool refused(const std::string& text, const std::string& part) {
  const std::string what = refusal(text);
  INFO(what);
  return what.find(part) != std::string::npos;
}

TEST_CASE("record fields are read and linked") {
  const Trace trace = trace_of(
      R"({"id":"a","t":1.5,"in":10,"out":2,"session":"s","agent":"m","turn":0,"tools":[{"name":"x","duration_ms":5},{"name":"y","duration_ms":9}]})"
      "\n"
      R"({"id":"b","after":"a","gap_s":0.25,"in":12,"out":0,"session":"s","last":false})"
      "\n"
      R"({"id":"c","parents":["a","b"],"in":1,"out":1,"slo":{"ttft":2}})"
      "\n");
  CHECK(trace.size() == 3);
  CHECK(trace.t == std::vector<std::int64_t>{1'500'000'000, kNoTime, kNoTime});
  CHECK(trace.words[trace.tool[0]] == "y");
  CHECK(trace.parents == std::vector<std::uint32_t>{0, 0, 1});
  CHECK(trace.gap[1] == 250'000'000);
  CHECK_FALSE(trace.is_last(0));
  CHECK_FALSE(trace.is_last(1));  // said so
  CHECK(trace.is_last(2));        // without a session
  CHECK(trace.slo_ttft[2] == 2 * kSecond);
}

TEST_CASE("hostile records are refused with their line") {
  CHECK(refused("", "holds no request"));
  CHECK(refused("{\"in\":0,\"out\":1}\n", "t:1: \"in\" is 0"));
  CHECK(refused("{\"in\":1.5,\"out\":1}\n", "expected an integer"));
  CHECK(refused("{\"in\":-1,\"out\":1}\n", "expected an integer"));
  CHECK(refused("{\"in\":5000000000,\"out\":1}\n", "tokens"));
  CHECK(refused("{\"in\":1,\"out\":1,\"t\":-1}\n", "time"));
  CHECK(
      refused("{\"id\":\"a\",\"in\":1,\"out\":1}\n{\"id\":\"a\",\"in\":1,\"out\":1}\n", "line 1"));
  CHECK(refused("{\"id\":\"a\",\"after\":\"b\",\"in\":1,\"out\":1}\n", "does not hold"));
  CHECK(
      refused("{\"id\":\"a\",\"after\":\"b\",\"in\":1,\"out\":1}\n"
              "{\"id\":\"b\",\"after\":\"a\",\"in\":1,\"out\":1}\n",
              "follows itself"));
  CHECK(refused("{\"t\":2,\"in\":1,\"out\":1}\n{\"t\":1,\"in\":1,\"out\":1}\n", "--sort"));
}

TEST_CASE("hostile block ids are refused") {
  const std::string head = "{\"in\":4,\"out\":1,\"block\":2,";
  CHECK(refused(head + "\"hash_runs\":[[1,1152921504606846976]]}\n", "longer than the prompt"));
  CHECK(refused(head + "\"hash_ids\":[1]}\n", "1 block ids for 4 tokens"));
  CHECK(refused(head + "\"hash_ids\":[1,2,3]}\n", "longer than the prompt"));
  CHECK(refused(head + "\"hash_ids\":[1,9223372036854775809]}\n", "2^63"));
  CHECK(refused(head + "\"hash_ids\":[1,2]}\n" + head + "\"hash_ids\":[3,2]}\n",
                "t:2: a block has another parent than at line 1"));
  CHECK(refused(head + "\"hash_ids\":[1,1]}\n", "parent"));
  CHECK(
      refused("{\"in\":3,\"out\":1,\"block\":2,\"hash_ids\":[1]}\n"
              "{\"in\":3,\"out\":1,\"block\":2,\"hash_ids\":[1,2]}\n",
              "partial block"));
  CHECK(refused("{\"in\":2,\"out\":1,\"hash_ids\":[1]}\n", "without \"block\""));
}

TEST_CASE("wide and scattered ids are numbered by first use") {
  const std::string big = "9223372036854775807";
  const Trace trace = trace_of(
      "{\"in\":2,\"out\":1,\"block\":1,\"hash_ids\":[7,8]}\n"
      "{\"in\":3,\"out\":1,\"block\":1,\"hash_ids\":[7,8," +
      big + "]}\n");
  CHECK(trace.distinct == 3);
  CHECK(trace.runs_of(1)[0] == Run{0, 3});
  const Trace scattered =
      trace_of("{\"in\":2,\"out\":1,\"block\":1,\"hash_ids\":[1,4000000000]}\n");
  CHECK(scattered.distinct == 2);
}

TEST_CASE("sessions get arrivals, scopes and shared prefixes") {
  TraceOptions options;
  options.session_arrival = "fixed:30";
  const std::string text =
      "{\"session\":\"a\",\"t\":0,\"in\":128,\"out\":1,\"hash_ids\":[1,2]}\n"
      "{\"session\":\"a\",\"t\":40,\"in\":130,\"out\":1,\"hash_ids\":[1,2]}\n"
      "{\"session\":\"b\",\"t\":0,\"in\":128,\"out\":1,\"hash_ids\":[1,2]}\n";
  const Trace trace = trace_of(text, options);
  CHECK(trace.session_scope);
  CHECK(trace.block == 64);
  CHECK(trace.distinct == 4);
  CHECK(trace.t == std::vector<std::int64_t>{0, 30 * kSecond, 40 * kSecond});
  TraceOptions prefix;
  prefix.prefix = "session";
  prefix.block = 10;
  const Trace made = trace_of(
      "{\"session\":\"a\",\"in\":25,\"out\":1}\n"
      "{\"session\":\"a\",\"in\":47,\"out\":1}\n",
      prefix);
  CHECK(made.references == 6);
  CHECK(made.distinct == 4);
}

TEST_CASE("every published format is read") {
  const std::string folder = std::string(TESTDATA_DIR) + "/kv-sim/";
  const auto load = [&](const std::string& name) {
    const auto source = core::open_input(folder + name);
    return read_trace(*source, {});
  };
  const Trace azure = load("azure2023_head.csv");
  CHECK(azure.format == "azure");
  CHECK(azure.t[1] == 4'314'579'000);
  const Trace burst = load("burstgpt_head.csv");
  CHECK(burst.size() == 3);
  CHECK(burst.dropped == 1);
  CHECK(burst.sessions[burst.session[2]] == "2");
  CHECK(load("splitwise_trace.csv").t[2] == 4 * kSecond);
  const Trace session = load("kv-cache-tester_trace_0504.json");
  CHECK(session.size() == 3);
  CHECK(session.partial == Partial::kFloor);
  CHECK(session.runs_of(2).size() == 2);
  const Trace vllm = load("vllm.log");
  CHECK(vllm.size() == 2);
  CHECK(vllm.skipped_lines == 2);
  CHECK(vllm.in[0] == 4);
  CHECK(vllm.t[1] == 2 * kSecond);
  const Trace sglang = load("sglang.log");
  CHECK(sglang.id_of(0) == "r1");
  CHECK(sglang.t[1] == 1'750'000'000);
  const Trace mooncake = load("mooncake_head.jsonl");
  CHECK(mooncake.block == 512);
  CHECK(mooncake.partial == Partial::kCeil);
}

TEST_CASE("a header names a column once, and a day is one of its month") {
  const std::string head = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  const auto day = [&head](const std::string& date) {
    return refusal(head + date + " 18:15:46.6805900,374,44\n");
  };
  CHECK(day("2024-02-29") == "");
  CHECK(day("2000-02-29") == "");
  for (const char* none : {"2023-02-29", "2100-02-29", "2023-02-30", "2023-04-31", "2023-01-00"}) {
    INFO(none);
    CHECK(day(none).find("is no time") != std::string::npos);
  }
  CHECK(
      refused("TIMESTAMP,TIMESTAMP,ContextTokens,GeneratedTokens\n", "column \"TIMESTAMP\" twice"));
}

TEST_CASE("a document of kv-cache-tester is bounded as a line is") {
  const std::string text = R"({"id":"s","block_size":1,"requests":[{"t":0,"in":1,"out":1}]})";
  TraceOptions options;
  options.max_line = text.size();
  CHECK(refusal(text, options) == "");
  --options.max_line;
  CHECK(refusal(text, options).find("larger than") != std::string::npos);
}

TEST_CASE("subagents are flattened into their session") {
  const Trace trace = trace_of(
      R"({"id":"s","block_size":1,"hash_id_scope":"local","requests":[{"t":0,"in":1,"out":1,"hash_ids":[1]},)"
      R"({"type":"subagent","t":5,"agent_id":"agent_001","subagent_type":"Explore","requests":[{"t":1,"in":1,"out":1,"hash_ids":[9]}]},)"
      R"({"t":7,"in":2,"out":1,"hash_ids":[1,2]}]})");
  CHECK(trace.size() == 3);
  CHECK(trace.words[trace.agent[1]] == "agent_001:Explore");
  CHECK(trace.t[1] == 6 * kSecond);
  CHECK(trace.id_of(2) == "s/2");
  CHECK(trace.turn[2] == 1);
}

TEST_CASE("oracleGeneral records are 24 bytes") {
  std::string bytes(48, '\0');
  bytes[4] = 5;
  bytes[24] = 2;
  bytes[28] = 5;
  TraceOptions options;
  options.from = "oracle";
  const Trace trace = trace_of(bytes, options);
  CHECK(trace.size() == 2);
  CHECK(trace.distinct == 1);
  bytes.pop_back();
  CHECK(refusal(bytes, options).find("cut off") != std::string::npos);
}

TEST_CASE("percentiles are numpy's") {
  std::vector<double> values = {4, 1, 3, 2};
  const Quantiles q = quantiles(values);
  CHECK(q.p50 == 2.5);
  CHECK(q.p90 == doctest::Approx(3.7));
  const std::vector<std::uint64_t> counts = {0, 1, 1, 1, 1};
  CHECK(histogram_quantiles(counts).p90 == doctest::Approx(3.7));
  CHECK(histogram_quantiles(counts).mean == 2.5);
}

}  // namespace
}  // namespace stateutils::kv
