// mrc: the miss-ratio curve over all sizes.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"
#include "kv/flat_cache.hpp"
#include "result_output.hpp"
#include "trace_input.hpp"

namespace stateutils::tools {
namespace {

struct MrcOptions {
  TraceInput input;
  SizeUnits units;
  std::string policy = "lru", output = "-";
  std::uint64_t points = 100;
  std::vector<std::string> capacities;
  bool no_frame = false;
};

// The distinct roundings of N log-spaced sizes from 1 to all blocks.
std::vector<std::uint64_t> log_spaced(std::uint64_t points, std::uint64_t most) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t k = 0; k < points; ++k) {
    const double share =
        points == 1 ? 1.0 : static_cast<double>(k) / static_cast<double>(points - 1);
    const auto size =
        static_cast<std::uint64_t>(std::llround(std::pow(static_cast<double>(most), share)));
    if (sizes.empty() || size != sizes.back()) sizes.push_back(size);
  }
  return sizes;
}

// LRU from one pass over the trace, other policies by a run at each size.
std::vector<std::uint64_t> hits_at(const MrcOptions& o, const kv::Trace& trace,
                                   const std::vector<std::uint64_t>& sizes, std::uint64_t seed) {
  std::vector<std::uint64_t> hits;
  if (o.policy != "lru") {
    for (const std::uint64_t size : sizes) {
      hits.push_back(kv::flat_cache(trace, o.policy, size, seed).hits);
    }
    return hits;
  }
  std::vector<std::uint64_t> sum = kv::lru_distances(trace);
  for (std::size_t d = 1; d < sum.size(); ++d) sum[d] += sum[d - 1];
  for (const std::uint64_t size : sizes) {
    hits.push_back(sum[std::min<std::uint64_t>(size, sum.size() - 1)]);
  }
  return hits;
}

int mrc(const MrcOptions& o, const core::Io& io) {
  const kv::Trace trace = read_trace(o.input, io);
  if (!trace.has_blocks() || trace.references == 0) {
    throw core::input_error({o.input.file},
                            "the trace has no block ids; --prefix session makes them");
  }
  const kv::CapacityScale scale = size_scale(o.units, trace);
  std::vector<std::uint64_t> sizes;
  for (const std::string& text : o.capacities) sizes.push_back(kv::capacity_blocks(text, scale));
  if (o.capacities.empty()) sizes = log_spaced(o.points, trace.distinct);
  const std::vector<std::uint64_t> hits = hits_at(o, trace, sizes, io.seed);
  const auto out = io.open_output(o.output);
  core::JsonlWriter writer(*out, {!o.no_frame});
  writer.header("kv-cache", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("policy", o.policy);
  });
  for (std::size_t k = 0; k < sizes.size(); ++k) {
    const std::uint64_t misses = trace.references - hits[k];
    writer.begin()
        .field("capacity_blocks", sizes[k])
        .field("hits", hits[k])
        .field("miss_ratio", static_cast<double>(misses) / static_cast<double>(trace.references));
    writer.end();
  }
  writer.trailer();
  out->commit();
  if (wants_summary(io, o.output)) io.summary({{"lines", writer.records()}});
  return 0;
}

}  // namespace

void register_mrc(core::Tool& tool) {
  auto o = std::make_shared<MrcOptions>();
  auto command = tool.subcommand("mrc", "miss-ratio curve over all sizes, exact (flat)");
  add_trace_options(command, o->input);
  command.option("--policy", &o->policy, "eviction policy").one_of(kv::flat_policies());
  command.option("--points", &o->points, "log-spaced sizes").range(1, 1e6).value_name("N");
  command.option("--capacity", &o->capacities, "these sizes instead")
      .comma_list()
      .value_name("LIST")
      .excludes("--points");
  add_size_options(command, o->units);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.option("--no-frame", &o->no_frame, "leave out header and trailer");
  command.run([o](core::Io& io) { return mrc(*o, io); });
}

}  // namespace stateutils::tools
