#include "ckpt/ops/verify.hpp"

#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "commands.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct VerifyOptions {
  SourceOptions source;
  StreamOptions stream;
  std::string path, manifest, nan = "off";
  bool replicas = false, deep = false;
};

int verify(const VerifyOptions& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  const auto lock = o.source.take_lock();
  ckpt::VerifyWanted wanted{.sums = !o.source.no_crc,
                            .replicas = o.replicas || o.deep,
                            .nan = o.deep || o.nan != "off",
                            .nan_fails = o.nan == "fail",
                            .threads = io.threads,
                            .max_memory = o.source.max_memory.bytes};
  if (!o.manifest.empty()) wanted.manifest = ckpt::load_manifest(o.manifest);
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.path, o.source.read(io));
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  const ckpt::Verdict verdict = ckpt::verify(catalogue, wanted);
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("checks", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("source", o.path);
  });
  for (const ckpt::CheckResult& result : verdict.results) {
    core::JsonWriter& json = writer.begin();
    json.field("check", result.finding.check).field("tensor", result.finding.tensor);
    json.field("status", result.failed ? "fail" : "warn").field("detail", result.finding.detail);
    writer.end();
  }
  const nlohmann::ordered_json summary{
      {"checked", verdict.checked}, {"failed", verdict.failed}, {"warned", verdict.warned}};
  close_stream(writer, *out, summary, io);
  return verdict.failed > 0 ? 1 : 0;
}

}  // namespace

void register_verify(core::Tool& tool) {
  auto o = std::make_shared<VerifyOptions>();
  auto cmd = tool.subcommand("verify", "check structure, checksums, replicas and hashes");
  cmd.option("PATH", &o->path, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("--manifest", &o->manifest, "compare every tensor with this manifest")
      .value_name("FILE");
  cmd.option("--nan", &o->nan, "look for NaN and Inf").one_of({"off", "warn", "fail"});
  cmd.option("--replicas", &o->replicas, "compare replicated tensors bit by bit");
  cmd.option("--deep", &o->deep, "everything that needs tensor bytes: replicas, NaN and Inf");
  add_stream_options(cmd, o->stream);
  add_base_option(cmd, o->source);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return verify(*o, io); });
}

}  // namespace stateutils::ckpt_convert
