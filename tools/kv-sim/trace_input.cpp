#include "trace_input.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "kv/model_config.hpp"
#include "kv/models.hpp"
#include "kv/readers.hpp"

namespace stateutils::tools {

void add_trace_options(core::Command& command, TraceInput& input) {
  command.option("TRACE", &input.file, "trace to read, - for stdin; zstd is decoded");
  command.option("--from", &input.from, "format of the trace").one_of(kv::trace_formats());
  command.option("--sort", &input.sort, "order requests by arrival first");
  command.option("--scope", &input.scope, "whose block ids are, where the trace does not say")
      .one_of({"global", "session"});
  command.option("--block", &input.block, "tokens per block, where the trace does not say")
      .range(1, 1 << 20)
      .value_name("TOKENS");
  command
      .option("--prefix", &input.prefix,
              "session: a turn without block ids extends the session's turn before")
      .one_of({"none", "session"});
  command
      .option("--session-arrival", &input.session_arrival,
              "start session i at fixed:SECONDS times i, or by poisson:RATE; then sort")
      .value_name("RULE");
  command.option("--lenient", &input.lenient,
                 "block ids with two parents: take blocks as independent (flat)");
  command.option("--limit", &input.limit, "read the first N requests (0: all)").value_name("N");
  command.option("--max-line", &input.max_line, "longest line accepted").value_name("SIZE");
}

kv::Trace read_trace(const TraceInput& input, const core::Io& io) {
  kv::TraceOptions options;
  options.from = input.from;
  options.sort = input.sort;
  options.lenient = input.lenient;
  options.scope = input.scope;
  options.block = input.block;
  options.prefix = input.prefix;
  options.session_arrival = input.session_arrival;
  options.seed = io.seed;
  options.limit = input.limit;
  options.max_line = input.max_line.bytes;
  const auto source = io.open_input(input.file);
  kv::Trace trace = kv::read_trace(*source, options);
  if ((trace.dropped != 0 || trace.skipped_lines != 0) && !io.quiet) {
    io.log.info(source->name() + ": " + std::to_string(trace.dropped) + " records dropped, " +
                std::to_string(trace.skipped_lines) + " lines skipped");
  }
  return trace;
}

void add_size_options(core::Command& command, SizeUnits& units) {
  command.option("--model", &units.model, "model whose KV sizes in bytes are of")
      .value_name("NAME")
      .excludes("--kv-bytes-per-token");
  command.option("--model-config", &units.model_config, "its published config.json instead")
      .value_name("FILE")
      .excludes("--model");
  command.option("--kv-bytes-per-token", &units.kv_bytes, "bytes of KV per token")
      .range(1, 1e9)
      .value_name("N");
}

kv::CapacityScale size_scale(const SizeUnits& units, const kv::Trace& trace) {
  kv::CapacityScale scale;
  scale.block = trace.block;
  scale.distinct = trace.distinct;
  scale.kv_bytes_per_token = units.kv_bytes.value_or(0);
  if (units.model_config) {
    scale.kv_bytes_per_token = kv::read_model_config(*units.model_config)["kv_bytes_per_token"];
  }
  if (units.model) {
    const auto model = kv::find_model(*units.model);
    if (!model) {
      std::string known;
      for (const auto& shape : kv::model_table()) known += (known.empty() ? "" : ", ") + shape.name;
      throw core::usage_error("--model " + core::quoted(*units.model) + " is none of " + known);
    }
    scale.kv_bytes_per_token = model->kv_bytes_per_token();
  }
  return scale;
}

}  // namespace stateutils::tools
