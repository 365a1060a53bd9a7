// convert: a trace of any format -> stateutils.requests records.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/jsonl.hpp"
#include "kv/trace_writer.hpp"
#include "result_output.hpp"
#include "trace_input.hpp"

namespace stateutils::tools {
namespace {

struct ConvertOptions {
  TraceInput input;
  std::string output = "-";
  bool no_frame = false;
};

int convert(const ConvertOptions& o, const core::Io& io) {
  const kv::Trace trace = read_trace(o.input, io);
  const auto out = io.open_output(o.output);
  core::JsonlWriter writer(*out, {!o.no_frame});
  writer.header("requests", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version);
  });
  kv::write_trace(trace, writer);
  out->commit();
  if (wants_summary(io, o.output)) {
    io.summary({{"requests", trace.size()},
                {"dropped", trace.dropped},
                {"skipped_lines", trace.skipped_lines}});
  }
  return 0;
}

}  // namespace

void register_convert(core::Tool& tool) {
  auto o = std::make_shared<ConvertOptions>();
  auto command = tool.subcommand("convert", "a trace of any format to request records");
  add_trace_options(command, o->input);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.option("--no-frame", &o->no_frame, "leave out header and trailer");
  command.run([o](core::Io& io) { return convert(*o, io); });
}

}  // namespace stateutils::tools
