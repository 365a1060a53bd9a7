#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/pickle/document.hpp"
#include "commands.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct InspectOptions {
  SourceOptions source;
  StreamOptions stream;
  std::string path;
  bool tree = false, stats = false, hash = false;
};

void write_tensor(core::JsonlWriter& writer, const ckpt::Catalogue& catalogue,
                  const ckpt::Tensor& tensor, const ckpt::ScanResult* scan) {
  core::JsonWriter& json = writer.begin();
  json.field("name", tensor.name).field("dtype", ckpt::dtype_name(tensor.dtype));
  json.key("shape").begin_array();
  for (const std::uint64_t size : tensor.shape) json.value(size);
  json.end_array().field("nbytes", tensor.bytes()).field("role", ckpt::role_name(tensor.role));
  json.field("format", catalogue.format).field("pieces", tensor.pieces.size());
  if (!tensor.pieces.empty()) {
    std::uint64_t base = tensor.pieces.front().at;
    const ckpt::ByteFile* file = ckpt::underlying(*tensor.pieces.front().file, base);
    json.field("file", file->name()).field("offset", base);
  }
  if (tensor.alias_of) json.field("alias_of", catalogue.tensors[*tensor.alias_of].name);
  if (scan != nullptr) {
    if (!scan->xxh3.empty()) json.field("hash", scan->xxh3);
    if (const auto& stats = scan->stats) {
      if (stats->finite > 0) {
        json.field("min", stats->min).field("max", stats->max).field("mean", stats->mean());
        json.field("rms", stats->rms());
      }
      json.field("nan", stats->nan).field("inf", stats->inf).field("zeros", stats->zeros);
    }
  }
  writer.end();
}

// Non-tensor values of the object tree, one record a value.
void write_tree(core::JsonlWriter& writer, const ckpt::Document& document) {
  const ckpt::Heap& heap = document.heap();
  ckpt::walk_leaves(heap, document.root(), [&](const std::string& path, ckpt::Ref leaf) {
    if (heap.at(leaf).kind == ckpt::Kind::kTensor) return;
    core::JsonWriter& json = writer.begin();
    json.field("object", path).key("value").raw(ckpt::value_json(heap, leaf));
    writer.end();
  });
}

nlohmann::ordered_json summarize(const ckpt::Catalogue& catalogue) {
  std::uint64_t bytes = 0, elements = 0;
  std::map<std::string, std::uint64_t> dtypes;
  std::map<std::string, std::uint64_t> parameters;
  for (const ckpt::Tensor& tensor : catalogue.tensors) {
    ++dtypes[std::string(ckpt::dtype_name(tensor.dtype))];
    if (tensor.alias_of) continue;
    bytes += tensor.bytes();
    if (tensor.parameter.empty()) {
      elements += tensor.elements();
    } else if (tensor.role != ckpt::Role::kStep) {
      parameters[tensor.parameter] = std::max(parameters[tensor.parameter], tensor.elements());
    }
  }
  for (const auto& [name, count] : parameters) elements += count;
  nlohmann::ordered_json summary{{"tensors", catalogue.tensors.size()},
                                 {"params", elements},
                                 {"nbytes", bytes},
                                 {"dtypes", dtypes},
                                 {"format", catalogue.format}};
  const auto optional = [&](const char* key, const std::optional<std::uint64_t>& value) {
    if (value) summary[key] = *value;
  };
  optional("tp", catalogue.degrees.tp);
  optional("pp", catalogue.degrees.pp);
  optional("dp", catalogue.degrees.dp);
  optional("zero_stage", catalogue.degrees.zero_stage);
  optional("step", catalogue.degrees.step);
  if (catalogue.objects > 0) summary["objects"] = catalogue.objects;
  return summary;
}

int inspect(const InspectOptions& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  const auto lock = o.source.take_lock();
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.path, o.source.read(io));
  const auto document = catalogue.document;
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  std::vector<ckpt::ScanResult> scans;
  if (o.stats || o.hash) {
    scans = ckpt::scan_tensors(catalogue, {.xxh3 = o.hash, .stats = o.stats}, io.threads,
                               o.source.max_memory.bytes);
  }
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("tensors", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("source", o.path);
  });
  for (std::size_t i = 0; i < catalogue.tensors.size(); ++i) {
    write_tensor(writer, catalogue, catalogue.tensors[i], scans.empty() ? nullptr : &scans[i]);
  }
  if (o.tree && document) write_tree(writer, *document);
  const nlohmann::ordered_json summary = summarize(catalogue);
  for (const ckpt::Finding& finding : catalogue.findings) io.log.warn(finding.detail);
  close_stream(writer, *out, summary, io);
  return 0;
}

}  // namespace

void register_inspect(core::Tool& tool) {
  auto o = std::make_shared<InspectOptions>();
  auto cmd = tool.subcommand("inspect", "list the tensors of a checkpoint");
  cmd.option("PATH", &o->path, "checkpoint file, folder or index (- = stdin)").required();
  cmd.option("--tree", &o->tree, "list the values that are no tensors too");
  cmd.option("--stats", &o->stats, "minimum, maximum, mean, rms, counts of NaN, Inf and zeros");
  cmd.option("--hash", &o->hash, "XXH3-128 of every tensor's bytes");
  add_stream_options(cmd, o->stream);
  add_base_option(cmd, o->source);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return inspect(*o, io); });
}

}  // namespace stateutils::ckpt_convert
