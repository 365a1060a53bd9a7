#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "ckpt/ops/convert.hpp"
#include "ckpt/quant/checkpoint.hpp"
#include "ckpt/quant/search.hpp"
#include "ckpt/quant/store.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

using namespace ckpt::quant;

struct QuantizeCommand {
  SourceOptions source;
  OutputOptions output;
  StreamOptions stream;
  std::string src, dst, hessian, norm = "none", device = "cpu";
  QuantOptions quant;
  int iterations = 100;
};

void check_options(const QuantOptions& q) {
  const auto check = [](std::uint64_t k, const char* name) {
    if (k < 2 || k > (1u << 24) || !std::has_single_bit(k)) {
      throw core::usage_error(std::string(name) + " must be a power of two from 2 to 2^24");
    }
  };
  check(q.k, "--k");
  check(q.outlier_k, "--outlier-k");
  if (q.residual_k > 0) check(q.residual_k, "--res-k");
  const int bits = std::countr_zero(q.k) + (q.residual_k > 0 ? std::countr_zero(q.residual_k) : 0);
  if (bits > 32) throw core::usage_error("--k and --res-k need more than 32 bits together");
}

nlohmann::json option_record(const QuantizeCommand& o, std::uint64_t seed) {
  return {{"command", "quantize"},
          {"v", o.quant.v},
          {"k", o.quant.k},
          {"res_k", o.quant.residual_k},
          {"groups", o.quant.groups},
          {"outlier_percent", o.quant.outlier_percent},
          {"outlier_v", o.quant.outlier_v},
          {"outlier_k", o.quant.outlier_k},
          {"hessian", o.hessian},
          {"norm", o.norm},
          {"perm", o.quant.permute},
          {"kiter", o.iterations},
          {"ktol", o.quant.tolerance},
          {"seed", seed},
          {"include", o.source.include},
          {"exclude", o.source.exclude},
          {"state", o.source.states}};
}

// Writes a record per layer in the order of the layers, whichever is done first.
class Reporter {
 public:
  Reporter(core::JsonlWriter& writer, core::Output& out) : writer_(writer), out_(out) {}

  void done(std::size_t index, const LayerReport& report) {
    waiting_.insert_or_assign(index, report);
    while (!waiting_.empty() && waiting_.begin()->first <= next_) write_first();
    out_.flush();
  }
  // What waits for layers that an earlier run has written.
  void finish() {
    while (!waiting_.empty()) write_first();
  }

 private:
  void write_first() {
    const auto first = waiting_.begin();
    const LayerReport& report = first->second;
    writer_.begin()
        .field("name", report.name)
        .field("bits_per_weight", report.bits_per_weight)
        .field("proxy_error", report.proxy_error)
        .field("rtn_proxy_error", report.rtn_proxy_error);
    writer_.end();
    next_ = std::max(next_, first->first + 1);
    waiting_.erase(first);
  }

  core::JsonlWriter& writer_;
  core::Output& out_;
  std::map<std::size_t, LayerReport> waiting_;
  std::size_t next_ = 0;
};

QuantOptions layer_options(const QuantizeCommand& o, const core::Io& io, DeviceSearch* device) {
  QuantOptions options = o.quant;
  options.norm = o.norm == "minmax" ? Norm::kMinMax
                 : o.norm == "std"  ? Norm::kStandard
                                    : Norm::kNone;
  options.iterations = o.iterations;
  options.seed = io.seed;
  options.threads = io.threads;
  options.device = device;
  return options;
}

int quantize(const QuantizeCommand& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-" || o.output.dry_run);
  check_options(o.quant);
  const auto lock = o.source.take_lock();
  const auto device = o.device == "cuda" ? std::make_unique<DeviceSearch>() : nullptr;
  // The layers need the memory; blocks of the output are small.
  SourceOptions writing = o.source;
  writing.max_memory.bytes = std::min<std::uint64_t>(o.source.max_memory.bytes, 16u << 20);
  Job job(writing, o.output, o.dst, io, option_record(o, io.seed).dump());
  ckpt::Catalogue catalogue = open_sound(o.src, o.source, io);
  ckpt::apply_selection(catalogue, o.source.selection(), true);
  std::unique_ptr<Reporter> reporter;
  const QuantizedCheckpoint quantized = quantized_checkpoint(
      catalogue, {.layer = layer_options(o, io, device.get()),
                  .hessians = o.hessian,
                  .max_memory = o.source.max_memory.bytes,
                  .done = [&reporter](std::size_t index, const LayerReport& report) {
                    reporter->done(index, report);
                  }});
  std::vector<std::string> inputs = catalogue.files;
  inputs.insert(inputs.end(), quantized.hessian_files.begin(), quantized.hessian_files.end());
  if (job.is_done(inputs)) return 0;
  auto plans = ckpt::plan_format("safetensors", quantized.target, {.preserve_order = true});
  nlohmann::ordered_json summary{{"layers", quantized.layers},
                                 {"tensors", quantized.target.tensors.size()}};
  if (o.output.dry_run) {
    job.write(plans, catalogue, summary);
    return 0;
  }
  for (const std::string& name : quantized.without_hessian) {
    io.log.info("layer " + core::quoted(name) + ": no Hessian, the identity is used");
  }
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("layers", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("seed", io.seed);
  });
  reporter = std::make_unique<Reporter>(writer, *out);
  job.write(plans, catalogue, summary);
  reporter->finish();
  writer.trailer();
  out->commit();
  io.summary(summary);
  return 0;
}

int dequantize(const QuantizeCommand& o, core::Io& io) {
  io.require_json_target(o.output.dry_run || o.dst == "-");
  const auto lock = o.source.take_lock();
  Job job(o.source, o.output, o.dst, io, nlohmann::json{{"command", "dequantize"}}.dump());
  ckpt::Catalogue catalogue = open_sound(o.src, o.source, io);
  if (job.is_done(catalogue.files)) return 0;
  std::string format = ckpt::format_of_suffix(o.dst);
  if (format.empty()) format = "safetensors";
  const ckpt::Target target = dequantized_target(catalogue);
  ckpt::WriteOptions writing;
  writing.root = ckpt::file_stem(o.dst);
  auto plans = ckpt::plan_format(format, target, writing);
  nlohmann::ordered_json summary{{"tensors", target.tensors.size()}};
  job.write(plans, catalogue, summary);
  if (!o.output.dry_run) io.summary(summary);
  return 0;
}

void add_common(core::Command& cmd, QuantizeCommand& o) {
  add_output_options(cmd, o.output);
  add_source_options(cmd, o.source);
}

}  // namespace

void register_quantize(core::Tool& tool) {
  auto o = std::make_shared<QuantizeCommand>();
  auto cmd = tool.subcommand("quantize", "vector-quantize the matrices of a checkpoint (VPTQ)");
  cmd.option("SRC", &o->src, "checkpoint file, folder or index").required();
  cmd.option("DST", &o->dst, "safetensors file to write").required();
  cmd.option("--v", &o->quant.v, "length of the vectors").range(1, 256);
  cmd.option("--k", &o->quant.k, "centroids of a codebook, a power of two");
  cmd.option("--res-k", &o->quant.residual_k, "centroids for what the first codebook leaves");
  cmd.option("--groups", &o->quant.groups, "groups of columns, each with its own codebook")
      .at_least(1);
  cmd.option("--outlier-percent", &o->quant.outlier_percent,
             "share of columns, those of the largest Hessian, with a codebook of their own")
      .range(0, 99);
  cmd.option("--outlier-v", &o->quant.outlier_v, "length of their vectors").range(1, 256);
  cmd.option("--outlier-k", &o->quant.outlier_k, "their centroids, a power of two");
  cmd.option("--hessian", &o->hessian, "folder of NAME.safetensors with H and perhaps Hinv")
      .value_name("DIR");
  cmd.option("--norm", &o->norm, "scale each column: by its range, or by its deviation")
      .one_of({"none", "minmax", "std"});
  cmd.option("--perm", &o->quant.permute, "code columns of a large Hessian first");
  cmd.option("--kiter", &o->iterations, "k-means rounds at most").at_least(1);
  cmd.option("--ktol", &o->quant.tolerance, "stop when the error falls by less than this share")
      .at_least(0);
  cmd.option("--device", &o->device, "where centroids are searched for; the result is the same")
      .one_of({"cpu", "cuda"});
  add_stream_options(cmd, o->stream);
  add_common(cmd, *o);
  cmd.run([o](core::Io& io) { return quantize(*o, io); });
}

void register_dequantize(core::Tool& tool) {
  auto o = std::make_shared<QuantizeCommand>();
  auto cmd = tool.subcommand("dequantize", "restore the matrices of a quantized checkpoint");
  cmd.option("SRC", &o->src, "what quantize has written").required();
  cmd.option("DST", &o->dst, "file to write").required();
  add_common(cmd, *o);
  cmd.run([o](core::Io& io) { return dequantize(*o, io); });
}

}  // namespace stateutils::ckpt_convert
