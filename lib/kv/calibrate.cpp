#include "kv/calibrate.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <memory>

#include "core/error.hpp"
#include "core/gpu.hpp"
#include "core/hash.hpp"
#include "core/json_writer.hpp"
#ifdef STATEUTILS_HAVE_CUDA
#include "kv/gpu_bench.hpp"
#endif

namespace stateutils::kv {
namespace {

constexpr std::array kTokens = {1,   2,   4,    8,    16,   32,   64,   128,
                                256, 512, 1024, 2048, 4096, 8192, 16384};
constexpr std::array kBatches = {1, 4, 16, 64, 256};
constexpr std::array kContexts = {128, 512, 2048, 8192, 32768};
constexpr int kQueries = 512;  // rows of an attention product timed at once

constexpr double kElement = 2;  // bytes of what is measured, bf16, whatever the model is kept in

// Matrices of one layer: rows (outputs) and columns (inputs), and whether each expert has its own.
struct Matrix {
  std::uint64_t outputs, inputs;
  bool expert;
};
std::vector<Matrix> matrices_of(const ModelShape& m) {
  const std::uint64_t heads = std::uint64_t{m.heads} * m.head_dim;
  return {{heads + 2ull * m.kv_heads * m.head_dim, m.hidden, false},
          {m.hidden, heads, false},
          {(m.gated ? 2ull : 1ull) * m.ffn, m.hidden, true},
          {m.hidden, m.ffn, true}};
}

class Calibrator {
 public:
  Calibrator(const Machine& machine, const ModelShape& model)
      : machine_(machine), model_(model), layers_(model.layers) {}

  // Seconds of the model's matrices for so many rows, and of the logits of `outputs` of them (a
  // prompt's last one, each of a decode's); empty when it does not fit.
  std::optional<Timing> linear(int tokens, int outputs) {
    Timing sum;
    for (const Matrix& matrix : matrices_of(model_)) {
      // Tokens spread evenly over the experts, each of which has a product of its own.
      const std::uint64_t rows =
          std::uint64_t(tokens) * (matrix.expert ? model_.experts_active : 1);
      const std::uint64_t experts =
          matrix.expert ? std::min<std::uint64_t>(model_.experts, rows) : 1;
      if (!add(machine_.gemm(static_cast<int>(matrix.outputs),
                             static_cast<int>((rows + experts - 1) / experts),
                             static_cast<int>(matrix.inputs), static_cast<int>(experts)),
               static_cast<double>(layers_), sum)) {
        return {};
      }
    }
    if (!add(machine_.gemm(static_cast<int>(model_.vocab), outputs, static_cast<int>(model_.hidden),
                           1),
             1, sum)) {
      return {};
    }
    return sum;
  }
  std::optional<MeasuredPoint> prefill(int tokens) {
    auto time = linear(tokens, 1);
    if (!time) return {};
    // Scores and values of a block of queries against the whole prompt; half of it is masked.
    const int queries = std::min(tokens, kQueries);
    const double blocks = 0.5 * tokens / queries * static_cast<double>(layers_);
    const int heads = static_cast<int>(model_.heads), dim = static_cast<int>(model_.head_dim);
    if (!add(machine_.gemm(tokens, queries, dim, heads), blocks, *time) ||
        !add(machine_.gemm(dim, queries, tokens, heads), blocks, *time)) {
      return {};
    }
    MeasuredPoint point;
    point.tokens = tokens;
    point.time = *time;
    const double n = tokens;
    point.flops = 2 * model_.active_parameters() * n + attention_flops() * n * n / 2;
    point.bytes = weight_bytes() + kv_bytes() * n;
    return point;
  }
  std::optional<MeasuredPoint> decode(int batch, int context) {
    auto time = linear(batch, batch);
    const auto layer_bytes = static_cast<int>(kv_bytes() / static_cast<double>(layers_));
    if (!time ||
        !add(machine_.kv_read(batch, context, layer_bytes), static_cast<double>(layers_), *time)) {
      return {};
    }
    MeasuredPoint point;
    point.batch = batch;
    point.context = context;
    point.time = *time;
    const double tokens = 1.0 * batch * context;
    point.flops = 2 * model_.active_parameters() * batch + attention_flops() * tokens;
    point.bytes = weight_bytes() + kv_bytes() * (tokens + batch);
    return point;
  }

 private:
  // Variations of independent parts add up as their squares.
  static bool add(const std::optional<Timing>& part, double times, Timing& sum) {
    if (!part) return false;
    const double a = sum.cv * sum.seconds, b = part->cv * part->seconds * times;
    sum.seconds += part->seconds * times;
    sum.cv = sum.seconds > 0 ? std::sqrt(a * a + b * b) / sum.seconds : 0;
    return true;
  }
  [[nodiscard]] double attention_flops() const {
    return 4.0 * static_cast<double>(layers_) * model_.heads * model_.head_dim;
  }
  [[nodiscard]] double weight_bytes() const { return model_.parameters() * kElement; }
  [[nodiscard]] double kv_bytes() const {
    return static_cast<double>(model_.kv_bytes_per_token() / model_.dtype_bytes) * kElement;
  }

  const Machine& machine_;
  const ModelShape& model_;
  std::uint64_t layers_;
};

double predicted(const MeasuredPoint& point, const Device& device, const RooflineFit& fit) {
  return fit.overhead_s + std::max(point.flops / (device.peak_flops * fit.e_c),
                                   point.bytes / (device.hbm_bytes_s * fit.e_m));
}

double squared_error(const std::vector<MeasuredPoint>& points, const Device& device,
                     const RooflineFit& fit) {
  double sum = 0;
  for (const MeasuredPoint& point : points) {
    if (point.held_out) continue;
    const double error = std::log(predicted(point, device, fit) / point.time.seconds);
    sum += error * error;
  }
  return sum;
}

// The least value of a function of one variable between two ends, on a log scale.
template <class Value>
double golden(double low, double high, Value value) {
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double a = std::log(low), b = std::log(high);
  for (int i = 0; i < 60; ++i) {
    const double left = b - ratio * (b - a), right = a + ratio * (b - a);
    const bool lower = value(std::exp(left)) < value(std::exp(right));
    (lower ? b : a) = lower ? right : left;
  }
  return std::exp((a + b) / 2);
}

void write_points(core::JsonWriter& json, const char* key,
                  const std::vector<MeasuredPoint>& points) {
  json.key(key).begin_array();
  for (const MeasuredPoint& point : points) {
    json.begin_object();
    if (point.batch > 0) {
      json.field("batch", point.batch).field("context", point.context);
    } else {
      json.field("tokens", point.tokens);
    }
    json.field("seconds", point.time.seconds).field("cv", point.time.cv).end_object();
  }
  json.end_array();
}

void write_copies(core::JsonWriter& json, const char* key, const std::vector<CopyPoint>& points,
                  const std::optional<LineFit>& fit) {
  json.key(key).begin_object();
  if (fit) json.field("t_call", fit->call_s).field("bw", fit->bytes_s);
  json.key("points").begin_array();
  for (const CopyPoint& point : points) {
    json.begin_object().field("bytes", point.bytes).field("seconds", point.time.seconds);
    json.field("cv", point.time.cv).end_object();
  }
  json.end_array().end_object();
}

void mark_held_out(std::vector<MeasuredPoint>& points, std::size_t& index) {
  for (MeasuredPoint& point : points) point.held_out = index++ % 10 == 5;
}

}  // namespace

Timing timing_of(std::vector<double> seconds) {
  double sum = 0, squares = 0;
  for (const double s : seconds) sum += s;
  const auto n = static_cast<double>(seconds.size());
  for (const double s : seconds) squares += (s - sum / n) * (s - sum / n);
  std::ranges::sort(seconds);
  const std::size_t middle = seconds.size() / 2;
  const double median =
      seconds.size() % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
  return {median, sum > 0 ? std::sqrt(squares / n) / (sum / n) : 0};
}

LineFit fit_line(const std::vector<CopyPoint>& points) {
  // Weights 1 / seconds^2 make the errors relative: normal equations of a + b x.
  double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
  for (const CopyPoint& point : points) {
    const double weight = 1 / (point.time.seconds * point.time.seconds);
    w += weight;
    wx += weight * point.bytes;
    wy += weight * point.time.seconds;
    wxx += weight * point.bytes * point.bytes;
    wxy += weight * point.bytes * point.time.seconds;
  }
  const double slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  if (!(slope > 0)) throw core::environment_error("copies that take no longer the larger they are");
  return {std::max(0.0, (wy - slope * wx) / w), 1 / slope};
}

RooflineFit fit_roofline(const std::vector<MeasuredPoint>& points, const Device& device) {
  RooflineFit fit;
  fit.overhead_s = 1e-4;
  // One coordinate after the other: the error has one valley in each.
  for (int round = 0; round < 20; ++round) {
    for (double* value : {&fit.e_c, &fit.e_m, &fit.overhead_s}) {
      const bool share = value != &fit.overhead_s;
      *value = golden(share ? 0.01 : 1e-9, share ? 1.0 : 0.1, [&](double x) {
        RooflineFit trial = fit;
        (share ? (value == &fit.e_c ? trial.e_c : trial.e_m) : trial.overhead_s) = x;
        return squared_error(points, device, trial);
      });
    }
  }
  for (const MeasuredPoint& point : points) {
    const double error =
        std::fabs(predicted(point, device, fit) - point.time.seconds) / point.time.seconds;
    (point.held_out ? fit.held_out_mean : fit.mean_error) += error;
    double& most = point.held_out ? fit.held_out_max : fit.max_error;
    most = std::max(most, error);
    ++(point.held_out ? fit.held_out : fit.fitted);
  }
  if (fit.fitted > 0) fit.mean_error /= static_cast<double>(fit.fitted);
  if (fit.held_out > 0) fit.held_out_mean /= static_cast<double>(fit.held_out);
  return fit;
}

Calibration calibrate(const Machine& machine, const ModelShape& model, const Device& peaks) {
  Calibrator calibrator(machine, model);
  Calibration result;
  std::string grid;
  for (const int tokens : kTokens) {
    grid += std::to_string(tokens) + " ";
    if (auto point = calibrator.prefill(tokens)) result.prefill.push_back(*point);
  }
  for (const int batch : kBatches) {
    for (const int context : kContexts) {
      grid += std::to_string(batch) + "x" + std::to_string(context) + " ";
      if (auto point = calibrator.decode(batch, context)) result.decode.push_back(*point);
    }
  }
  if (result.prefill.empty() || result.decode.empty()) {
    throw core::environment_error("the device has no room for a layer of " + model.name);
  }
  for (double bytes = 32 << 10; bytes <= 1 << 30; bytes *= 2) {
    grid += std::to_string(static_cast<std::uint64_t>(bytes)) + " ";
    if (auto time = machine.copy(bytes, true)) result.to_device.push_back({bytes, *time});
    if (auto time = machine.copy(bytes, false)) result.to_host.push_back({bytes, *time});
    if (machine.devices < 2) continue;
    if (auto time = machine.all_reduce(bytes)) result.all_reduce.push_back({bytes, *time});
  }
  result.grid_sha256 = core::sha256_hex(grid);
  if (result.to_device.size() > 1) result.h2d = fit_line(result.to_device);
  if (result.to_host.size() > 1) result.d2h = fit_line(result.to_host);
  std::size_t index = 0;
  mark_held_out(result.prefill, index);
  mark_held_out(result.decode, index);
  std::vector<MeasuredPoint> all = result.prefill;
  all.insert(all.end(), result.decode.begin(), result.decode.end());
  result.fit = fit_roofline(all, peaks);
  return result;
}

std::string profile_json(const Machine& machine, const ModelShape& model, const Calibration& c) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("device", machine.name).field("driver", machine.driver);
  json.field("clock_hz", machine.clock_hz).field("memory_clock_hz", machine.memory_clock_hz);
  json.field("model", model.name).field("layers", model.layers);
  json.field("grid_sha256", c.grid_sha256).key("fit").begin_object();
  json.field("e_c", c.fit.e_c).field("e_m", c.fit.e_m).field("overhead_s", c.fit.overhead_s);
  json.key("residual").begin_object().field("points", c.fit.fitted);
  json.field("mean", c.fit.mean_error).field("max", c.fit.max_error).end_object();
  json.key("held_out").begin_object().field("points", c.fit.held_out);
  json.field("mean", c.fit.held_out_mean).field("max", c.fit.held_out_max).end_object();
  json.end_object();
  write_points(json, "prefill", c.prefill);
  write_points(json, "decode", c.decode);
  write_copies(json, "host_to_device", c.to_device, c.h2d);
  write_copies(json, "device_to_host", c.to_host, c.d2h);
  write_copies(json, "all_reduce", c.all_reduce, {});
  json.end_object();
  return text;
}

std::optional<Device> peaks_of(const std::string& device_name) {
  std::string name;
  for (const char c : device_name) {
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  // The longest first: "a100" alone would also fit a card of another memory size.
  static const std::pair<std::vector<const char*>, const char*> known[] = {
      {{"h200"}, "h200-sxm"},  {{"h100", "pcie"}, "h100-pcie"},
      {{"h100"}, "h100-sxm"},  {{"a100", "80gb"}, "a100-80gb"},
      {{"a100"}, "a100-40gb"}, {{"l40s"}, "l40s"},
      {{"l4"}, "l4"},          {{"a10"}, "a10"}};
  for (const auto& [parts, sheet] : known) {
    const bool fits = std::ranges::all_of(
        parts, [&](const char* part) { return name.find(part) != std::string::npos; });
    if (fits) return find_device(sheet);
  }
  return {};
}

Machine open_gpu(int device, int samples) {
  core::require_gpu();
#ifdef STATEUTILS_HAVE_CUDA
  GpuFacts facts;
  if (gpu_bench_open(device, facts) != GpuStatus::kDone) {
    throw core::environment_error(gpu_bench_error());
  }
  const std::shared_ptr<void> open(nullptr, [](void*) { gpu_bench_close(); });
  Machine machine;
  machine.name = facts.name;
  machine.driver =
      std::to_string(facts.driver / 1000) + "." + std::to_string(facts.driver % 1000 / 10);
  machine.clock_hz = 1e3 * facts.clock_khz;
  machine.memory_clock_hz = 1e3 * facts.memory_clock_khz;
  machine.memory_bytes = facts.memory_bytes;
  machine.devices = facts.devices;
  // The device stays open as long as someone can measure on it.
  const auto timed = [samples, open](auto measure) -> std::optional<Timing> {
    std::vector<double> seconds(static_cast<std::size_t>(samples));
    const GpuStatus status = measure(seconds.data());
    if (status == GpuStatus::kFailed) throw core::environment_error(gpu_bench_error());
    if (status == GpuStatus::kNoRoom) return {};
    return timing_of(std::move(seconds));
  };
  machine.gemm = [=](int m, int n, int k, int batch) {
    return timed([&](double* s) { return gpu_bench_gemm(m, n, k, batch, samples, s); });
  };
  machine.kv_read = [=](int sequences, int context, int bytes) {
    return timed(
        [&](double* s) { return gpu_bench_kv_read(sequences, context, bytes, samples, s); });
  };
  machine.copy = [=](double bytes, bool to_device) {
    return timed([&](double* s) { return gpu_bench_copy(bytes, to_device, samples, s); });
  };
  machine.all_reduce = [=](double bytes) {
    return timed([&](double* s) { return gpu_bench_all_reduce(bytes, samples, s); });
  };
  return machine;
#else
  (void)device, (void)samples;
  throw core::environment_error("built without CUDA");
#endif
}

}  // namespace stateutils::kv
