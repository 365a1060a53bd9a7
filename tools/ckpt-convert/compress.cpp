#include <nlohmann/json.hpp>

#include "ckpt/ckz/write.hpp"
#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "commands.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct CompressOptions {
  FlatOptions flat;
  std::string src, base;  // base: of the result
};

std::uint64_t tensor_bytes(const ckpt::Target& target) {
  std::uint64_t sum = 0;
  for (const ckpt::TargetTensor& tensor : target.tensors) {
    if (!tensor.alias_of) sum += tensor.bytes->size();
  }
  return sum;
}

int compress(const CompressOptions& o, core::Io& io) {
  const FlatOptions& flat = o.flat;
  io.require_json_target(flat.output.dry_run || flat.dst == "-");
  const auto lock = flat.source.take_lock();
  const std::string options = canonical_options(flat, "ckz") + (o.base.empty() ? "" : " base");
  Job job(flat.source, flat.output, flat.dst, io, options);
  ckpt::Catalogue catalogue = open_sound(o.src, flat.source, io);
  std::vector<std::string> inputs = catalogue.files;
  std::optional<ckpt::Catalogue> base;
  if (!o.base.empty()) {
    base = open_sound(o.base, flat.source, io);
    inputs.insert(inputs.end(), base->files.begin(), base->files.end());
    ckpt::apply_selection(*base, flat.source.selection(), true);
  }
  if (job.is_done(inputs)) return 0;
  ckpt::apply_selection(catalogue, flat.source.selection(), true);
  ckpt::check_unique_names(catalogue);
  const ckpt::Target target = ckpt::make_target(catalogue, ckpt::Tied::kKeepFirst);
  std::vector<ckpt::OutputPlan> plans;
  plans.push_back(ckpt::plan_ckz_delta(target, {}, base ? &*base : nullptr));
  nlohmann::ordered_json summary{{"tensors", target.tensors.size()},
                                 {"tensor_bytes", tensor_bytes(target)}};
  job.write(plans, catalogue, summary);
  if (!flat.output.dry_run) io.summary(summary);
  return 0;
}

int decompress(const CompressOptions& o, core::Io& io) {
  const FlatOptions& flat = o.flat;
  io.require_json_target(flat.output.dry_run || flat.dst == "-");
  const auto lock = flat.source.take_lock();
  Job job(flat.source, flat.output, flat.dst, io, canonical_options(flat, flat.format()));
  ckpt::Catalogue catalogue = open_sound(o.src, flat.source, io);
  if (catalogue.format != "ckz") throw core::input_error({o.src}, "no ckz file");
  std::vector<std::string> inputs = catalogue.files;
  if (!flat.source.base.empty()) inputs.push_back(flat.source.base);
  if (job.is_done(inputs)) return 0;
  return write_flat(flat, catalogue, job, io);
}

void add_common(core::Command& cmd, CompressOptions& o) {
  cmd.option("DST", &o.flat.dst, "file to write (- = stdout)").required();
  add_output_options(cmd, o.flat.output);
  add_source_options(cmd, o.flat.source);
}

}  // namespace

void register_compress(core::Tool& tool) {
  auto o = std::make_shared<CompressOptions>();
  auto cmd = tool.subcommand("compress", "write a checkpoint as .ckz, smaller without loss");
  cmd.option("SRC", &o->src, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("--base", &o->base,
             "store the difference to this checkpoint, which decompress will need again")
      .value_name("PREV");
  add_common(cmd, *o);
  cmd.run([o](core::Io& io) { return compress(*o, io); });
}

void register_decompress(core::Tool& tool) {
  auto o = std::make_shared<CompressOptions>();
  auto cmd = tool.subcommand("decompress", "restore a .ckz file's tensors, bit for bit");
  cmd.option("SRC", &o->src, ".ckz file (- = stdin)").required();
  cmd.option("--to", &o->flat.to, "format of the target; default by DST's suffix, else safetensors")
      .one_of(ckpt::writable_formats());
  add_base_option(cmd, o->flat.source);
  add_common(cmd, *o);
  cmd.run([o](core::Io& io) { return decompress(*o, io); });
}

}  // namespace stateutils::ckpt_convert
