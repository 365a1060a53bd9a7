// kernel: Gram matrices of lattices and nets in O(n log n), and the transforms behind them.
#include <algorithm>
#include <bit>
#include <complex>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/npy.hpp"
#include "core/threads.hpp"
#include "kernel_fit.hpp"
#include "kernel_options.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;

struct GramOptions : KernelOptions {
  std::string values, output = "-";
  double jitter = 0;
};

struct KernelTransform {
  std::string file = "-", output = "-";
};

enum class GramTask { kEigenvalues, kMultiply, kSolve, kLogDeterminant };

void write_vector(const core::Io& io, const std::string& path, std::span<const double> values) {
  const auto out = io.open_output(path);
  const std::uint64_t shape[] = {values.size()};
  core::write_npy(*out, shape, values);
  out->commit();
}

int gram(GramOptions& o, GramTask task, core::Io& io) {
  io.require_json_target(true);
  const KernelProblem problem = make_problem(o, io);
  const auto& [set, kernel] = problem;
  std::optional<PointArray> y;
  if (task == GramTask::kMultiply || task == GramTask::kSolve) {
    if (o.values.empty()) throw usage_error("the file of values is missing");
    y = read_points(io, o.values);
  }
  const std::uint64_t n = number_of_points(o, y);
  set.require_rows(0, n);
  const auto column = qmc::first_column(kernel, *set.replication(0), n);
  const qmc::Gram matrix(kernel.type, column, kernel.noise + o.jitter);
  switch (task) {
    case GramTask::kEigenvalues:
      write_vector(io, o.output, matrix.eigenvalues());
      break;
    case GramTask::kMultiply:
      write_vector(io, o.output, matrix.multiply(y->values));
      break;
    case GramTask::kSolve:
      write_vector(io, o.output, matrix.solve(y->values));
      break;
    case GramTask::kLogDeterminant: {
      std::string text;
      core::JsonWriter json(text);
      json.begin_object().field("n", n).field("logdet", matrix.log_determinant()).end_object();
      const auto out = io.open_output(o.output);
      out->write(text + '\n');
      out->commit();
    }
  }
  return 0;
}

// An array of any number of axes; the transforms run along the last.
struct Lines {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint64_t length = 1, count = 0;
  std::vector<std::complex<double>> values;
};

void measure(Lines& lines) {
  if (lines.shape.empty()) throw core::input_error({lines.name}, "a scalar has no axis");
  lines.length = lines.shape.back();
  if (lines.length != 0 && !std::has_single_bit(lines.length)) {
    throw core::input_error({lines.name}, "the last axis has " + std::to_string(lines.length) +
                                              " entries, no power of 2");
  }
  lines.count = lines.length == 0 ? 0 : lines.values.size() / lines.length;
}

// Real arrays of every type, and <c16, which the shared reader does not know: its header is read as
// <f8 of the same shape.
Lines read_lines(const core::Io& io, const std::string& path, bool complex_too) {
  const auto source = io.open_input(path);
  std::string bytes = core::read_all(*source, 1ull << 33);
  const std::size_t at = bytes.substr(0, 256).find("'<c16'");
  const bool complex = at != std::string::npos && complex_too;
  if (complex) bytes.replace(at, 6, "'<f8' ");
  Lines lines;
  lines.name = source->name();
  const auto memory = core::memory_input(bytes, lines.name);
  if (!complex) {
    core::NpyArray array = core::read_npy(*memory);
    lines.shape = array.header.shape;
    lines.values.assign(array.values.begin(), array.values.end());
    measure(lines);
    return lines;
  }
  const core::NpyHeader header = core::read_npy_header(*memory);
  if (header.fortran_order || header.items() > bytes.size() / 16) {
    throw core::input_error({lines.name}, "complex arrays must be whole and in C order");
  }
  lines.shape = header.shape;
  lines.values.resize(header.items());
  if (!core::read_exact(*memory, lines.values.data(), lines.values.size() * 16)) {
    throw core::input_error({lines.name}, "less data than the header claims");
  }
  measure(lines);
  return lines;
}

void write_lines(const core::Io& io, const std::string& path, const Lines& lines, bool complex) {
  const auto out = io.open_output(path);
  out->write(core::npy_header_bytes(core::NpyType::kF8, lines.shape, complex));
  if (complex) {
    out->write(lines.values.data(), lines.values.size() * sizeof lines.values[0]);
  } else {
    std::vector<double> real(lines.values.size());
    std::ranges::transform(lines.values, real.begin(), [](const auto& z) { return z.real(); });
    out->write(real.data(), real.size() * sizeof real[0]);
  }
  out->commit();
}

std::vector<double> real_line(const Lines& lines, std::uint64_t index) {
  std::vector<double> y(lines.length);
  for (std::uint64_t i = 0; i < lines.length; ++i) {
    y[i] = lines.values[index * lines.length + i].real();
  }
  return y;
}

int transform(const KernelTransform& o, const std::string& which, core::Io& io) {
  io.require_json_target(true);
  Lines lines = read_lines(io, o.file, which == "ifftbr");
  core::parallel_for(lines.count, io.threads, [&](std::uint64_t index) {
    const auto target = lines.values.begin() + static_cast<std::ptrdiff_t>(index * lines.length);
    if (which == "fwht") {
      auto y = real_line(lines, index);
      qmc::fwht(y);
      std::copy(y.begin(), y.end(), target);
    } else if (which == "fftbr") {
      const auto x = qmc::fftbr(real_line(lines, index));
      std::copy(x.begin(), x.end(), target);
    } else {
      const auto y = qmc::ifftbr({&*target, lines.length});
      std::copy(y.begin(), y.end(), target);
    }
  });
  write_lines(io, o.output, lines, which != "fwht");
  return 0;
}

void register_gram(core::Command& group, const char* name, const char* help, GramTask task) {
  auto o = std::make_shared<GramOptions>();
  auto cmd = group.subcommand(name, help);
  bind_kernel(cmd, *o);
  cmd.option("--jitter", &o->jitter, "added to the diagonal").at_least(0);
  if (task == GramTask::kMultiply || task == GramTask::kSolve) {
    cmd.option("VALUES", &o->values, ".npy, one value for each point").required();
  }
  cmd.option("-o,--output", &o->output, "where the result goes").value_name("FILE");
  cmd.run([o, task](core::Io& io) { return gram(*o, task, io); });
}

void register_transform(core::Command& group, const std::string& name, const char* help) {
  auto o = std::make_shared<KernelTransform>();
  auto cmd = group.subcommand(name, help);
  cmd.option("FILE", &o->file, "array; the last axis is transformed");
  cmd.option("-o,--output", &o->output, "where the result goes").value_name("FILE");
  cmd.run([o, name](core::Io& io) { return transform(*o, name, io); });
}

}  // namespace

void register_kernel(core::Tool& tool) {
  auto group = tool.subcommand("kernel", "kernel matrices in O(n log n)");
  register_gram(group, "eig", "eigenvalues of the kernel matrix", GramTask::kEigenvalues);
  register_gram(group, "mul", "product of the kernel matrix and a vector", GramTask::kMultiply);
  register_gram(group, "solve", "solution of the kernel system", GramTask::kSolve);
  register_gram(group, "logdet", "logarithm of the determinant", GramTask::kLogDeterminant);
  register_fit(group);
  register_predict(group);
  register_transform(group, "fwht", "orthonormal Walsh-Hadamard transform, natural order");
  register_transform(group, "fftbr", "orthonormal Fourier transform of bit-reversed input");
  register_transform(group, "ifftbr", "inverse of fftbr");
}

}  // namespace stateutils::tools
