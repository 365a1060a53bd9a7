// integrate: adaptive cubature of built-in functions, formulas and commands.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/threads.hpp"
#include "integrate_options.hpp"
#include "integrate_state.hpp"
#include "point_options.hpp"
#include "qmc/integrand.hpp"
#include "qmc/path_option.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;
constexpr std::size_t kBatchRows = 4096;

std::unique_ptr<qmc::Integrand> make_integrand(const IntegrateOptions& o, std::size_t d) {
  if (!qmc::is_built_in(o.f)) return qmc::formula_integrand(o.f, d, o.measure);
  if (!o.measure.empty()) throw usage_error("--measure is for formulas: a name has its own");
  return qmc::built_in_integrand(o.f, d);
}

qmc::CubatureResult integrate_command(const IntegrateOptions& o, core::Io& io) {
  const std::size_t d = o.d->value;
  MeasuredPoints measured(o.measure, d);
  settle_seed(io, true);
  qmc::CubatureOptions options = make_cubature(o, o.measure, io);
  options.batch_rows = kBatchRows;
  options.batches_at_once = static_cast<std::size_t>(o.jobs);
  Children children({o.exec ? *o.exec : *o.exec_text, o.exec_text.has_value(), o.jobs, o.timeout},
                    kBatchRows);
  qmc::CubatureResult result = qmc::integrate(
      [&](const double* u, std::size_t rows, std::vector<double>& y) {
        children.evaluate(measured.map(u, rows), rows, d, y);
        measured.weigh(y, rows);
      },
      options);
  children.finish();
  return result;
}

qmc::CubatureResult integrate_function(const IntegrateOptions& o, core::Io& io) {
  const std::size_t d = o.d->value;
  if (o.algorithm == "mlmc" || o.algorithm == "mlqmc") {
    const auto option = qmc::PathOption::parse(o.f, d);
    settle_seed(io, true);
    return qmc::integrate_levels(option, make_cubature(o, "", io));
  }
  const auto integrand = make_integrand(o, d);
  settle_seed(io, true);
  qmc::CubatureOptions options = make_cubature(o, integrand->measure(), io);
  options.batch_rows = kBatchRows;
  options.batches_at_once = static_cast<std::size_t>(std::max(1, io.threads));
  return qmc::integrate(
      [&](const double* u, std::size_t rows, std::vector<double>& y) {
        y.resize(rows);
        // Small parts: the values of a formula's nodes stay in the cache.
        constexpr std::size_t kPart = 1024;
        core::parallel_for((rows + kPart - 1) / kPart, io.threads, [&](std::uint64_t p) {
          const std::size_t from = p * kPart;
          integrand->evaluate(u + from * d, std::min(kPart, rows - from), &y[from]);
        });
      },
      options);
}

void write_trace(const std::string& path, const qmc::CubatureResult& result, const core::Io& io) {
  const auto out = io.open_output(path);
  for (const qmc::CubatureStep& step : result.steps) {
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().field("n", step.n);
    // One quantity is a number, several are an array.
    const auto field = [&](const char* name, const std::vector<double>& values) {
      json.key(name);
      if (values.size() != 1) json.begin_array();
      for (const double value : values) {
        if (std::isfinite(value)) {
          json.value(value);
        } else {
          json.null();
        }
      }
      if (values.size() != 1) json.end_array();
    };
    field("integral", step.integral);
    field("bound_low", step.low);
    field("bound_high", step.high);
    json.field("wall_s", step.wall_s).end_object();
    out->write(text + '\n');
  }
  out->commit();
}

int integrate(const IntegrateOptions& o, core::Io& io) {
  require_dimensions(o);
  if (int{!o.f.empty()} + int{o.exec.has_value()} + int{o.exec_text.has_value()} != 1) {
    throw usage_error("one of --f, --exec and --exec-text is needed");
  }
  if (o.jobs > 1 && !o.f.empty()) throw usage_error("--jobs goes with --exec");
  if (o.timeout && (!o.f.empty() || o.timeout->ns <= 0)) {
    throw usage_error("--exec-timeout is a time above 0 and goes with --exec");
  }
  const auto start = std::chrono::steady_clock::now();
  const qmc::CubatureResult result =
      o.f.empty() ? integrate_command(o, io) : integrate_function(o, io);
  if (o.trace) write_trace(*o.trace, result, io);
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  // The result is the summary: on stdout unless --json names a file as well.
  if (!io.json) io.json = "-";
  io.summary(result_json(result, o, io, wall));
  return result.converged() ? 0 : 1;
}

}  // namespace

void register_integrate(core::Tool& tool) {
  auto o = std::make_shared<IntegrateOptions>();
  auto cmd = tool.subcommand("integrate", "integrate a function to a tolerance");
  cmd.option("--f", &o->f, "a built-in NAME[:key=value,..] or a formula in x1..xd").value_name("F");
  cmd.option("--exec", &o->exec, "a command that reads .npy batches of points and writes values")
      .value_name("CMD");
  cmd.option("--exec-text", &o->exec_text, "the same, one point and one value a line")
      .value_name("CMD");
  cmd.option("--jobs", &o->jobs, "processes of the command, dealt batches in order").range(1, 256);
  cmd.option("--exec-timeout", &o->timeout, "longest silence of a command that owes values")
      .value_name("TIME");
  (void)bind_integrate(cmd, *o);
  cmd.option("--trace", &o->trace, "JSON line after each doubling").value_name("FILE");
  cmd.run([o](core::Io& io) { return integrate(*o, io); });
  register_ask(cmd);
  register_tell(cmd);
}

}  // namespace stateutils::tools
