// splitwise-sim's own figures for its test trace, and its whole-run means on the Azure code trace.
#include "kv/splitwise.hpp"

#include <doctest.h>

#include <nlohmann/json.hpp>

#include "core/input.hpp"
#include "kv/run_trace.hpp"
#include "kv_support.hpp"

using namespace stateutils::kv;
using nlohmann::json;

TEST_CASE("test_trace on one DGX-H100, bloom-176b (design section 10)") {
  const json document = json::parse(R"({"trace":{"file":")" TESTDATA_DIR
                                    R"(/kv-sim/splitwise_trace.csv"},"model":"bloom-176b",
          "compat":"splitwise","router":"token-jsq","fleet":[{"device":"dgx-h100"}]})");
  const RunConfig config = parse_run_config(document);
  const SplitwiseResult r = simulate_splitwise(load_run_trace(config, false).trace, config);
  const double ttft[] = {0.6495982770284172, 0.25196400948334485, 0.25196400948334485};
  const double e2e[] = {1.7447429609198237, 0.49925474455559815, 0.7818727274953154};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(r.first[i] - r.arrival[i] == doctest::Approx(ttft[i]).epsilon(1e-12));
    CHECK(r.finish[i] - r.arrival[i] == doctest::Approx(e2e[i]).epsilon(1e-12));
  }
}

TEST_CASE("mixed pool: a prompt's KV takes the link, and a lone pool lends its machines") {
  const json document = json::parse(R"({"trace":{"file":")" TESTDATA_DIR
                                    R"(/kv-sim/splitwise_trace.csv"},"model":"llama2-70b",
          "compat":"splitwise","router":"mixed-pool",
          "fleet":[{"device":"dgx-h100","role":"prefill"},{"device":"dgx-a100","role":"decode"}]})");
  const RunConfig config = parse_run_config(document);
  const SplitwiseResult r = simulate_splitwise(load_run_trace(config, false).trace, config);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(r.prompt_instance[i] == 0);
    CHECK(r.token_instance[i] == 1);
    CHECK(r.finish[i] > r.first[i]);
  }
}
