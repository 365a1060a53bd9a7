// A cost model measured on a device: the table, and how well a roofline explains it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kv/devices.hpp"
#include "kv/models.hpp"

namespace stateutils::kv {

// Medians and coefficients of variation of at least 20 runs.
struct Timing {
  double seconds = 0, cv = 0;
};
[[nodiscard]] Timing timing_of(std::vector<double> seconds);

// How a machine is asked, so that tests can answer instead of a device. An empty answer means that
// the shape does not fit its memory.
struct Machine {
  std::string name, driver;
  double clock_hz = 0, memory_clock_hz = 0, memory_bytes = 0;
  int devices = 0;
  std::function<std::optional<Timing>(int m, int n, int k, int batch)> gemm;
  std::function<std::optional<Timing>(int sequences, int context, int bytes_per_token)> kv_read;
  std::function<std::optional<Timing>(double bytes, bool to_device)> copy;
  std::function<std::optional<Timing>(double bytes)> all_reduce;
};
// The CUDA device of that number; kEnvironment with the reason when there is none.
[[nodiscard]] Machine open_gpu(int device, int samples);

// One iteration: prefill of `tokens`, or a decode of `batch` sequences with `context` tokens each.
struct MeasuredPoint {
  double tokens = 0, batch = 0, context = 0;
  Timing time;
  double flops = 0, bytes = 0;  // what the roofline says it moves
  bool held_out = false;
};
struct CopyPoint {
  double bytes = 0;
  Timing time;
};
// seconds = call + bytes / rate, by least squares of the relative error.
struct LineFit {
  double call_s = 0, bytes_s = 0;
};
[[nodiscard]] LineFit fit_line(const std::vector<CopyPoint>& points);

// seconds = overhead + max(flops / (peak e_c), bytes / (hbm e_m)).
struct RooflineFit {
  double e_c = 0.6, e_m = 0.8, overhead_s = 0;
  double mean_error = 0, max_error = 0;        // relative, of the points fitted
  double held_out_mean = 0, held_out_max = 0;  // of every tenth point, left out
  std::size_t fitted = 0, held_out = 0;
};
[[nodiscard]] RooflineFit fit_roofline(const std::vector<MeasuredPoint>& points,
                                       const Device& device);

struct Calibration {
  std::vector<MeasuredPoint> prefill, decode;
  std::vector<CopyPoint> to_device, to_host, all_reduce;
  RooflineFit fit;
  std::optional<LineFit> h2d, d2h;
  std::string grid_sha256;
};
// Times the GEMMs, the attention and the KV reads of one layer of the model over the grid, and
// multiplies by its layers. `peaks`: data-sheet figures that efficiencies refer to.
[[nodiscard]] Calibration calibrate(const Machine& machine, const ModelShape& model,
                                    const Device& peaks);
// The profile that "cost": {"kind":"table"} reads.
[[nodiscard]] std::string profile_json(const Machine& machine, const ModelShape& model,
                                       const Calibration& calibration);
// The data sheet whose name fits a CUDA device's, such as "NVIDIA H100 80GB HBM3".
[[nodiscard]] std::optional<Device> peaks_of(const std::string& device_name);

}  // namespace stateutils::kv
