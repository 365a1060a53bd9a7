#include "ckpt/ops/convert.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/sums.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct ConvertOptions {
  SourceOptions source;
  OutputOptions output;
  std::string src, dst, to, rename, tied = "default", overflow = "saturate", dtype;
  std::optional<core::ByteSize> max_shard_size;
  core::ByteSize align{8};
  bool preserve_order = false;
  std::vector<std::string> expected{};  // names that must be there
};

// Everything that changes the bytes written, in a fixed order.
std::string canonical_options(const ConvertOptions& o, const std::string& format) {
  nlohmann::json json{{"command", "convert"},
                      {"to", format},
                      {"dtype", o.dtype},
                      {"overflow", o.overflow},
                      {"tied", o.tied},
                      {"include", o.source.include},
                      {"exclude", o.source.exclude},
                      {"state", o.source.states},
                      {"opaque", o.source.opaque},
                      {"align", o.align.bytes},
                      {"preserve_order", o.preserve_order}};
  if (o.max_shard_size) json["max_shard_size"] = o.max_shard_size->bytes;
  if (!o.rename.empty()) json["rename"] = core::read_file(o.rename, 256u << 20);
  return json.dump();
}

ckpt::Tied tied_mode(const ConvertOptions& o, const std::string& format) {
  if (o.tied == "duplicate") return ckpt::Tied::kDuplicate;
  if (format == "pt") return ckpt::Tied::kAlias;
  if (format != "safetensors") return ckpt::Tied::kDuplicate;
  return ckpt::Tied::kKeepFirst;
}

ckpt::Target build_target(const ConvertOptions& o, ckpt::Catalogue& catalogue,
                          const std::string& format) {
  ckpt::apply_selection(catalogue, o.source.selection(), true);
  if (!o.rename.empty()) ckpt::apply_rename(catalogue, o.rename);
  ckpt::check_unique_names(catalogue);
  for (const std::string& name : o.expected) {
    const bool found = std::ranges::any_of(
        catalogue.tensors, [&name](const ckpt::Tensor& tensor) { return tensor.name == name; });
    if (!found) throw core::input_error({o.src}, "no tensor is named " + core::quoted(name));
  }
  ckpt::Target target = ckpt::make_target(catalogue, tied_mode(o, format));
  if (!o.dtype.empty()) {
    const auto dtype = ckpt::dtype_from_option(o.dtype);
    if (!dtype || !ckpt::is_floating(*dtype)) {
      throw core::usage_error("--dtype: " + core::quoted(o.dtype) + " is no floating type");
    }
    ckpt::cast_target(
        target, *dtype,
        o.overflow == "saturate" ? ckpt::Overflow::kSaturate : ckpt::Overflow::kSpecial);
  }
  return target;
}

ckpt::WriteOptions write_options(const ConvertOptions& o) {
  constexpr std::uint64_t kDefaultShard = 5'000'000'000;
  ckpt::WriteOptions options;
  options.folder = o.dst.ends_with('/');
  const bool one_file = o.dst == "-" || (!options.folder && !ckpt::format_of_suffix(o.dst).empty());
  options.max_shard_size = o.max_shard_size ? o.max_shard_size->bytes
                           : one_file       ? 0
                                            : kDefaultShard;
  options.align = std::max<std::uint64_t>(8, o.align.bytes);
  if (options.align % 8 != 0) throw core::usage_error("--align must be a multiple of 8");
  options.preserve_order = o.preserve_order;
  options.root = ckpt::file_stem(o.dst);
  return options;
}

void print_plan(const std::vector<ckpt::OutputPlan>& plans, const ConvertOptions& o, bool folder,
                core::Io& io) {
  core::JsonlWriter writer(*io.out);
  writer.header("plan", 1);
  ckpt::describe_plans(plans, o.dst, folder, [&](const std::string& json) { writer.record(json); });
  writer.trailer();
}

int convert(const ConvertOptions& o, core::Io& io) {
  io.require_json_target(o.dst == "-" || o.output.dry_run);
  const auto lock = o.source.take_lock();
  std::string format = o.to.empty() ? ckpt::format_of_suffix(o.dst) : o.to;
  if (format.empty()) format = "safetensors";
  const ckpt::EngineOptions engine = o.output.engine(io, o.source);
  ckpt::PublishOptions publish{.engine = engine, .force = o.output.force, .sync = io.sync};
  publish.options_text = canonical_options(o, format);
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.src, o.source.read(io));
  ckpt::require_sound(catalogue);
  publish.inputs = catalogue.files;
  if (!o.output.dry_run && o.dst != "-") {
    if (!o.output.force && ckpt::is_already_there(o.dst, publish)) {
      io.log.info(o.dst + ": already the verified result of the same inputs and options");
      return 0;
    }
    ckpt::require_free(o.dst, publish);
  }
  const std::uint64_t objects = catalogue.objects;
  const ckpt::Target target = build_target(o, catalogue, format);
  const ckpt::WriteOptions writing = write_options(o);
  std::vector<ckpt::OutputPlan> plans = ckpt::plan_format(format, target, writing);
  if (objects > 0 && !(format == "pt" && target.document)) {
    io.log.info(std::to_string(objects) + " values that are no tensors are dropped");
  }
  publish.folder = writing.folder;
  if (o.output.dry_run) {
    print_plan(plans, o, writing.folder, io);
    return 0;
  }
  if (!o.source.no_crc) ckpt::attach_sums(catalogue, plans, io.threads);
  std::uint64_t total = 0;
  for (const ckpt::OutputPlan& plan : plans) total += plan.size();
  nlohmann::ordered_json summary{
      {"tensors", target.tensors.size()}, {"nbytes", total}, {"files", plans.size()}};
  if (o.dst == "-") {
    if (plans.size() > 1) throw core::usage_error("several shards cannot go to stdout");
    ckpt::stream_plan(plans.front(), *io.out, engine);
  } else {
    core::Progress progress = io.progress("convert", total, core::Progress::Unit::kBytes);
    ckpt::publish(plans, o.dst, publish);
  }
  io.summary(summary);
  return 0;
}

// extract SRC NAME... DST: a conversion of exactly these tensors.
struct ExtractOptions {
  ConvertOptions convert;
  std::vector<std::string> names;  // the last one is DST
};

int extract(const ExtractOptions& o, core::Io& io) {
  if (o.names.size() < 2) throw core::usage_error("needs SRC, at least one NAME, and DST");
  ConvertOptions convert_options = o.convert;
  convert_options.dst = o.names.back();
  const std::vector<std::string> names(o.names.begin(), o.names.end() - 1);
  for (const std::string& name : names) {
    convert_options.source.include.push_back("^" + ckpt::quote_pattern(name) + "$");
  }
  convert_options.expected = names;
  if (convert_options.dst == "-" && convert_options.to.empty() && names.size() == 1) {
    convert_options.to = "npy";
  }
  return convert(convert_options, io);
}

}  // namespace

void register_extract(core::Tool& tool) {
  auto o = std::make_shared<ExtractOptions>();
  auto cmd = tool.subcommand("extract", "write some tensors of a checkpoint");
  cmd.option("SRC", &o->convert.src, "checkpoint file, folder or index").required();
  cmd.option("NAMES", &o->names, "names of tensors, then DST (- = stdout: .npy for one tensor)")
      .required();
  cmd.option("--to", &o->convert.to,
             "format of the target; default by DST's suffix, else safetensors")
      .one_of(ckpt::writable_formats());
  cmd.option("--dtype", &o->convert.dtype, "cast floating tensors to this type")
      .value_name("DTYPE");
  add_output_options(cmd, o->convert.output);
  add_base_option(cmd, o->convert.source);
  add_source_options(cmd, o->convert.source);
  cmd.run([o](core::Io& io) { return extract(*o, io); });
}

void register_convert(core::Tool& tool) {
  auto o = std::make_shared<ConvertOptions>();
  auto cmd = tool.subcommand("convert", "write a checkpoint in another format");
  cmd.option("SRC", &o->src, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("DST", &o->dst, "file, or folder when it ends in / (- = stdout)").required();
  cmd.option("--to", &o->to, "format of the target; default by DST's suffix, else safetensors")
      .one_of(ckpt::writable_formats());
  cmd.option("--dtype", &o->dtype, "cast floating tensors to this type").value_name("DTYPE");
  cmd.option("--overflow", &o->overflow, "FP8 values past the range: the largest, or NaN / Inf")
      .one_of({"saturate", "nan", "inf"});
  cmd.option("--rename", &o->rename, "JSON array of [regex, replacement], applied in order")
      .value_name("FILE");
  cmd.option("--tied", &o->tied,
             "tensors that share storage: keep the first and list the others, or write all")
      .one_of({"default", "keep-first", "duplicate"});
  cmd.option("--max-shard-size", &o->max_shard_size,
             "start a new shard past this size (default 5GB for folders)");
  cmd.option("--align", &o->align, "data of safetensors begins at a multiple of this");
  cmd.option("--preserve-order", &o->preserve_order, "keep the order of the source");
  add_output_options(cmd, o->output);
  add_base_option(cmd, o->source);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return convert(*o, io); });
}

}  // namespace stateutils::ckpt_convert
