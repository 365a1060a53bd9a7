// Any bytes as a trace of any format: a Trace or a core::Error, never anything else.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"
#include "kv/prefix_cache.hpp"
#include "kv/readers.hpp"
#include "kv/trace_stat.hpp"
#include "kv/trace_writer.hpp"

using namespace stateutils;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 1 << 16) return 0;
  kv::TraceOptions options;
  options.from = kv::trace_formats()[data[0] % kv::trace_formats().size()];
  options.lenient = (data[0] & 128) != 0;
  options.max_line = 1 << 16;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const auto source = core::memory_input(text);
    const kv::Trace trace = kv::read_trace(*source, options);
    static_cast<void>(kv::trace_stat_json(trace));
    core::MemoryOutput out;
    core::JsonlWriter writer(out);
    kv::write_trace(trace, writer);
    if (trace.has_blocks() && trace.chains) {
      static_cast<void>(kv::prefix_forest(trace, *kv::parse_prefix_policy("lfu"), 3));
    }
  } catch (const core::Error&) {
  }
  return 0;
}
