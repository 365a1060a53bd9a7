#include "ckpt/ops/reshard.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/scan.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::ckpt_convert {
namespace {

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
                      {"rich", o.rich},
                      {"flat", canonical_options(o.flat, format)}};
  if (!o.layout.empty()) json["layout"] = core::read_file(o.layout, 256u << 20);
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
  target.patterns = o.flat.source.patterns;
  for (const std::int64_t layer : o.pp_split)
    target.pp_split.push_back(static_cast<std::uint64_t>(layer));
  return target;
}

// Without --to the format of the source, where there is a suffix that of DST.
std::string format_of(const ReshardOptions& o, const ckpt::Catalogue& catalogue) {
  if (!o.flat.to.empty()) return o.flat.to;
  const std::string suffix = ckpt::format_of_suffix(o.flat.dst);
  if (!suffix.empty()) return suffix;
  if (!o.layout.empty()) return catalogue.format == "pt" ? "pt" : "safetensors";
  const auto writable = ckpt::writable_formats();
  const bool flat = std::ranges::find(writable, catalogue.format) != writable.end();
  return flat || is_training_format(catalogue.format) ? catalogue.format : "deepspeed";
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

// Flat files hold one state of a parameter, unless more are asked for.
std::vector<ckpt::OutputPlan> plan_flat_ranks(const ReshardOptions& o, ckpt::Catalogue& catalogue,
                                              const ckpt::ReshardTarget& target,
                                              const std::string& format) {
  if (format != "safetensors" && format != "pt") {
    throw core::usage_error("format " + format + " holds no parallel ranks: --tp 1 --pp 1");
  }
  ckpt::apply_selection(catalogue, o.flat.source.selection(), true);
  const ckpt::WriteOptions writing = write_options(o.flat);
  return o.layout.empty() ? ckpt::plan_ranks(catalogue, target, format, writing)
                          : ckpt::plan_layout(catalogue, o.layout, format, writing);
}

std::vector<ckpt::OutputPlan> plan_training(const ReshardOptions& o, ckpt::Catalogue& catalogue,
                                            const ckpt::ReshardTarget& target,
                                            const std::string& format) {
  ckpt::apply_selection(catalogue, o.flat.source.selection(), false);
  if (format == "universal") return ckpt::plan_universal(catalogue, o.rich);
  return format == "megatron" ? ckpt::plan_megatron(catalogue, target)
                              : ckpt::plan_deepspeed(catalogue, target);
}

}  // namespace

bool is_training_format(const std::string& format) {
  return format == "deepspeed" || format == "universal" || format == "megatron";
}

int reshard(const ReshardOptions& o, core::Io& io) {
  const FlatOptions& flat = o.flat;
  io.require_json_target(flat.output.dry_run || flat.dst == "-");
  const auto lock = flat.source.take_lock();
  ckpt::ReadOptions reading = flat.source.read(io);
  reading.strict = !o.no_strict;
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.src, reading);
  ckpt::require_sound(catalogue);
  const std::string format = format_of(o, catalogue);
  const ckpt::ReshardTarget target = target_of(o, catalogue);
  const bool training = is_training_format(format);
  if (format == "deepspeed" && target.zero == 0)
    throw core::usage_error("--zero 0 is for targets other than deepspeed");
  if (training && (!flat.dtype.empty() || !flat.rename.empty()))
    throw core::usage_error("--dtype and --rename are for flat formats");
  Job job(flat.source, flat.output, flat.dst, io, canonical_options(o, format, target));
  const bool one = !training && o.layout.empty() && target.tp * target.pp == 1;
  if (!one) job.as_folder();
  if (job.is_done(catalogue.files)) return 0;
  for (const ckpt::Finding& finding : ckpt::check_replicas(catalogue, io.threads)) {
    throw core::input_error({catalogue.source},
                            "tensor " + core::quoted(finding.tensor) + ": " + finding.detail);
  }
  if (one) {
    FlatOptions plain = flat;
    plain.to = format;
    return write_flat(plain, catalogue, job, io);
  }
  auto plans = training ? plan_training(o, catalogue, target, format)
                        : plan_flat_ranks(o, catalogue, target, format);
  nlohmann::ordered_json summary{{"tensors", catalogue.tensors.size()}};
  const bool whole = job.write(plans, catalogue, summary);
  if (flat.output.dry_run) return 0;
  const bool tagged = whole && (format == "universal" || format == "deepspeed");
  if (tagged)
    write_latest(flat.dst, format == "universal" ? "latest_universal" : "latest", io.sync);
  summary["tp"] = target.tp;
  summary["pp"] = target.pp;
  summary["dp"] = target.dp;
  summary["zero_stage"] = target.zero;
  io.summary(summary);
  return 0;
}

void register_reshard(core::Tool& tool) {
  auto o = std::make_shared<ReshardOptions>();
  auto cmd = tool.subcommand("reshard", "write a checkpoint for another parallel layout");
  cmd.option("SRC", &o->src, "checkpoint folder, file or index").required();
  cmd.option("DST", &o->flat.dst, "folder to write: a tag folder, the one that holds zero/, ...")
      .required();
  std::vector<std::string> formats{"deepspeed", "universal", "megatron"};
  for (std::string& id : ckpt::writable_formats()) formats.push_back(std::move(id));
  cmd.option("--tp", &o->tp, "tensor-parallel degree; default: the source's, else 1")
      .range(1, 65536);
  cmd.option("--pp", &o->pp, "pipeline-parallel degree; default: the source's, else 1")
      .range(1, 65536);
  cmd.option("--dp", &o->dp, "data-parallel degree; default: the source's, else 1").range(1, 65536);
  cmd.option("--zero", &o->zero, "ZeRO stage; default: the source's, else 1").range(0, 3);
  cmd.option("--layout", &o->layout, "layout file of the target's safetensors or pt files")
      .value_name("FILE");
  cmd.option("--vocab-pad", &o->vocab_pad,
             "vocabulary rows are padded to a multiple of this times tp")
      .at_least(1);
  cmd.option("--pp-split", &o->pp_split, "first layer of every pipeline stage after the first")
      .value_name("LIST")
      .comma_list();
  cmd.option("--no-strict", &o->no_strict, "allow patterns that match no parameter");
  cmd.option("--rich", &o->rich, "universal files of ZeRO 3 sources with shapes and attributes");
  add_flat_options(cmd, o->flat, std::move(formats));
  cmd.run([o](core::Io& io) { return reshard(*o, io); });
}

}  // namespace stateutils::ckpt_convert
