#include "ckpt/ops/convert.hpp"

#include "ckpt/formats/open.hpp"
#include "commands.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct ConvertOptions {
  std::string src;
  FlatOptions flat;
};

int convert(const ConvertOptions& o, core::Io& io) {
  const std::string format = o.flat.format();
  if (is_training_format(format)) {
    ReshardOptions whole;
    whole.flat = o.flat;
    whole.src = o.src;
    return reshard(whole, io);
  }
  io.require_json_target(o.flat.dst == "-" || o.flat.output.dry_run);
  const auto lock = o.flat.source.take_lock();
  Job job(o.flat.source, o.flat.output, o.flat.dst, io, canonical_options(o.flat, format));
  ckpt::Catalogue catalogue = open_sound(o.src, o.flat.source, io);
  if (job.is_done(catalogue.files)) return 0;
  return write_flat(o.flat, catalogue, job, io);
}

// extract SRC NAME... DST: a conversion of exactly these tensors.
struct ExtractOptions {
  ConvertOptions convert;
  std::vector<std::string> names;  // the last one is DST
};

int extract(const ExtractOptions& o, core::Io& io) {
  if (o.names.size() < 2) throw core::usage_error("needs SRC, at least one NAME, and DST");
  ConvertOptions chosen = o.convert;
  FlatOptions& flat = chosen.flat;
  flat.dst = o.names.back();
  const std::vector<std::string> names(o.names.begin(), o.names.end() - 1);
  for (const std::string& name : names) {
    flat.source.include.push_back("^" + ckpt::quote_pattern(name) + "$");
  }
  flat.expected = names;
  if (flat.dst == "-" && flat.to.empty() && names.size() == 1) flat.to = "npy";
  return convert(chosen, io);
}

// cast SRC DST: a conversion whose point is the type.
int cast(const ConvertOptions& o, core::Io& io) {
  if (o.flat.dtype.empty()) throw core::usage_error("needs --dtype");
  return convert(o, io);
}

}  // namespace

void register_extract(core::Tool& tool) {
  auto o = std::make_shared<ExtractOptions>();
  auto cmd = tool.subcommand("extract", "write some tensors of a checkpoint");
  cmd.option("SRC", &o->convert.src, "checkpoint file, folder or index").required();
  cmd.option("NAMES", &o->names, "names of tensors, then DST (- = stdout: .npy for one tensor)")
      .required();
  add_flat_options(cmd, o->convert.flat, ckpt::writable_formats());
  cmd.run([o](core::Io& io) { return extract(*o, io); });
}

void register_convert(core::Tool& tool) {
  auto o = std::make_shared<ConvertOptions>();
  auto cmd = tool.subcommand("convert", "write a checkpoint in another format");
  cmd.option("SRC", &o->src, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("DST", &o->flat.dst, "file, or folder when it ends in / (- = stdout)").required();
  std::vector<std::string> formats = ckpt::writable_formats();
  for (const char* id : {"universal", "deepspeed", "megatron"}) formats.emplace_back(id);
  add_flat_options(cmd, o->flat, std::move(formats));
  cmd.run([o](core::Io& io) { return convert(*o, io); });
}

void register_cast(core::Tool& tool) {
  auto o = std::make_shared<ConvertOptions>();
  auto cmd = tool.subcommand("cast", "write a checkpoint with another floating type");
  cmd.option("SRC", &o->src, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("DST", &o->flat.dst, "file, or folder when it ends in / (- = stdout)").required();
  add_flat_options(cmd, o->flat, ckpt::writable_formats());
  cmd.option("--scale", &o->flat.scale,
             "store NAME.scale and divide by it: one per tensor, or one per row of dimension 0")
      .one_of({"none", "tensor", "row"});
  cmd.run([o](core::Io& io) { return cast(*o, io); });
}

}  // namespace stateutils::ckpt_convert
