// A small model in front of the fleet: mean time = t_small + (1 - share) t_base without queues.
#include <doctest.h>

#include <nlohmann/json.hpp>

#include "kv/engine.hpp"
#include "kv_support.hpp"

using namespace stateutils;
using namespace stateutils::kv;

namespace {

RunConfig with_funnel(const char* funnel) {
  auto document = nlohmann::json::parse(R"({"trace":{"file":"t"},
    "cost":{"kind":"linear","a":"10ms","b":"0.1ms","c":"1ms","d":"0ms"}})");
  document["funnel"] = nlohmann::json::parse(funnel);
  return parse_run_config(document);
}

double mean_ms(const Trace& trace, const RunConfig& config, bool exact) {
  SimOptions options;
  options.exact_steps = exact;
  const SimResult result = simulate(trace, config, options);
  double sum = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    sum += static_cast<double>(result.outcomes.finish[i] - result.arrival[i]);
  }
  return sum / 1e6 / trace.size();
}

}  // namespace

TEST_CASE("the funnel answers its share and delays the rest") {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "{\"t\":" + std::to_string(i) + ",\"in\":100,\"out\":3}\n";
  const Trace trace = trace_of(text);
  for (const bool exact : {false, true}) {
    // Alone a request takes 20 + 2 x 11 ms.
    CHECK(mean_ms(trace, with_funnel("{}"), exact) == 42);
    CHECK(mean_ms(trace, with_funnel(R"({"share":0.5,"t_small":"200ms"})"), exact) == 221);
    CHECK(mean_ms(trace, with_funnel(R"({"share":1,"t_small":"200ms"})"), exact) == 200);
    CHECK(mean_ms(trace, with_funnel(R"({"share":0,"t_small":"200ms"})"), exact) == 242);
  }
}

TEST_CASE("a turn follows the answer of the small model") {
  const Trace trace = trace_of(
      "{\"id\":\"a\",\"t\":0,\"in\":100,\"out\":3}\n"
      "{\"id\":\"b\",\"after\":\"a\",\"gap_s\":1,\"in\":100,\"out\":3}\n");
  const SimResult result = simulate(trace, with_funnel(R"({"share":1,"t_small":"2s"})"), {});
  CHECK(result.arrival[1] == 3 * kSecond);
  CHECK(result.outcomes.finish[1] == 5 * kSecond);
}
