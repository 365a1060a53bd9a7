#include <nlohmann/json.hpp>

#include "ckpt/ckz/write.hpp"
#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/ops/sums.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct CompressOptions {
  SourceOptions source;
  OutputOptions output;
  std::string src, dst, base, to;  // base: of the result, when compressing
};

// What compress and decompress share: the source opened, the destination checked.
struct Job {
  ckpt::Catalogue catalogue;
  ckpt::PublishOptions publish;
  bool already_there = false;
};

Job open_job(const CompressOptions& o, core::Io& io, const nlohmann::json& options) {
  Job job{.catalogue = ckpt::open_checkpoint(o.src, o.source.read(io)), .publish = {}};
  ckpt::require_sound(job.catalogue);
  job.publish.engine = o.output.engine(io, o.source);
  job.publish.force = o.output.force;
  job.publish.sync = io.sync;
  job.publish.options_text = options.dump();
  job.publish.inputs = job.catalogue.files;
  return job;
}

// The record of the result names the files of the base too.
bool needs_work(const CompressOptions& o, Job& job, const std::vector<std::string>& base_files,
                core::Io& io) {
  auto& inputs = job.publish.inputs;
  inputs.insert(inputs.end(), base_files.begin(), base_files.end());
  if (o.dst == "-" || o.output.dry_run) return true;
  if (!o.output.force && ckpt::is_already_there(o.dst, job.publish)) {
    io.log.info(o.dst + ": already the verified result of the same inputs and options");
    return false;
  }
  ckpt::require_free(o.dst, job.publish);
  return true;
}

nlohmann::json common_options(const CompressOptions& o, const char* command) {
  return {{"command", command},
          {"include", o.source.include},
          {"exclude", o.source.exclude},
          {"state", o.source.states},
          {"opaque", o.source.opaque}};
}

// Writes one or more planned files where they belong; the bytes written.
std::uint64_t deliver(const CompressOptions& o, const std::vector<ckpt::OutputPlan>& plans,
                      const Job& job, core::Io& io) {
  if (o.dst == "-") return ckpt::stream_plan(plans.front(), *io.out, job.publish.engine).size;
  return ckpt::publish(plans, o.dst, job.publish).bytes;
}

void print_plan(const std::vector<ckpt::OutputPlan>& plans, const CompressOptions& o,
                core::Io& io) {
  core::JsonlWriter writer(*io.out);
  writer.header("plan", 1);
  ckpt::describe_plans(plans, o.dst, false, [&](const std::string& json) { writer.record(json); });
  writer.trailer();
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
  nlohmann::json options = common_options(o, "compress");
  options["base"] = !o.base.empty();
  Job job = open_job(o, io, options);
  std::optional<ckpt::Catalogue> base;
  if (!o.base.empty()) {
    base = ckpt::open_checkpoint(o.base, o.source.read(io));
    ckpt::require_sound(*base);
    ckpt::apply_selection(*base, o.source.selection(), true);
  }
  if (!needs_work(o, job, base ? base->files : std::vector<std::string>{}, io)) return 0;
  ckpt::apply_selection(job.catalogue, o.source.selection(), true);
  ckpt::check_unique_names(job.catalogue);
  const ckpt::Target target = ckpt::make_target(job.catalogue, ckpt::Tied::kKeepFirst);
  std::vector<ckpt::OutputPlan> plans;
  plans.push_back(ckpt::plan_ckz_delta(target, {}, base ? &*base : nullptr));
  if (!o.source.no_crc) ckpt::attach_sums(job.catalogue, plans, io.threads);
  const std::uint64_t before = tensor_bytes(target), after = deliver(o, plans, job, io);
  io.summary({{"tensors", target.tensors.size()},
              {"tensor_bytes", before},
              {"nbytes", after},
              {"ratio", after > 0 ? static_cast<double>(before) / static_cast<double>(after) : 0}});
  return 0;
}

int decompress(const CompressOptions& o, core::Io& io) {
  io.require_json_target(o.dst == "-" || o.output.dry_run);
  const auto lock = o.source.take_lock();
  std::string format = o.to.empty() ? ckpt::format_of_suffix(o.dst) : o.to;
  if (format.empty()) format = "safetensors";
  nlohmann::json options = common_options(o, "decompress");
  options["to"] = format;
  Job job = open_job(o, io, options);
  if (job.catalogue.format != "ckz") throw core::input_error({o.src}, "no ckz file");
  const std::vector<std::string> base_files =
      o.source.base.empty() ? std::vector<std::string>{} : std::vector<std::string>{o.source.base};
  if (!needs_work(o, job, base_files, io)) return 0;
  ckpt::apply_selection(job.catalogue, o.source.selection(), true);
  const ckpt::Target target =
      ckpt::make_target(job.catalogue, format == "pt"            ? ckpt::Tied::kAlias
                                       : format == "safetensors" ? ckpt::Tied::kKeepFirst
                                                                 : ckpt::Tied::kDuplicate);
  ckpt::WriteOptions writing;
  writing.root = ckpt::file_stem(o.dst);
  auto plans = ckpt::plan_format(format, target, writing);
  if (o.output.dry_run) {
    print_plan(plans, o, io);
    return 0;
  }
  ckpt::attach_sums(job.catalogue, plans, io.threads);
  const std::uint64_t written = deliver(o, plans, job, io);
  io.summary({{"tensors", target.tensors.size()}, {"nbytes", written}});
  return 0;
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
  auto o = std::make_shared<CompressOptions>();
  auto cmd = tool.subcommand("decompress", "restore a .ckz file's tensors, bit for bit");
  cmd.option("SRC", &o->src, ".ckz file (- = stdin)").required();
  cmd.option("DST", &o->dst, "file to write (- = stdout)").required();
  cmd.option("--to", &o->to, "format of the target; default by DST's suffix, else safetensors")
      .one_of(ckpt::writable_formats());
  add_base_option(cmd, o->source);
  add_output_options(cmd, o->output);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return decompress(*o, io); });
}

}  // namespace stateutils::ckpt_convert
