#include <nlohmann/json.hpp>

#include "ckpt/ckz/write.hpp"
#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "commands.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct CompressOptions {
  SourceOptions source;
  OutputOptions output;
  std::string src, dst, base;
};

std::string canonical_options(const CompressOptions& o) {
  return nlohmann::json{{"command", "compress"},       {"base", !o.base.empty()},
                        {"include", o.source.include}, {"exclude", o.source.exclude},
                        {"state", o.source.states},    {"opaque", o.source.opaque}}
      .dump();
}

std::uint64_t tensor_bytes(const ckpt::Target& target) {
  std::uint64_t sum = 0;
  for (const ckpt::TargetTensor& tensor : target.tensors) {
    if (!tensor.alias_of) sum += tensor.bytes->size();
  }
  return sum;
}

int compress(const CompressOptions& o, core::Io& io) {
  io.require_json_target(o.dst == "-");
  const auto lock = o.source.take_lock();
  Job job(o.source, o.output, o.dst, io, canonical_options(o));
  ckpt::Catalogue catalogue = open_sound(o.src, o.source, io);
  std::vector<std::string> inputs = catalogue.files;
  std::optional<ckpt::Catalogue> base;
  if (!o.base.empty()) {
    base = open_sound(o.base, o.source, io);
    ckpt::apply_selection(*base, o.source.selection(), true);
    inputs.insert(inputs.end(), base->files.begin(), base->files.end());
  }
  if (job.is_done(inputs)) return 0;
  ckpt::apply_selection(catalogue, o.source.selection(), true);
  ckpt::check_unique_names(catalogue);
  const ckpt::Target target = ckpt::make_target(catalogue, ckpt::Tied::kKeepFirst);
  std::vector<ckpt::OutputPlan> plans;
  plans.push_back(ckpt::plan_ckz_delta(target, {}, base ? &*base : nullptr));
  const std::uint64_t before = tensor_bytes(target);
  nlohmann::ordered_json summary{{"tensors", target.tensors.size()}, {"tensor_bytes", before}};
  job.write(plans, catalogue, summary);
  const auto after = summary["nbytes"].get<double>();
  summary["ratio"] = after > 0 ? static_cast<double>(before) / after : 0;
  io.summary(summary);
  return 0;
}

struct DecompressOptions {
  std::string src;
  FlatOptions flat;
};

// A conversion of a source that must be ours.
int decompress(const DecompressOptions& o, core::Io& io) {
  io.require_json_target(o.flat.dst == "-" || o.flat.output.dry_run);
  const auto lock = o.flat.source.take_lock();
  Job job(o.flat.source, o.flat.output, o.flat.dst, io, canonical_options(o.flat, o.flat.format()));
  ckpt::Catalogue catalogue = open_sound(o.src, o.flat.source, io);
  if (catalogue.format != "ckz") throw core::input_error({o.src}, "no ckz file");
  std::vector<std::string> inputs = catalogue.files;
  if (!o.flat.source.base.empty()) inputs.push_back(o.flat.source.base);
  if (job.is_done(inputs)) return 0;
  return write_flat(o.flat, catalogue, job, io);
}

}  // namespace

void register_compress(core::Tool& tool) {
  auto o = std::make_shared<CompressOptions>();
  auto cmd = tool.subcommand("compress", "write a checkpoint as .ckz, smaller without loss");
  cmd.option("SRC", &o->src, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("DST", &o->dst, "file to write (- = stdout)").required();
  cmd.option("--base", &o->base,
             "store the difference to this checkpoint, which decompress will need again")
      .value_name("PREV");
  cmd.option("--force", &o->output.force, "replace a destination that exists");
  cmd.option("--io", &o->output.io, "how outputs are written")
      .one_of({"auto", "direct", "buffered"});
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return compress(*o, io); });
}

void register_decompress(core::Tool& tool) {
  auto o = std::make_shared<DecompressOptions>();
  auto cmd = tool.subcommand("decompress", "restore a .ckz file's tensors, bit for bit");
  cmd.option("SRC", &o->src, ".ckz file (- = stdin)").required();
  cmd.option("DST", &o->flat.dst, "file to write (- = stdout)").required();
  cmd.option("--to", &o->flat.to, "format of the target; default by DST's suffix, else safetensors")
      .one_of(ckpt::writable_formats());
  add_base_option(cmd, o->flat.source);
  add_output_options(cmd, o->flat.output);
  add_source_options(cmd, o->flat.source);
  cmd.run([o](core::Io& io) { return decompress(*o, io); });
}

}  // namespace stateutils::ckpt_convert
