#include "bench/trace/trace.hpp"

#include <optional>

#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct TraceOptions {
  StreamOptions stream;
  std::string input = "-", to, expected, tokens = "bytes/4", durations = "measured";
};

int trace(const TraceOptions& o, core::Io& io) {
  const auto source = io.open_input(o.input);
  core::JsonlReader reader(*source, {.format = "trials"});
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  const char* name = o.to == "sbus" ? "oplog" : o.to == "kv" ? "requests" : "histories";
  writer.header(name, 1, [&](core::JsonWriter& json) {
    identify(json, io, "0/1", "trace " + o.to + " " + o.tokens + " " + o.durations);
    if (o.to == "kv") json.field("scope", "session");
  });
  bench::OplogTrace oplog;
  bench::HistoryTrace history;
  std::optional<bench::TokenCounter> counter;
  bench::RequestOptions requests;
  requests.model_durations = o.durations == "model";
  requests.seed = io.seed;
  if (o.to == "kv" && o.tokens != "bytes/4") requests.tokens = &counter.emplace(o.tokens);
  while (const core::Record* record = reader.next()) {
    if (o.to == "kv") {
      bench::add_requests(*record, requests, writer);
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
  cmd.option("--tokens", &o->tokens,
             "kv: how texts are counted: bytes/4, or a command that answers each line, a JSON "
             "string, with a number (needs trials of run --keep-output)")
      .value_name("HOW");
  cmd.option("--durations", &o->durations,
             "kv: of tools, as measured by run, or drawn log-normally per verb")
      .one_of({"measured", "model"});
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return trace(*o, io); });
}

}  // namespace stateutils::tools
