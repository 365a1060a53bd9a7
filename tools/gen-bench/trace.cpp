#include "bench/trace/trace.hpp"

#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct TraceOptions {
  StreamOptions stream;
  std::string input = "-", to, expected;
};

int trace(const TraceOptions& o, core::Io& io) {
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "trials"});
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  const char* name = o.to == "sbus" ? "oplog" : o.to == "kv" ? "requests" : "histories";
  writer.header(name, 1, [&](core::JsonWriter& json) {
    identify(json, io, "0/1", "trace " + o.to);
    if (o.to == "kv") json.field("scope", "session");
  });
  bench::OplogTrace oplog;
  bench::HistoryTrace history;
  while (const core::Record* record = reader.next()) {
    if (o.to == "kv") {
      bench::add_requests(*record, writer);
    } else if (o.to == "sbus") {
      oplog.add(*record, writer);
    } else {
      history.add(*record, writer);
    }
  }
  writer.trailer();
  out->commit();
  if (!o.expected.empty()) {
    const auto expected = io.open_output(o.expected);
    expected->write(oplog.expected().json() + "\n");
    expected->commit();
  }
  summarize(io, o.stream.output, {{"records", writer.records()}});
  return 0;
}

}  // namespace

void register_trace(core::Tool& tool) {
  auto o = std::make_shared<TraceOptions>();
  auto cmd = tool.subcommand("trace", "trials as input of the other tools");
  cmd.option(
         "--to", &o->to,
         "sbus: operations for sbus-check audit; kv: requests for kv-sim; history: transactions")
      .one_of({"sbus", "kv", "history"})
      .required();
  cmd.option("TRIALS", &o->input, "trial records; - is stdin").value_name("TRIALS");
  cmd.option("--expected", &o->expected, "sbus: write the counts that an audit must find")
      .value_name("FILE");
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return trace(*o, io); });
}

}  // namespace stateutils::tools
