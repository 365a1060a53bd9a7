// The fits of a calibration, on machines whose truth is known.
#include "kv/calibrate.hpp"

#include <doctest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "kv/cost_table.hpp"
#include "kv/gpu_bench.hpp"

namespace stateutils::kv {
namespace {

TEST_CASE("timings are medians with their variation") {
  const Timing timing = timing_of({3, 1, 2, 100});
  CHECK(timing.seconds == 2.5);
  CHECK(timing.cv ==
        doctest::Approx(std::sqrt((23.5 * 23.5 + 25.5 * 25.5 + 24.5 * 24.5 + 73.5 * 73.5) / 4) /
                        26.5));
}

TEST_CASE("a copy's call time and rate come out of the line") {
  std::vector<CopyPoint> points;
  for (double bytes = 32768; bytes <= 1 << 30; bytes *= 2) {
    points.push_back({bytes, {12e-6 + bytes / 25e9, 0}});
  }
  const LineFit fit = fit_line(points);
  CHECK(fit.call_s == doctest::Approx(12e-6).epsilon(1e-9));
  CHECK(fit.bytes_s == doctest::Approx(25e9).epsilon(1e-9));
}

TEST_CASE("a roofline's efficiencies come out of points on it") {
  Device device = *find_device("h100-sxm");
  std::vector<MeasuredPoint> points;
  for (int i = 0; i < 40; ++i) {
    MeasuredPoint point;
    point.flops = std::exp2(30 + i * 0.4);
    point.bytes = std::exp2(38 - i * 0.15);
    point.time.seconds = 2e-4 + std::max(point.flops / (device.peak_flops * 0.55),
                                         point.bytes / (device.hbm_bytes_s * 0.8));
    point.held_out = i % 10 == 5;
    points.push_back(point);
  }
  const RooflineFit fit = fit_roofline(points, device);
  CHECK(fit.e_c == doctest::Approx(0.55).epsilon(0.01));
  CHECK(fit.e_m == doctest::Approx(0.8).epsilon(0.01));
  CHECK(fit.overhead_s == doctest::Approx(2e-4).epsilon(0.05));
  CHECK(fit.held_out == 4);
  CHECK(fit.fitted == 36);
  CHECK(fit.held_out_max < 0.01);
}

TEST_CASE("a calibration is a profile that a run reads") {
  const Device device = *find_device("a100-80gb");
  Machine machine;
  machine.name = "NVIDIA A100-SXM4-80GB";
  machine.driver = "12.4";
  machine.devices = 1;
  machine.gemm = [&](int m, int n, int k, int batch) -> std::optional<Timing> {
    return Timing{3e-6 + 2.0 * m * n * k * batch / (device.peak_flops * 0.6), 0.01};
  };
  machine.kv_read = [&](int sequences, int context, int bytes) -> std::optional<Timing> {
    if (1.0 * sequences * context * bytes > 1e9) return {};  // does not fit
    return Timing{3e-6 + 1.0 * sequences * context * bytes / (device.hbm_bytes_s * 0.7), 0.01};
  };
  machine.copy = [](double bytes, bool) -> std::optional<Timing> {
    return Timing{1e-5 + bytes / 20e9, 0.02};
  };
  const auto peaks = peaks_of(machine.name);
  REQUIRE(peaks);
  CHECK(peaks->name == "a100-80gb");
  const Calibration result = calibrate(machine, *find_model("llama3-8b"), *peaks);
  CHECK(result.prefill.size() == 15);
  CHECK(result.decode.size() < 25);
  CHECK(result.fit.held_out > 1);
  CHECK(result.h2d->bytes_s == doctest::Approx(20e9));
  const std::string text = profile_json(machine, *find_model("llama3-8b"), result);
  const auto profile = nlohmann::json::parse(text);
  CHECK(profile["decode"][0]["batch"] == 1);
  const std::string path = "calibrate_test_profile.json";
  std::ofstream(path) << text;
  const auto cost = make_table_cost(path);
  BatchShape prompt;
  prompt.prefill_tokens = 2048;
  const double seconds = static_cast<double>(cost->cost(prompt, 0)) / (1 << kFixedBits) / 1e9;
  CHECK(seconds == doctest::Approx(profile["prefill"][11]["seconds"].get<double>()));
  std::remove(path.c_str());
}

TEST_CASE("experts have products of their own, and every decoded token has its logits") {
  ModelShape model;
  model.name = "experts";
  model.layers = 2;
  model.hidden = 64;
  model.heads = model.kv_heads = 4;
  model.head_dim = 16;
  model.ffn = 96;
  model.vocab = 1000;
  model.experts = 8;
  model.experts_active = 2;
  Machine machine;
  machine.devices = 1;
  std::size_t most = 0, logits = 0;
  machine.gemm = [&](int m, int n, int k, int batch) -> std::optional<Timing> {
    if (m == 1000) logits = std::max(logits, static_cast<std::size_t>(n));
    if (m == 64 && k == 96) {
      most = std::max(most, static_cast<std::size_t>(batch));
      // A token passes two experts; all eight are busy from four tokens on.
      CHECK(n * batch >= 2);
      CHECK((batch == 8 || n == 1));
    }
    return Timing{1e-6 + 2.0 * m * n * k * batch / 1e14, 0};
  };
  machine.kv_read = [](int, int, int bytes) -> std::optional<Timing> {
    CHECK(bytes == 2 * 4 * 16 * 2);
    return Timing{1e-6, 0};
  };
  machine.copy = [](double bytes, bool) -> std::optional<Timing> { return Timing{bytes, 0}; };
  const Calibration result = calibrate(machine, model, *find_device("h100-sxm"));
  CHECK(result.decode.size() == 25);
  CHECK(most == 8);
  CHECK(logits == 256);
}

TEST_CASE("data of the measurements are numbers of either sign between 1/2 and 2") {
  int negative = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    for (const int shift : {0, 16}) {
      const std::uint32_t half = gpu_bench_word(i) >> shift & 0xffffu;
      const float value = std::bit_cast<float>(half << 16);
      CHECK(std::fabs(value) >= 0.5F);
      CHECK(std::fabs(value) < 2.0F);
      negative += value < 0 ? 1 : 0;
    }
  }
  CHECK(negative > 4700);
  CHECK(negative < 5300);
  CHECK(gpu_bench_word(1) != gpu_bench_word(2));
}

TEST_CASE("names of devices find their data sheets") {
  CHECK(peaks_of("NVIDIA H100 80GB HBM3")->name == "h100-sxm");
  CHECK(peaks_of("NVIDIA H100 PCIe")->name == "h100-pcie");
  CHECK(peaks_of("NVIDIA H200")->name == "h200-sxm");
  CHECK(peaks_of("NVIDIA L40S")->name == "l40s");
  CHECK_FALSE(peaks_of("Quadro K2000"));
}

}  // namespace
}  // namespace stateutils::kv
