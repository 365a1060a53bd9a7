#include "kernel_fit.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/npy.hpp"
#include "core/safetensors.hpp"
#include "core/units.hpp"
#include "kernel_options.hpp"
#include "qmc/gaussian_process.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;
constexpr const char* kModelFormat = "stateutils.kernel-model";

struct FitOptions : KernelOptions {
  std::string values, output;
  bool gcv = false;
};

struct PredictOptions {
  std::string model, points, output = "-";
  bool grid = false;
};

void write_model(core::Output& out, const qmc::GaussianProcess& process) {
  const std::uint64_t n = process.size(), d = process.dims();
  const std::vector<std::uint64_t> alpha(process.kernel.alpha.begin(), process.kernel.alpha.end());
  std::vector<core::TensorInfo> infos;
  std::string bytes;
  const auto add = [&](const char* name, core::DType type, std::vector<std::uint64_t> shape,
                       const auto& values) {
    core::TensorInfo info;
    info.name = name;
    info.dtype = type;
    info.shape = std::move(shape);
    infos.push_back(std::move(info));
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof values[0]);
  };
  add("coef", core::DType::kF64, {n}, process.coef);
  add("lambda", core::DType::kF64, {n}, process.lambda);
  add("gamma", core::DType::kF64, {d}, process.kernel.gamma);
  add("alpha", core::DType::kU64, {d}, alpha);
  add("points", core::DType::kU64, {n, d}, process.points);
  const bool lattice = process.kernel.type == qmc::KernelType::kShiftInvariant;
  out.write(
      core::safetensors_header_bytes(infos, {{"format", kModelFormat},
                                             {"version", "1"},
                                             {"type", lattice ? "si" : "dsi"},
                                             {"scale", core::format_double(process.kernel.scale)},
                                             {"noise", core::format_double(process.kernel.noise)},
                                             {"loss", core::format_double(process.loss)}}));
  out.write(bytes);
}

class ModelReader {
 public:
  explicit ModelReader(const std::string& path)
      : file_(path), header_(core::read_safetensors_header(file_)) {}

  [[noreturn]] void damaged(const std::string& what) const {
    throw core::input_error({file_.path()}, "no model of kernel fit: " + what);
  }
  [[nodiscard]] std::string text(const char* key) const {
    for (const auto& [name, value] : header_.metadata) {
      if (name == key) return value;
    }
    damaged(std::string("no ") + key);
  }
  [[nodiscard]] double number(const char* key) const {
    const auto value = core::parse_double(text(key));
    if (!value || !(*value >= 0) || !std::isfinite(*value)) {
      damaged(std::string(key) + " is no size");
    }
    return *value;
  }
  template <class T>
  [[nodiscard]] std::vector<T> tensor(const char* name, std::size_t axes) const {
    for (const core::TensorInfo& info : header_.tensors) {
      if (info.name != name) continue;
      const bool real = std::is_same_v<T, double>;
      if (info.dtype != (real ? core::DType::kF64 : core::DType::kU64) ||
          info.shape.size() != axes) {
        damaged(std::string(name) + " has another type");
      }
      std::vector<T> values(info.bytes() / sizeof(T));
      file_.read_at(header_.data_offset + info.begin, values.data(), info.bytes());
      return values;
    }
    damaged(std::string("no ") + name);
  }

 private:
  core::FileReader file_;
  core::SafetensorsHeader header_;
};

qmc::GaussianProcess read_model(const std::string& path) {
  const ModelReader in(path);
  if (in.text("format") != kModelFormat || in.text("version") != "1") in.damaged("another format");
  qmc::GaussianProcess process;
  const std::string type = in.text("type");
  if (type != "si" && type != "dsi") in.damaged("unknown type");
  process.kernel.type = type == "si" ? qmc::KernelType::kShiftInvariant : qmc::KernelType::kDigital;
  process.kernel.scale = in.number("scale");
  process.kernel.noise = in.number("noise");
  process.coef = in.tensor<double>("coef", 1);
  process.lambda = in.tensor<double>("lambda", 1);
  process.kernel.gamma = in.tensor<double>("gamma", 1);
  for (const std::uint64_t a : in.tensor<std::uint64_t>("alpha", 1)) {
    if (a < 1 || a > (type == "si" ? 20u : 4u)) in.damaged("an order is out of range");
    process.kernel.alpha.push_back(static_cast<unsigned>(a));
  }
  process.points = in.tensor<std::uint64_t>("points", 2);
  const std::size_t n = process.size(), d = process.dims();
  if (d == 0 || !std::has_single_bit(n) || process.lambda.size() != n ||
      process.kernel.alpha.size() != d || process.points.size() != n * d) {
    in.damaged("its sizes disagree");
  }
  return process;
}

int fit(FitOptions& o, core::Io& io) {
  io.require_json_target(o.output == "-");
  const KernelProblem problem = make_problem(o, io);
  std::optional<PointArray> y = read_points(io, o.values);
  const std::uint64_t n = number_of_points(o, y);
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(y->values[i])) {
      throw core::input_error({y->name}, "row " + std::to_string(i) + ": the value is not finite");
    }
  }
  problem.set.require_rows(0, n);
  const qmc::GaussianProcess process =
      qmc::fit_process(problem.kernel, *problem.set.replication(0), y->values,
                       o.gcv ? qmc::FitRule::kCrossValidation : qmc::FitRule::kLikelihood);
  if (!std::isfinite(process.loss)) {
    throw core::input_error({y->name}, "no finite loss: the values are too large or too small");
  }
  const auto out = io.open_output(o.output);
  write_model(*out, process);
  out->commit();
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().key("gamma").begin_array();
  for (const double gamma : process.kernel.gamma) json.value(gamma);
  json.end_array().field("scale", process.kernel.scale).field("noise", process.kernel.noise);
  json.field("loss", process.loss).end_object();
  if (io.json) {
    io.summary(nlohmann::ordered_json::parse(text));
  } else {
    io.out->write(text + '\n');
  }
  return 0;
}

// Fractions of 2^64, exact.
std::vector<std::uint64_t> words_of(const PointArray& points) {
  std::vector<std::uint64_t> words;
  words.reserve(points.values.size());
  for (const double x : points.values) {
    words.push_back(static_cast<std::uint64_t>(std::ldexp(x, 64)));
  }
  return words;
}

int predict(const PredictOptions& o, core::Io& io) {
  io.require_json_target(o.output == "-");
  const qmc::GaussianProcess process = read_model(o.model);
  const PointArray points = read_points(io, o.points);
  if (points.columns != process.dims()) {
    throw core::input_error({points.name}, std::to_string(points.columns) +
                                               " columns; the model has " +
                                               std::to_string(process.dims()));
  }
  require_unit_cube(points, false);
  const auto words = words_of(points);
  const qmc::Prediction result =
      o.grid ? qmc::predict_next(process, words) : qmc::predict(process, words, io.threads);
  std::vector<double> rows;
  for (std::size_t i = 0; i < points.rows; ++i) {
    rows.push_back(result.mean[i]);
    rows.push_back(result.variance[i]);
  }
  const auto out = io.open_output(o.output);
  const std::uint64_t shape[] = {points.rows, 2};
  core::write_npy(*out, shape, rows);
  out->commit();
  return 0;
}

}  // namespace

void register_fit(core::Command& kernel) {
  auto o = std::make_shared<FitOptions>();
  auto cmd = kernel.subcommand("fit", "fit a Gaussian process to values at the first points");
  bind_kernel(cmd, *o);
  cmd.option("--gcv", &o->gcv, "generalised cross-validation instead of the likelihood");
  cmd.option("VALUES", &o->values, ".npy, one value for each point").required();
  cmd.option("-o,--output", &o->output, "where the model goes").value_name("FILE").required();
  cmd.run([o](core::Io& io) { return fit(*o, io); });
}

void register_predict(core::Command& kernel) {
  auto o = std::make_shared<PredictOptions>();
  auto cmd = kernel.subcommand("predict", "means and variances of a fitted process");
  cmd.option("MODEL", &o->model, "what fit wrote").required();
  cmd.option("POINTS", &o->points, ".npy, one point a row").required();
  cmd.option("--grid", &o->grid, "POINTS are the next points of the sequence: O(n log n) for all");
  cmd.option("-o,--output", &o->output, "where the result goes").value_name("FILE");
  cmd.run([o](core::Io& io) { return predict(*o, io); });
}

}  // namespace stateutils::tools
