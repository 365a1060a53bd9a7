// A configuration and a trace, divided by a line of its own: a result of both loops or a
// core::Error, never anything else, and the same result from both.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json.hpp"
#include "kv/engine.hpp"
#include "kv/readers.hpp"

using namespace stateutils;

namespace {

// A run that a fuzzer's input may ask for: little memory and few tokens.
bool is_small(const kv::Trace& trace, const kv::RunConfig& config) {
  constexpr std::uint64_t kTokens = 5000;
  std::uint64_t tokens = 0, instances = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    tokens += std::uint64_t{trace.in[i]} + trace.out[i];
  }
  for (const kv::FleetEntry& entry : config.fleet) instances += entry.count;
  return tokens <= kTokens && instances <= 8 && trace.size() <= 50 && !config.splitwise &&
         config.cost.kind != kv::CostConfig::Kind::kTable;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 14) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == std::string::npos) return 0;
  const std::string requests = text.substr(line + 1);
  try {
    const kv::RunConfig config =
        kv::parse_run_config(core::parse_json(text.substr(0, line), "config"));
    const auto source = core::memory_input(requests);
    kv::TraceOptions options;
    options.from = "kvsim";
    const kv::Trace trace = kv::read_trace(*source, options);
    if (!is_small(trace, config)) return 0;
    kv::SimOptions fast, plain;
    plain.exact_steps = true;
    const kv::SimResult a = kv::simulate(trace, config, fast);
    const kv::SimResult b = kv::simulate(trace, config, plain);
    if (a.outcomes.finish != b.outcomes.finish) std::abort();
  } catch (const core::Error&) {
  }
  return 0;
}
