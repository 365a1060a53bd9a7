// run: serve a trace on a fleet.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "config_input.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/json.hpp"
#include "core/jsonl.hpp"
#include "kv/engine_report.hpp"
#include "kv/run_trace.hpp"
#include "kv/splitwise.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct RunOptions {
  ConfigInput config;
  std::string output = "-";
  std::optional<std::string> requests, iterations;
  bool exact_steps = false, bound = true, no_frame = false;
};

// A record stream beside the summary.
class Stream {
 public:
  Stream(const core::Io& io, const std::optional<std::string>& path, const char* name, bool frame,
         const std::string& options_sha256) {
    if (!path) return;
    out_ = io.open_output(*path);
    writer_.emplace(*out_, core::FrameOptions{frame});
    writer_->header(name, 1, [&](core::JsonWriter& json) {
      json.field("tool", io.tool).field("tool_version", io.version);
      json.field("options_sha256", options_sha256);
    });
  }
  [[nodiscard]] core::JsonlWriter* writer() { return writer_ ? &*writer_ : nullptr; }
  void finish() {
    if (!writer_) return;
    writer_->trailer();
    out_->commit();
  }

 private:
  std::unique_ptr<core::Output> out_;
  std::optional<core::JsonlWriter> writer_;
};

void serve(const RunOptions& o, const kv::RunConfig& config, const kv::Trace& trace,
           Stream& requests, Stream& iterations, core::JsonWriter& json) {
  kv::SimOptions options;
  options.exact_steps = o.exact_steps;
  options.detail = o.requests.has_value();
  if (core::JsonlWriter* writer = iterations.writer()) {
    options.on_iteration = [writer](const kv::IterationLine& line) {
      kv::write_iteration(*writer, line);
    };
  }
  const kv::SimResult result = kv::simulate(trace, config, options);
  if (core::JsonlWriter* writer = requests.writer()) {
    kv::write_requests(*writer, trace, config, result);
  }
  kv::write_summary(json, trace, config, result, o.bound);
}

void run_splitwise(const RunOptions& o, const kv::RunConfig& config, const kv::Trace& trace,
                   Stream& requests, core::JsonWriter& json) {
  if (o.iterations || o.exact_steps) {
    throw core::usage_error("--compat splitwise has neither --iterations nor --exact-steps");
  }
  const kv::SplitwiseResult result = kv::simulate_splitwise(trace, config);
  if (core::JsonlWriter* writer = requests.writer()) {
    kv::write_splitwise_requests(*writer, trace, result);
  }
  kv::write_splitwise_summary(json, trace, config, result);
}

// Of all that decides what a run gives, but for the trace.
std::string options_hash(const RunOptions& o, const nlohmann::json& document) {
  return core::sha256_hex(core::canonical_json(
      {{"config", document}, {"exact_steps", o.exact_steps}, {"bound", o.bound}}));
}

int run(const RunOptions& o, const core::Io& io) {
  const nlohmann::json document = load_config(o.config, io);
  const kv::RunConfig config = kv::parse_run_config(document);
  const kv::RunTrace input = kv::load_run_trace(config, o.requests.has_value());
  const std::string options_sha256 = options_hash(o, document);
  Stream requests(io, o.requests, "kv-requests", !o.no_frame, options_sha256);
  Stream iterations(io, o.iterations, "kv-iterations", !o.no_frame, options_sha256);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object();
  if (config.splitwise) {
    run_splitwise(o, config, input.trace, requests, json);
  } else {
    serve(o, config, input.trace, requests, iterations, json);
  }
  json.field("config_sha256", core::sha256_hex(core::canonical_json(document)));
  json.field("trace_sha256", input.sha256).field("version", io.version);
  json.field("seed", config.seed).end_object();
  const auto out = io.open_output(o.output);
  out->write(text + '\n');
  requests.finish();
  iterations.finish();
  out->commit();
  if (wants_summary(io, o.output)) {
    nlohmann::ordered_json summary = nlohmann::ordered_json::parse(text);
    summary["options_sha256"] = options_sha256;
    io.summary(summary);
  }
  return 0;
}

}  // namespace

void register_run(core::Tool& tool) {
  auto o = std::make_shared<RunOptions>();
  auto command = tool.subcommand("run", "serve a trace on a fleet of instances");
  add_config_options(command, o->config);
  command.option("--exact-steps", &o->exact_steps, "the plain loop, step by step, as a check");
  command.option("--requests", &o->requests, "a record for each request").value_name("FILE");
  command.option("--iterations", &o->iterations, "a record for each iteration").value_name("FILE");
  command.option("--bound,!--no-bound", &o->bound, "the offline bound of the cache hits");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.option("--no-frame", &o->no_frame, "leave out headers and trailers of the streams");
  command.run([o](core::Io& io) { return run(*o, io); });
}

}  // namespace stateutils::tools
