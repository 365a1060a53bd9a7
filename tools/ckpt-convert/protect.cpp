#include <cstdio>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/protect/neighbour.hpp"
#include "ckpt/protect/parity.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

using namespace ckpt::protect;

struct ProtectCommand {
  std::string folder, code = "rs", lock;
  std::uint64_t data = 8, parity = 2;
  bool estimate = false, force = false, dry_run = false;
  std::optional<core::Duration> deadline;
  double loss = 0.05;
};

ProtectOptions protect_options(const core::Io& io, bool dry_run,
                               const std::optional<core::Duration>& deadline) {
  ProtectOptions options{.threads = io.threads, .sync = io.sync, .dry_run = dry_run};
  if (deadline) options.deadline = io.start + std::chrono::nanoseconds(deadline->ns);
  return options;
}

void plan_line(core::JsonlWriter& writer, const std::string& dst, const std::string& src,
               std::uint64_t length, const char* operation) {
  writer.begin()
      .field("dst", dst)
      .field("dst_offset", 0)
      .field("src", src)
      .field("src_offset", 0)
      .field("length", length)
      .field("op", operation);
  writer.end();
}

// Parity files depend on every file of their group; the plan names the folder.
void print_parity(const std::string& folder, const Sidecar& layout, core::Io& io) {
  core::JsonlWriter writer(*io.out);
  writer.header("plan", 1);
  for (const Group& group : layout.groups) {
    for (const ParityFile& parity : group.parity) {
      plan_line(writer, folder + '/' + kFolder + '/' + parity.file, folder, group.length, "parity");
    }
  }
  writer.trailer();
}

void print_repair(const std::string& folder, const Damage& damage, core::Io& io) {
  const Sidecar sidecar = load_sidecar(folder);
  core::JsonlWriter writer(*io.out);
  writer.header("plan", 1);
  for (const std::string& name : damage.files) {
    std::uint64_t size = 0;
    for (const Sidecar::File& file : sidecar.files) {
      if (file.name == name) size = file.size;
    }
    for (const Group& group : sidecar.groups) {
      for (const ParityFile& parity : group.parity) {
        if (std::string(kFolder) + '/' + parity.file == name) size = group.length;
      }
    }
    plan_line(writer, folder + '/' + name, folder, size, "repair");
  }
  writer.trailer();
}

int protect(const ProtectCommand& o, core::Io& io) {
  if (o.data + o.parity > kMaxMembers) throw core::usage_error("--data and --parity exceed 255");
  if (o.code == "xor" && o.parity != 1) throw core::usage_error("--code xor needs --parity 1");
  if (o.estimate) {
    char text[64];
    std::snprintf(text, sizeof text, "%.15f\n", survival(o.data, o.parity, o.loss));
    io.out->write(text);
    return 0;
  }
  if (o.folder.empty()) throw core::usage_error("needs DIR");
  const auto lock = o.lock.empty() ? nullptr : std::make_unique<core::FileLock>(o.lock);
  const ProtectOptions options = protect_options(io, o.dry_run, o.deadline);
  auto files = list_data_files(o.folder);
  if (files.empty()) throw core::input_error({o.folder}, "no files to protect");
  std::uint64_t bytes = 0;
  for (const Sidecar::File& file : files) bytes += file.size;
  const Sidecar layout = make_layout(std::move(files), o.data, o.parity, o.code);
  const std::string parity = o.folder + '/' + kFolder;
  if (!o.force && is_protected(o.folder, layout, options)) {
    io.log.info(o.folder + ": already protected");
    return 0;
  }
  if (!o.force && has_parity(o.folder)) {
    throw core::environment_error(parity + ": protects something else (--force replaces it)");
  }
  if (o.dry_run) {
    print_parity(o.folder, layout, io);
    return 0;
  }
  protect_folder(o.folder, layout, options);
  io.summary({{"files", layout.files.size()},
              {"nbytes", bytes},
              {"groups", layout.groups.size()},
              {"data", o.data},
              {"parity", o.parity}});
  return 0;
}

struct RepairCommand {
  SourceOptions source;
  OutputOptions output;
  std::string src, dst, method = "parity", stages, weights, weight_mode = "norm2", embeddings;
  std::optional<std::uint64_t> stage, from_stage;
};

int repair_parity(const RepairCommand& o, core::Io& io) {
  if (!o.dst.empty()) throw core::usage_error("repair from parity takes DIR alone");
  const auto lock = o.source.take_lock();
  io.require_json_target(o.output.dry_run);
  const Damage damage =
      repair_folder(o.src, protect_options(io, o.output.dry_run, o.output.deadline));
  const bool as_it_is = damage.lost_columns > 0 || o.output.dry_run;
  for (const std::string& name : damage.files) {
    io.log.info(name + (as_it_is ? ": damaged" : ": repaired"));
  }
  if (o.output.dry_run) print_repair(o.src, damage, io);
  io.summary({{"bad_blocks", damage.blocks},
              {"files", damage.files},
              {"lost_columns", damage.lost_columns},
              {"repaired", !as_it_is}});
  if (damage.lost_columns > 0) {
    throw core::verdict_error(o.src + ": " + std::to_string(damage.lost_columns) +
                              " columns have lost more blocks than there is parity; nothing was "
                              "written");
  }
  return 0;
}

WeightMode weight_mode(const std::string& name) {
  if (name == "norm") return WeightMode::kNorm;
  if (name == "equal") return WeightMode::kEqual;
  return name == "copy" ? WeightMode::kCopy : WeightMode::kNorm2;
}

Recovery recover(const RepairCommand& o, ckpt::Catalogue& catalogue, core::Io& io,
                 std::vector<std::string>& inputs) {
  const StageMap stages = load_stage_map(o.stages);
  if (*o.stage >= stages.size()) throw core::usage_error("--stage is not in the map");
  inputs.push_back(o.stages);
  if (o.method == "neighbour") {
    std::vector<std::optional<double>> norms;
    if (!o.weights.empty()) {
      norms = load_grad_norms(o.weights);
      inputs.push_back(o.weights);
    }
    if (*o.stage == 0 || *o.stage + 1 == stages.size()) {
      throw core::usage_error("the first and the last stage need --method copy --from-stage N");
    }
    const Weights weights = neighbour_weights(weight_mode(o.weight_mode), norms, *o.stage);
    return recover_between(catalogue, stages, *o.stage, weights);
  }
  if (!o.from_stage) throw core::usage_error("--method copy needs --from-stage");
  std::optional<ckpt::Catalogue> embeddings;
  if (!o.embeddings.empty()) {
    embeddings = ckpt::open_checkpoint(o.embeddings, o.source.read(io));
    ckpt::require_sound(*embeddings);
    inputs.insert(inputs.end(), embeddings->files.begin(), embeddings->files.end());
  }
  return recover_copy(catalogue, stages, *o.stage, *o.from_stage,
                      embeddings ? &*embeddings : nullptr);
}

std::string stage_options(const RepairCommand& o) {
  return nlohmann::json{{"command", "repair"},
                        {"method", o.method},
                        {"stage", *o.stage},
                        {"weight_mode", o.weight_mode},
                        {"from_stage", o.from_stage.value_or(0)},
                        {"include", o.source.include},
                        {"exclude", o.source.exclude},
                        {"state", o.source.states}}
      .dump();
}

int repair_stage(const RepairCommand& o, core::Io& io) {
  if (o.dst.empty()) throw core::usage_error("needs SRC and DST");
  if (!o.stage || o.stages.empty()) throw core::usage_error("needs --stage and --stages");
  const auto lock = o.source.take_lock();
  Job job(o.source, o.output, o.dst, io, stage_options(o));
  ckpt::Catalogue catalogue = open_sound(o.src, o.source, io);
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  std::vector<std::string> inputs = catalogue.files;
  const Recovery done = recover(o, catalogue, io, inputs);
  if (job.is_done(inputs)) return 0;
  nlohmann::ordered_json summary{{"stage", *o.stage},
                                 {"averaged", done.averaged},
                                 {"copied", done.copied},
                                 {"reset", done.reset},
                                 {"recommended_lr_scale", 1.1}};
  std::string format = ckpt::format_of_suffix(o.dst);
  if (format.empty()) format = "safetensors";
  const ckpt::Target target = ckpt::make_target(
      catalogue, format == "safetensors" ? ckpt::Tied::kKeepFirst : ckpt::Tied::kDuplicate);
  ckpt::WriteOptions writing;
  writing.root = ckpt::file_stem(o.dst);
  auto plans = ckpt::plan_format(format, target, writing);
  if (o.output.dry_run) {
    job.write(plans, catalogue, summary);
    return 0;
  }
  const std::string text = summary.dump();
  job.write(plans, catalogue, summary);
  if (!io.json) {
    io.out->write(text + '\n');
  } else {
    io.summary(summary);
  }
  return 0;
}

}  // namespace

void register_protect(core::Tool& tool) {
  auto o = std::make_shared<ProtectCommand>();
  auto cmd =
      tool.subcommand("protect", "write parity, so that lost or damaged files can be repaired");
  cmd.option("DIR", &o->folder, "folder whose files are protected, in DIR/.parity");
  cmd.option("--data", &o->data, "files (or stripes of a single file) a group").range(1, 254);
  cmd.option("--parity", &o->parity, "parity files a group: as many losses are survived")
      .range(1, 254);
  cmd.option("--code", &o->code, "Reed-Solomon, or XOR for one parity file").one_of({"rs", "xor"});
  cmd.option("--estimate", &o->estimate, "print the probability of survival, protect nothing");
  cmd.option("--p", &o->loss, "probability of losing one file, for --estimate").range(0, 1);
  cmd.option("--force", &o->force, "replace parity that does not fit");
  cmd.option("--dry-run", &o->dry_run, "print the plan, write nothing");
  cmd.option("--deadline", &o->deadline, "stop after this time with nothing written")
      .value_name("TIME");
  cmd.option("--lock", &o->lock, "hold this lock file while running; busy is exit 4")
      .value_name("FILE");
  cmd.run([o](core::Io& io) { return protect(*o, io); });
}

void register_repair(core::Tool& tool) {
  auto o = std::make_shared<RepairCommand>();
  auto cmd = tool.subcommand(
      "repair", "restore damaged files from parity, or a lost stage from its neighbours");
  cmd.option("SRC", &o->src, "protected folder; for a stage: the checkpoint that is left")
      .required();
  cmd.option("DST", &o->dst, "for a stage: file to write");
  cmd.option("--method", &o->method, "parity, or how a lost pipeline stage is made again")
      .one_of({"parity", "neighbour", "copy"});
  cmd.option("--stage", &o->stage, "the lost stage, from 0");
  cmd.option("--stages", &o->stages, "{\"stages\":[[REGEX, ...], ...]}: the names of each stage")
      .value_name("MAP");
  cmd.option("--weights", &o->weights, "{\"grad_norms\":[...]}: gradient norm of each stage")
      .value_name("FILE");
  cmd.option("--weight-mode", &o->weight_mode,
             "weights: squared norm, norm + 1e-4, equal, or a copy of the stage before")
      .one_of({"norm2", "norm", "equal", "copy"});
  cmd.option("--from-stage", &o->from_stage, "the stage that --method copy takes");
  cmd.option("--embedding-copy", &o->embeddings,
             "checkpoint with the tensors that only the lost stage has")
      .value_name("PATH");
  add_output_options(cmd, o->output);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) {
    return o->method == "parity" ? repair_parity(*o, io) : repair_stage(*o, io);
  });
}

}  // namespace stateutils::ckpt_convert
