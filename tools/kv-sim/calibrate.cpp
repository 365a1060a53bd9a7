// calibrate: a table of iteration times, measured on a CUDA device.
#include "kv/calibrate.hpp"

#include "commands.hpp"
#include "core/error.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct CalibrateOptions {
  std::uint64_t device = 0, samples = 20;
  std::string model = "llama3-8b", output = "-";
  std::optional<std::string> peaks;
};

int calibrate(const CalibrateOptions& o, core::Io& io) {
  const auto model = kv::find_model(o.model);
  if (!model) throw core::usage_error("--model " + core::quoted(o.model) + " is not known");
  const kv::Machine machine = kv::open_gpu(static_cast<int>(o.device), static_cast<int>(o.samples));
  io.gpu_used = true;
  const auto peaks = o.peaks ? kv::find_device(*o.peaks) : kv::peaks_of(machine.name);
  if (!peaks) {
    throw core::usage_error("no data sheet of " + core::quoted(o.peaks.value_or(machine.name)) +
                            ": name a device with --peaks");
  }
  const kv::Calibration result = kv::calibrate(machine, *model, *peaks);
  write_result(kv::profile_json(machine, *model, result), o.output, io);
  return 0;
}

}  // namespace

void register_calibrate(core::Tool& tool) {
  auto o = std::make_shared<CalibrateOptions>();
  auto command = tool.subcommand("calibrate", "iteration times measured on a CUDA device");
  command.option("--device", &o->device, "number of the device").range(0, 1024).value_name("N");
  command.option("--model", &o->model, "model whose layers are timed").value_name("NAME");
  command.option("--peaks", &o->peaks, "device whose data sheet the efficiencies refer to")
      .value_name("NAME");
  command.option("--samples", &o->samples, "runs of each measurement").range(20, 10000);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return calibrate(*o, io); });
}

}  // namespace stateutils::tools
