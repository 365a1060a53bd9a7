#include <bit>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ckpt/formats/open.hpp"
#include "ckpt/model/elements.hpp"
#include "ckpt/ops/convert.hpp"
#include "ckpt/ops/publish.hpp"
#include "ckpt/plan/tensor_file.hpp"
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
  std::string src, dst, hessian, norm = "none";
  QuantOptions quant;
  int iterations = 100;
};

// H, and H^-1 where the file has it; empty where there is no file for the layer.
struct GivenHessian {
  Square h, inverse;
};

Square read_square(const ckpt::Catalogue& catalogue, const std::string& name, std::uint64_t n) {
  const auto found = std::ranges::find(catalogue.tensors, name, &ckpt::Tensor::name);
  if (found == catalogue.tensors.end()) return {};
  if (!ckpt::is_floating(found->dtype) || found->shape != ckpt::Shape{n, n}) {
    throw core::input_error({catalogue.source}, name + " is not a floating matrix of " +
                                                    std::to_string(n) + " by " + std::to_string(n));
  }
  Square square{n, std::vector<double>(n * n)};
  const std::string bytes = ckpt::read_text(*ckpt::tensor_file(*found), 0, found->bytes());
  ckpt::to_doubles(found->dtype, bytes.data(), square.cells);
  return square;
}

GivenHessian load_hessian(const QuantizeCommand& o, const ckpt::Tensor& tensor, core::Io& io,
                          std::vector<std::string>& inputs) {
  const std::string path = o.hessian + '/' + tensor.name + ".safetensors";
  std::error_code failed;
  if (o.hessian.empty() || !std::filesystem::exists(path, failed)) {
    io.log.info("layer " + core::quoted(tensor.name) + ": no Hessian, the identity is used");
    return {};
  }
  inputs.push_back(path);
  const ckpt::Catalogue catalogue = ckpt::open_checkpoint(path, {});
  GivenHessian given{read_square(catalogue, "H", tensor.shape[1]),
                     read_square(catalogue, "Hinv", tensor.shape[1])};
  if (given.h.cells.empty()) throw core::input_error({path}, "no tensor H");
  return given;
}

bool is_layer(const ckpt::Tensor& tensor) {
  return tensor.shape.size() == 2 && ckpt::is_floating(tensor.dtype) && tensor.elements() > 0 &&
         !tensor.alias_of;
}

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

void write_record(core::JsonlWriter& writer, core::Output& out, const std::string& name,
                  const QuantizedLayer& layer) {
  writer.begin()
      .field("name", name)
      .field("bits_per_weight", layer.bits_per_weight)
      .field("proxy_error", layer.proxy_error)
      .field("rtn_proxy_error", layer.rtn_proxy_error);
  writer.end();
  out.flush();
}

int quantize(const QuantizeCommand& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  check_options(o.quant);
  const auto lock = o.source.take_lock();
  QuantOptions options = o.quant;
  options.norm = o.norm == "minmax" ? Norm::kMinMax
                 : o.norm == "std"  ? Norm::kStandard
                                    : Norm::kNone;
  options.iterations = o.iterations;
  options.seed = io.seed;
  options.threads = io.threads;
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.src, o.source.read(io));
  ckpt::require_sound(catalogue);
  ckpt::PublishOptions publish{.engine = o.output.engine(io, o.source),
                               .force = o.output.force,
                               .sync = io.sync,
                               .options_text = option_record(o, io.seed).dump(),
                               .inputs = catalogue.files};
  ckpt::require_free(o.dst, publish);
  ckpt::apply_selection(catalogue, o.source.selection(), true);
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("layers", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("seed", io.seed);
  });
  ckpt::Target target{.tensors = {}, .metadata = catalogue.metadata};
  std::vector<LayerConfig> layers;
  for (const ckpt::Tensor& tensor : catalogue.tensors) {
    if (!is_layer(tensor)) {
      target.tensors.push_back({.name = tensor.name,
                                .dtype = tensor.dtype,
                                .shape = tensor.shape,
                                .bytes = ckpt::tensor_file(ckpt::holder_of(catalogue, tensor))});
      continue;
    }
    const GivenHessian given = load_hessian(o, tensor, io, publish.inputs);
    QuantOptions layer_options = options;
    const auto outliers = static_cast<std::uint64_t>(static_cast<double>(tensor.shape[1]) *
                                                     options.outlier_percent / 100);
    layer_options.groups = std::min(options.groups, tensor.shape[1] - outliers);
    const QuantizedLayer layer = quantize_layer(
        load_weights(tensor), given.h, given.inverse.cells.empty() ? nullptr : &given.inverse,
        centroid_type(tensor.dtype), layer_options);
    layers.push_back(add_layer(target, tensor.name, tensor.dtype, layer, layer_options));
    write_record(writer, *out, tensor.name, layer);
  }
  target.metadata.emplace_back(kConfigKey, config_text(layers));
  const auto done = ckpt::publish(ckpt::plan_format("safetensors", target, {}), o.dst, publish);
  writer.trailer();
  out->commit();
  io.summary(
      {{"layers", layers.size()}, {"tensors", target.tensors.size()}, {"nbytes", done.bytes}});
  return 0;
}

int dequantize(const QuantizeCommand& o, core::Io& io) {
  io.require_json_target(false);
  const auto lock = o.source.take_lock();
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.src, o.source.read(io));
  ckpt::require_sound(catalogue);
  const ckpt::PublishOptions publish{
      .engine = o.output.engine(io, o.source),
      .force = o.output.force,
      .sync = io.sync,
      .options_text = nlohmann::json{{"command", "dequantize"}}.dump(),
      .inputs = catalogue.files};
  if (!o.output.force && ckpt::is_already_there(o.dst, publish)) {
    io.log.info(o.dst + ": already the verified result of the same inputs and options");
    return 0;
  }
  ckpt::require_free(o.dst, publish);
  std::string format = ckpt::format_of_suffix(o.dst);
  if (format.empty()) format = "safetensors";
  const ckpt::Target target = dequantized_target(catalogue);
  ckpt::WriteOptions writing;
  writing.root = ckpt::file_stem(o.dst);
  const auto done = ckpt::publish(ckpt::plan_format(format, target, writing), o.dst, publish);
  io.summary({{"tensors", target.tensors.size()}, {"nbytes", done.bytes}});
  return 0;
}

void add_common(core::Command& cmd, QuantizeCommand& o) {
  cmd.option("--force", &o.output.force, "replace a destination that exists");
  cmd.option("--io", &o.output.io, "how outputs are written")
      .one_of({"auto", "direct", "buffered"});
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
