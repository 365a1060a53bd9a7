#include "ckpt/ops/reshard.hpp"

#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/scan.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct ReshardOptions {
  SourceOptions source;
  OutputOptions output;
  std::string src, dst, to;
  std::optional<std::uint64_t> tp, pp, dp, zero;
  std::uint64_t vocab_pad = 32;
  std::vector<std::int64_t> pp_split;
  bool no_strict = false, rich = false;
};

std::string canonical_options(const ReshardOptions& o, const std::string& format,
                              const ckpt::ReshardTarget& target) {
  nlohmann::json json{{"command", "reshard"},
                      {"to", format},
                      {"tp", target.tp},
                      {"pp", target.pp},
                      {"dp", target.dp},
                      {"zero", target.zero},
                      {"vocab_pad", target.vocab_pad},
                      {"pp_split", target.pp_split},
                      {"include", o.source.include},
                      {"exclude", o.source.exclude},
                      {"state", o.source.states},
                      {"rich", o.rich},
                      {"patterns", o.source.patterns}};
  return json.dump();
}

ckpt::ReshardTarget target_of(const ReshardOptions& o, const ckpt::Catalogue& catalogue) {
  ckpt::ReshardTarget target;
  const ckpt::Degrees& source = catalogue.degrees;
  target.tp = o.tp.value_or(source.tp.value_or(1));
  target.pp = o.pp.value_or(source.pp.value_or(1));
  target.dp = o.dp.value_or(source.dp.value_or(1));
  target.zero = o.zero.value_or(source.zero_stage.value_or(1));
  target.vocab_pad = o.vocab_pad;
  target.patterns = o.source.patterns;
  for (const std::int64_t layer : o.pp_split)
    target.pp_split.push_back(static_cast<std::uint64_t>(layer));
  return target;
}

// The tag file beside the folder names it; it follows whatever was written last.
void write_latest(const std::string& dst, const std::string& name, bool sync) {
  std::string folder = dst;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  const auto slash = folder.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : folder.substr(0, slash + 1);
  core::OutputFile file(parent + name, {.sync = sync, .replace = true});
  file.write(slash == std::string::npos ? folder : folder.substr(slash + 1));
  file.commit();
}

int reshard(const ReshardOptions& o, core::Io& io) {
  io.require_json_target(o.output.dry_run);
  const auto lock = o.source.take_lock();
  ckpt::ReadOptions reading = o.source.read(io);
  reading.strict = !o.no_strict;
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.src, reading);
  ckpt::require_sound(catalogue);
  const std::string format =
      o.to.empty() ? (catalogue.format == "universal" ? "universal" : "deepspeed") : o.to;
  const ckpt::ReshardTarget target = target_of(o, catalogue);
  if (format == "deepspeed" && target.zero == 0)
    throw core::usage_error("--zero 0 is for targets other than deepspeed");
  ckpt::PublishOptions publish{
      .engine = o.output.engine(io, o.source), .force = o.output.force, .sync = io.sync};
  publish.folder = true;
  publish.options_text = canonical_options(o, format, target);
  publish.inputs = catalogue.files;
  if (!o.output.dry_run) {
    if (!o.output.force && ckpt::is_already_there(o.dst, publish)) {
      io.log.info(o.dst + ": already the verified result of the same inputs and options");
      return 0;
    }
    ckpt::require_free(o.dst, publish);
  }
  if (!o.source.no_crc) {
    for (const ckpt::Finding& finding : ckpt::check_sums(catalogue.sums, io.threads)) {
      throw core::input_error({catalogue.source}, finding.detail);
    }
  }
  for (const ckpt::Finding& finding : ckpt::check_replicas(catalogue, io.threads)) {
    throw core::input_error({catalogue.source},
                            "tensor " + core::quoted(finding.tensor) + ": " + finding.detail);
  }
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  const auto plans = format == "universal" ? ckpt::plan_universal(catalogue, o.rich)
                                           : ckpt::plan_deepspeed(catalogue, target);
  if (o.output.dry_run) {
    core::JsonlWriter writer(*io.out);
    writer.header("plan", 1);
    ckpt::describe_plans(plans, o.dst, true, [&](const std::string& json) { writer.record(json); });
    writer.trailer();
    return 0;
  }
  const ckpt::Published done = ckpt::publish(plans, o.dst, publish);
  write_latest(o.dst, format == "universal" ? "latest_universal" : "latest", io.sync);
  io.summary({{"tensors", catalogue.tensors.size()},
              {"files", done.files},
              {"nbytes", done.bytes},
              {"tp", target.tp},
              {"pp", target.pp},
              {"dp", target.dp},
              {"zero_stage", target.zero}});
  return 0;
}

}  // namespace

void register_reshard(core::Tool& tool) {
  auto o = std::make_shared<ReshardOptions>();
  auto cmd = tool.subcommand("reshard", "write a training checkpoint for another parallel layout");
  cmd.option("SRC", &o->src, "training checkpoint folder").required();
  cmd.option("DST", &o->dst, "folder to write: a tag folder, or the one that holds zero/")
      .required();
  cmd.option("--to", &o->to, "format of the target; default: the source's")
      .one_of({"deepspeed", "universal"});
  cmd.option("--tp", &o->tp, "tensor-parallel degree; default: the source's, else 1").at_least(1);
  cmd.option("--pp", &o->pp, "pipeline-parallel degree; default: the source's, else 1").at_least(1);
  cmd.option("--dp", &o->dp, "data-parallel degree; default: the source's, else 1").at_least(1);
  cmd.option("--zero", &o->zero, "ZeRO stage; default: the source's, else 1").range(0, 3);
  cmd.option("--vocab-pad", &o->vocab_pad,
             "vocabulary rows are padded to a multiple of this times tp")
      .at_least(1);
  cmd.option("--pp-split", &o->pp_split, "first layer of every pipeline stage after the first")
      .value_name("LIST")
      .comma_list();
  cmd.option("--no-strict", &o->no_strict, "allow patterns that match no parameter");
  cmd.option("--rich", &o->rich, "universal files of ZeRO 3 sources with shapes and attributes");
  add_output_options(cmd, o->output);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return reshard(*o, io); });
}

}  // namespace stateutils::ckpt_convert
