// The options by which subcommands name and read a trace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/cli.hpp"
#include "core/io.hpp"
#include "kv/capacity.hpp"
#include "kv/trace.hpp"

namespace stateutils::tools {

struct TraceInput {
  std::string file = "-", from = "auto", prefix = "none";
  bool sort = false, lenient = false;
  std::optional<std::string> scope, session_arrival;
  std::optional<std::uint64_t> block;
  std::uint64_t limit = 0;
  core::ByteSize max_line{64ull << 20};
};

void add_trace_options(core::Command& command, TraceInput& input);
// Reads it; what was dropped or skipped is said in one line on stderr.
[[nodiscard]] kv::Trace read_trace(const TraceInput& input, const core::Io& io);

// Units of sizes in `cache` and `mrc`.
struct SizeUnits {
  std::optional<std::string> model, model_config;
  std::optional<std::uint64_t> kv_bytes;
};
void add_size_options(core::Command& command, SizeUnits& units);
[[nodiscard]] kv::CapacityScale size_scale(const SizeUnits& units, const kv::Trace& trace);

}  // namespace stateutils::tools
