// What convert, extract, cast, merge and reshard share: writing flat formats.
#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/record.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/ops/sums.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

ckpt::Tied tied_mode(const FlatOptions& o, const std::string& format) {
  if (o.tied == "duplicate") return ckpt::Tied::kDuplicate;
  if (format == "pt") return ckpt::Tied::kAlias;
  return format == "safetensors" ? ckpt::Tied::kKeepFirst : ckpt::Tied::kDuplicate;
}

std::optional<ckpt::Cast> cast_of(const FlatOptions& o) {
  if (o.dtype.empty()) return std::nullopt;
  const auto dtype = ckpt::dtype_from_option(o.dtype);
  if (!dtype || !ckpt::is_floating(*dtype)) {
    throw core::usage_error("--dtype: " + core::quoted(o.dtype) + " is no floating type");
  }
  return ckpt::Cast{
      .to = *dtype,
      .overflow = o.overflow == "saturate" ? ckpt::Overflow::kSaturate : ckpt::Overflow::kSpecial,
      .scale = o.scale == "tensor" ? ckpt::ScaleBy::kTensor
               : o.scale == "row"  ? ckpt::ScaleBy::kRow
                                   : ckpt::ScaleBy::kNone};
}

ckpt::Target build_target(const FlatOptions& o, ckpt::Catalogue& catalogue,
                          const std::string& format) {
  const std::optional<ckpt::Cast> cast = cast_of(o);
  ckpt::apply_selection(catalogue, o.source.selection(), true);
  if (!o.rename.empty()) ckpt::apply_rename(catalogue, o.rename);
  ckpt::check_unique_names(catalogue);
  for (const std::string& name : o.expected) {
    const bool found = std::ranges::any_of(
        catalogue.tensors, [&name](const ckpt::Tensor& tensor) { return tensor.name == name; });
    if (!found)
      throw core::input_error({catalogue.source}, "no tensor is named " + core::quoted(name));
  }
  ckpt::Target target = ckpt::make_target(catalogue, tied_mode(o, format));
  if (cast) ckpt::cast_target(target, *cast);
  return target;
}

}  // namespace

Job::Job(const SourceOptions& source, const OutputOptions& output, std::string dst, core::Io& io,
         std::string options_text)
    : source_(source), output_(output), dst_(std::move(dst)), io_(io) {
  publish_.engine = output.engine(io, source);
  publish_.force = output.force;
  publish_.sync = io.sync;
  publish_.options_text = std::move(options_text);
  if (output.slice.empty()) return;
  std::string choice;
  publish_.slice = core::parse_slice(output.slice, &choice);
  if (!choice.empty()) io.log.info(choice);
  constexpr std::uint64_t kMostSlices = 65536;
  if (publish_.slice.count > kMostSlices) throw core::usage_error("--slice: at most 65536 shares");
  if (dst_ == "-") throw core::usage_error("--slice needs a folder as destination");
}

bool Job::is_done(const std::vector<std::string>& inputs) {
  publish_.inputs = inputs;
  if (output_.dry_run || dst_ == "-") return false;
  if (!output_.force && ckpt::is_already_there(dst_, publish_)) {
    io_.log.info(dst_ + ": already the verified result of the same inputs and options");
    return true;
  }
  ckpt::require_free(dst_, publish_);
  return false;
}

void Job::print(const std::vector<ckpt::OutputPlan>& plans) const {
  core::JsonlWriter writer(*io_.out);
  writer.header("plan", 1);
  ckpt::describe_plans(plans, dst_, publish_.folder,
                       [&](const std::string& json) { writer.record(json); });
  writer.trailer();
}

bool Job::write(std::vector<ckpt::OutputPlan>& plans, const ckpt::Catalogue& catalogue,
                nlohmann::ordered_json& summary) {
  if (output_.dry_run) {
    print(plans);
    return true;
  }
  if (dst_ == "-" && plans.size() > 1) throw core::usage_error("several files cannot go to stdout");
  // What no copy checks is read beside the writing, and must fit before anything is in place.
  std::vector<ckpt::StoredSum> sums;
  if (!source_.no_crc) sums = ckpt::attach_sums(catalogue, plans);
  const auto check = [&] { ckpt::require_sums(sums, catalogue.source, io_.threads); };
  std::future<void> checked;
  std::uint64_t total = 0;
  for (const ckpt::OutputPlan& plan : plans) total += plan.tail ? plan.tail_estimate : plan.size();
  ckpt::Published done{.files = 1, .bytes = total};
  if (dst_ == "-") {
    check();
    done.bytes = ckpt::stream_plan(plans.front(), *io_.out, publish_.engine).size;
  } else {
    core::Progress progress = io_.progress(io_.subcommand, total, core::Progress::Unit::kBytes);
    publish_.engine.progress = [&progress](std::uint64_t bytes) { progress.set(bytes); };
    if (!sums.empty()) {
      // Where no thread can be had, it is done at the end.
      checked = std::async(std::launch::async | std::launch::deferred, check);
      publish_.before_commit = [&checked] { checked.get(); };
    }
    done = ckpt::publish(plans, dst_, publish_);
    publish_.before_commit = nullptr;
    publish_.engine.progress = nullptr;
  }
  summary["nbytes"] = done.bytes;
  summary["files"] = done.files;
  if (!done.published) {
    io_.log.info(ckpt::without_slash(dst_) + ".partial: slice " + publish_.slice.text() +
                 " is there, others are missing");
  }
  return done.published;
}

std::string FlatOptions::format() const {
  const std::string known = to.empty() ? ckpt::format_of_suffix(dst) : to;
  return known.empty() ? "safetensors" : known;
}

void add_flat_options(core::Command& command, FlatOptions& o, std::vector<std::string> formats) {
  command.option("--to", &o.to, "format of the target; default by DST's suffix, else safetensors")
      .one_of(std::move(formats));
  command.option("--dtype", &o.dtype, "cast floating tensors to this type").value_name("DTYPE");
  command.option("--overflow", &o.overflow, "FP8 values past the range: the largest, or NaN / Inf")
      .one_of({"saturate", "nan", "inf"});
  command.option("--rename", &o.rename, "JSON array of [regex, replacement], applied in order")
      .value_name("FILE");
  command
      .option("--tied", &o.tied,
              "tensors that share storage: keep the first and list the others, or write all")
      .one_of({"default", "keep-first", "duplicate"});
  command.option("--max-shard-size", &o.max_shard_size,
                 "start a new shard past this size (default 5GB for folders)");
  command.option("--align", &o.align, "data of safetensors begins at a multiple of this");
  command.option("--preserve-order", &o.preserve_order, "keep the order of the source");
  command.option("--ranks", &o.ranks, "writers of a dcp folder, which share the rows")
      .range(1, 65536);
  add_output_options(command, o.output);
  add_base_option(command, o.source);
  add_source_options(command, o.source);
}

std::string canonical_options(const FlatOptions& o, const std::string& format) {
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
                      {"preserve_order", o.preserve_order},
                      {"scale", o.scale},
                      {"ranks", o.ranks},
                      {"patterns", o.source.patterns}};
  if (o.max_shard_size) json["max_shard_size"] = o.max_shard_size->bytes;
  if (!o.rename.empty()) json["rename"] = core::read_file(o.rename, 256u << 20);
  if (!o.source.src_layout.empty())
    json["src_layout"] = core::read_file(o.source.src_layout, 256u << 20);
  return json.dump();
}

ckpt::Catalogue open_sound(const std::string& src, const SourceOptions& options,
                           const core::Io& io) {
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(src, options.read(io));
  ckpt::require_sound(catalogue);
  return catalogue;
}

ckpt::WriteOptions write_options(const FlatOptions& o) {
  constexpr std::uint64_t kDefaultShard = 5'000'000'000;
  ckpt::WriteOptions options;
  options.folder = o.dst.ends_with('/') || o.format() == "dcp";
  const bool one_file = o.dst == "-" || (!options.folder && !ckpt::format_of_suffix(o.dst).empty());
  options.max_shard_size = o.max_shard_size ? o.max_shard_size->bytes
                           : one_file       ? 0
                                            : kDefaultShard;
  options.align = std::max<std::uint64_t>(8, o.align.bytes);
  if (options.align % 8 != 0) throw core::usage_error("--align must be a multiple of 8");
  options.preserve_order = o.preserve_order;
  options.root = ckpt::file_stem(o.dst);
  options.ranks = o.ranks;
  return options;
}

int write_flat(const FlatOptions& o, ckpt::Catalogue& catalogue, Job& job, core::Io& io) {
  const std::string format = o.format();
  const std::uint64_t objects = catalogue.objects;
  const ckpt::Target target = build_target(o, catalogue, format);
  const ckpt::WriteOptions writing = write_options(o);
  std::vector<ckpt::OutputPlan> plans = ckpt::plan_format(format, target, writing);
  const bool kept = (format == "pt" && target.document) || (format == "gguf" && target.gguf_values);
  if (objects > 0 && !kept) {
    io.log.info(std::to_string(objects) + " values that are no tensors are dropped");
  }
  if (writing.folder) job.as_folder();
  nlohmann::ordered_json summary{{"tensors", target.tensors.size()}};
  job.write(plans, catalogue, summary);
  if (!o.output.dry_run) io.summary(summary);
  return 0;
}

}  // namespace stateutils::ckpt_convert
