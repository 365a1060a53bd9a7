// Multi-Stream LLMs: a request writes while it reads; passes are counted with a cost of 10 ms each.
#include <doctest.h>

#include <nlohmann/json.hpp>

#include "kv/engine.hpp"
#include "kv_support.hpp"

using namespace stateutils;
using namespace stateutils::kv;

namespace {

RunConfig with_streams(bool streams, std::uint32_t max_tokens) {
  const nlohmann::json document = {{"trace", {{"file", "t"}}},
                                   {"cost", {{"kind", "linear"}, {"a", "10ms"}}},
                                   {"batch", {{"max_tokens", max_tokens}}},
                                   {"streams", streams}};
  return parse_run_config(document);
}

// Passes from the first arrival to the last finish; both loops must agree.
std::int64_t passes(const std::string& text, bool streams, std::uint32_t max_tokens = 2) {
  const Trace trace = trace_of(text);
  const RunConfig config = with_streams(streams, max_tokens);
  SimOptions options;
  const SimResult fast = simulate(trace, config, options);
  options.exact_steps = true;
  CHECK(simulate(trace, config, options).outcomes.finish == fast.outcomes.finish);
  return fast.outcomes.finish.back() / 10'000'000;
}

std::string request(int in, int out) {
  return "{\"t\":0,\"in\":" + std::to_string(in) + ",\"out\":" + std::to_string(out) + "}\n";
}

}  // namespace

TEST_CASE("passes are the longer stream's, not the sum") {
  // Two tokens a pass: in a stream one is read and one is written, from the second pass on.
  CHECK(passes(request(40, 60), false) == 20 + 59);
  CHECK(passes(request(40, 60), true) == 60);
  // One that reads for longer than it writes ends with its reading: 4 tokens are written before.
  CHECK(passes(request(40, 5), false) == 20 + 4);
  CHECK(passes(request(40, 5), true) == (40 + 4) / 2);
  // Nothing to overlap: a prompt of one pass, an answer of one token.
  CHECK(passes(request(2, 9), true) == passes(request(2, 9), false));
  CHECK(passes(request(40, 1), true) == passes(request(40, 1), false));
}

TEST_CASE("a job whose tools answer at once saves the reading that overlaps") {
  std::string job;
  for (int turn = 0; turn < 3; ++turn) {
    job += "{\"id\":\"" + std::to_string(turn) + "\",";
    job += turn == 0 ? "\"t\":0," : "\"after\":\"" + std::to_string(turn - 1) + "\",\"gap_s\":0,";
    job += "\"in\":100,\"out\":50,\"session\":\"s\"}\n";
  }
  // A turn reads for 10 passes of 10 tokens, 11 with the 10 tokens that it writes meanwhile.
  CHECK(passes(job, false, 10) == 3 * (10 + 49));
  CHECK(passes(job, true, 10) == 3 * (11 + 39));
}

TEST_CASE("no job takes longer with streams than without") {
  for (int in = 1; in < 40; in += 3) {
    for (int out = 1; out < 40; out += 4) {
      for (const std::uint32_t tokens : {1u, 2u, 3u, 7u, 64u}) {
        const std::string text = request(in, out);
        CHECK(passes(text, true, tokens) <= passes(text, false, tokens));
      }
    }
  }
}
