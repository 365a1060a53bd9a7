// rlpipe: rollout and training, one after the other or overlapped.
#include "kv/rlpipe.hpp"

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct RlpipeOptions {
  std::string file = "-", mode = "periodic", output = "-";
};

int rlpipe(const RlpipeOptions& o, const core::Io& io) {
  std::uint64_t staleness = 0;
  if (o.mode.starts_with("stale:")) {
    const auto given = core::parse_u64(std::string_view(o.mode).substr(6));
    if (!given) throw core::usage_error("--mode " + core::quoted(o.mode) + " has no number");
    staleness = *given;
  } else if (o.mode != "sync" && o.mode != "periodic") {
    throw core::usage_error("--mode " + core::quoted(o.mode) +
                            " is none of sync, periodic, stale:K");
  }
  const auto source = io.open_input(o.file);
  const auto samples = kv::read_samples(core::read_all(*source, 1ull << 30), source->name());
  const kv::Pipeline pipe = kv::run_pipeline(samples, staleness, o.mode != "sync");
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("makespan_s", pipe.makespan).field("lower", pipe.lower);
  json.field("upper", pipe.upper).field("max_staleness", pipe.max_staleness).end_object();
  write_result(text, o.output, io);
  return 0;
}

}  // namespace

void register_rlpipe(core::Tool& tool) {
  auto o = std::make_shared<RlpipeOptions>();
  auto command = tool.subcommand("rlpipe", "rollout and training as a pipeline");
  command.option("FILE", &o->file, "samples: batch, rollout_s, train_s; - for stdin");
  command.option("--mode", &o->mode, "sync, periodic or stale:K").value_name("MODE");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return rlpipe(*o, io); });
}

}  // namespace stateutils::tools
