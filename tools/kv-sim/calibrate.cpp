// calibrate: a table of iteration times, measured on a CUDA device.
#include "kv/calibrate.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "kv/model_config.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct CalibrateOptions {
  std::uint64_t device = 0, samples = 20;
  std::string model = "llama3-8b", output = "-";
  std::optional<std::string> peaks;
};

// A model of the table, or a published config.json.
kv::ModelShape model_of(const std::string& name) {
  if (const auto known = kv::find_model(name)) return *known;
  if (name.find_first_of("./") == std::string::npos) {
    throw core::usage_error("--model " + core::quoted(name) + " is no known model and no file");
  }
  const nlohmann::json config = kv::read_model_config(name);
  const auto count = [&config](const char* key) { return config.at(key).get<std::uint32_t>(); };
  kv::ModelShape shape;
  shape.name = name;
  shape.layers = count("layers");
  shape.hidden = count("hidden");
  shape.heads = count("heads");
  shape.kv_heads = count("kv_heads");
  shape.head_dim = count("head_dim");
  shape.ffn = count("ffn");
  shape.vocab = count("vocab");
  shape.experts = count("experts");
  shape.experts_active = count("experts_active");
  shape.dtype_bytes = count("dtype_bytes");
  return shape;
}

int calibrate(const CalibrateOptions& o, core::Io& io) {
  const kv::ModelShape model = model_of(o.model);
  const kv::Machine machine = kv::open_gpu(static_cast<int>(o.device), static_cast<int>(o.samples));
  io.gpu_used = true;
  const auto peaks = o.peaks ? kv::find_device(*o.peaks) : kv::peaks_of(machine.name);
  if (!peaks) {
    throw core::usage_error("no data sheet of " + core::quoted(o.peaks.value_or(machine.name)) +
                            ": name a device with --peaks");
  }
  const kv::Calibration result = kv::calibrate(machine, model, *peaks);
  write_result(kv::profile_json(machine, model, result), o.output, io);
  return 0;
}

}  // namespace

void register_calibrate(core::Tool& tool) {
  auto o = std::make_shared<CalibrateOptions>();
  auto command = tool.subcommand("calibrate", "iteration times measured on a CUDA device");
  command.option("--device", &o->device, "number of the device").range(0, 1024).value_name("N");
  command.option("--model", &o->model, "model whose layers are timed, by name or config.json")
      .value_name("NAME");
  command.option("--peaks", &o->peaks, "device whose data sheet the efficiencies refer to")
      .value_name("NAME");
  command.option("--samples", &o->samples, "runs of each measurement").range(20, 10000);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return calibrate(*o, io); });
}

}  // namespace stateutils::tools
