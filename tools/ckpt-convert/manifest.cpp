#include <algorithm>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/scan.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct ManifestOptions {
  SourceOptions source;
  StreamOptions stream;
  std::string path;
  bool sha256 = false;
};

int manifest(const ManifestOptions& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  const auto lock = o.source.take_lock();
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.path, o.source.read(io));
  if (!o.source.no_crc) {
    for (auto& finding : ckpt::check_sums(catalogue.sums, io.threads)) {
      catalogue.findings.push_back(std::move(finding));
    }
  }
  ckpt::require_sound(catalogue);
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  const auto scans = ckpt::scan_tensors(catalogue, {.xxh3 = true, .sha256 = o.sha256}, io.threads,
                                        o.source.max_memory.bytes);
  std::vector<std::size_t> order(catalogue.tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {},
                    [&](std::size_t i) -> const std::string& { return catalogue.tensors[i].name; });
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("tensors", 1);
  std::uint64_t bytes = 0;
  for (const std::size_t i : order) {
    const ckpt::Tensor& tensor = catalogue.tensors[i];
    core::JsonWriter& json = writer.begin();
    json.field("name", tensor.name).field("dtype", ckpt::dtype_name(tensor.dtype));
    json.key("shape").begin_array();
    for (const std::uint64_t size : tensor.shape) json.value(size);
    json.end_array().field("xxh3_128", scans[i].xxh3);
    if (o.sha256) json.field("sha256", scans[i].sha256);
    writer.end();
    bytes += tensor.bytes();
  }
  writer.trailer();
  out->commit();
  io.summary({{"tensors", order.size()}, {"nbytes", bytes}});
  return 0;
}

}  // namespace

void register_manifest(core::Tool& tool) {
  auto o = std::make_shared<ManifestOptions>();
  auto cmd = tool.subcommand("manifest", "hash every tensor, independent of format and sharding");
  cmd.option("PATH", &o->path, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("--sha256", &o->sha256, "add SHA-256");
  add_stream_options(cmd, o->stream);
  add_base_option(cmd, o->source);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return manifest(*o, io); });
}

}  // namespace stateutils::ckpt_convert
