// stat: what a trace holds.

#include "commands.hpp"
#include "kv/trace_stat.hpp"
#include "result_output.hpp"
#include "trace_input.hpp"

namespace stateutils::tools {
namespace {

struct StatOptions {
  TraceInput input;
  std::string output = "-";
};

int stat(const StatOptions& o, const core::Io& io) {
  const std::string text = kv::trace_stat_json(read_trace(o.input, io));
  write_result(text, o.output, io);
  return 0;
}

}  // namespace

void register_stat(core::Tool& tool) {
  auto o = std::make_shared<StatOptions>();
  auto command = tool.subcommand("stat", "counts, lengths, sessions and reuse of a trace");
  add_trace_options(command, o->input);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return stat(*o, io); });
}

}  // namespace stateutils::tools
