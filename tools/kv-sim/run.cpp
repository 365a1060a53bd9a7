// run: serve a trace on a fleet.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/json.hpp"
#include "core/jsonl.hpp"
#include "kv/config_paths.hpp"
#include "kv/engine_report.hpp"
#include "kv/run_trace.hpp"

namespace stateutils::tools {
namespace {

struct RunOptions {
  std::string config, compat, output = "-";
  std::optional<std::string> requests, iterations;
  std::vector<std::string> sets;
  bool exact_steps = false, bound = true, no_frame = false;
};

nlohmann::json load_config(const RunOptions& o, const core::Io& io) {
  nlohmann::json config = core::load_json(o.config);
  for (const std::string& set : o.sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw core::usage_error("--set " + core::quoted(set) + " is not of the form PATH=VALUE");
    }
    kv::set_path(config, set.substr(0, equals), set.substr(equals + 1));
  }
  if (!o.compat.empty()) config["compat"] = o.compat;
  if (io.seed_given) config["seed"] = io.seed;
  return config;
}

// A record stream beside the summary.
class Stream {
 public:
  Stream(const core::Io& io, const std::optional<std::string>& path, const char* name, bool frame) {
    if (!path) return;
    out_ = io.open_output(*path);
    writer_.emplace(*out_, core::FrameOptions{frame});
    writer_->header(name, 1, [&](core::JsonWriter& json) {
      json.field("tool", io.tool).field("tool_version", io.version);
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

int run(const RunOptions& o, const core::Io& io) {
  const nlohmann::json document = load_config(o, io);
  const kv::RunConfig config = kv::parse_run_config(document);
  const kv::RunTrace input = kv::load_run_trace(config);
  kv::SimOptions options;
  options.exact_steps = o.exact_steps;
  options.detail = o.requests.has_value();
  Stream requests(io, o.requests, "kv-requests", !o.no_frame);
  Stream iterations(io, o.iterations, "kv-iterations", !o.no_frame);
  if (core::JsonlWriter* writer = iterations.writer()) {
    options.on_iteration = [writer](const kv::IterationLine& line) {
      kv::write_iteration(*writer, line);
    };
  }
  const kv::SimResult result = kv::simulate(input.trace, config, options);
  if (core::JsonlWriter* writer = requests.writer()) {
    kv::write_requests(*writer, input.trace, config, result);
  }
  std::string text;
  core::JsonWriter json(text);
  json.begin_object();
  kv::write_summary(json, input.trace, config, result, o.bound);
  json.field("config_sha256", core::sha256_hex(core::canonical_json(document)));
  json.field("trace_sha256", input.sha256).field("version", io.version);
  json.field("seed", config.seed).end_object();
  const auto out = io.open_output(o.output);
  out->write(text + '\n');
  requests.finish();
  iterations.finish();
  out->commit();
  if (io.json && (*io.json != "-" || o.output != "-")) {
    io.summary(nlohmann::ordered_json::parse(text));
  }
  return 0;
}

}  // namespace

void register_run(core::Tool& tool) {
  auto o = std::make_shared<RunOptions>();
  auto command = tool.subcommand("run", "serve a trace on a fleet of instances");
  command.option("--config", &o->config, "what to simulate, a JSON object").required().value_name(
      "FILE");
  command.option("--set", &o->sets, "replace a value of the configuration").value_name("PATH=VALUE");
  command.option("--compat", &o->compat, "another simulator's rules and arithmetic")
      .one_of({"splitwise"});
  command.option("--exact-steps", &o->exact_steps, "the plain loop, step by step, as a check");
  command.option("--requests", &o->requests, "a record for each request").value_name("FILE");
  command.option("--iterations", &o->iterations, "a record for each iteration").value_name("FILE");
  command.option("--bound,!--no-bound", &o->bound, "the offline bound of the cache hits");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.option("--no-frame", &o->no_frame, "leave out headers and trailers of the streams");
  command.run([o](core::Io& io) { return run(*o, io); });
}

}  // namespace stateutils::tools
