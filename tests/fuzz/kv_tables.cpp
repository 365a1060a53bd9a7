// Tables of the companion models, results to be drawn and objectives: whatever the bytes are, a
// result or an input error; what is drawn is closed and escaped.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.hpp"
#include "kv/autoscale.hpp"
#include "kv/balance.hpp"
#include "kv/coldstart.hpp"
#include "kv/objective.hpp"
#include "kv/plot.hpp"
#include "kv/quantity.hpp"
#include "kv/rlpipe.hpp"
#include "kv/sandbox.hpp"

using namespace stateutils;

namespace {

void draw(const std::string& text) {
  std::vector<std::unique_ptr<core::ByteSource>> sources;
  sources.push_back(core::memory_input(text, "<b>"));
  const std::string svg = kv::plot_svg(sources, {});
  if (!svg.ends_with("</svg>\n") || svg.find("<b>") != std::string::npos) std::abort();
}

void run(unsigned kind, const std::string& text) {
  switch (kind % 8) {
    case 0: {
      const kv::CallTable table = kv::read_calls(text, "t");
      static_cast<void>(kv::simulate_coldstart(table, kv::parse_keep_alive("trigger"), 1, {}, 0));
      return;
    }
    case 1:
      static_cast<void>(kv::pod_utility(kv::read_pods(text, "t"), 60));
      return;
    case 2: {
      const auto samples = kv::read_concurrency(text, "t");
      if (samples.back().t - samples.front().t < 1e5) {
        static_cast<void>(kv::scale_pods(samples, {}));
      }
      return;
    }
    case 3: {
      const kv::SandboxTable table = kv::read_sandboxes(text, "t", "", "c");
      kv::SandboxRule rule;
      rule.host_mb = 1000;
      rule.limit_mb = 100;
      static_cast<void>(kv::simulate_sandboxes(table, rule));
      return;
    }
    case 4:
      static_cast<void>(kv::run_pipeline(kv::read_samples(text, "t"), 1, true));
      return;
    case 5:
      static_cast<void>(
          kv::Objective(text).of(nlohmann::json{{"cost", 1.0}, {"ttft", {{"p99", 2.0}}}}));
      return;
    case 6:
      static_cast<void>(kv::parse_quantity(text));
      return;
    default:
      draw(text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    run(data[0], std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
  } catch (const core::Error&) {
  }
  return 0;
}
