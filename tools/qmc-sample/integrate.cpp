// integrate: adaptive cubature of built-in functions and formulas.
#include <nlohmann/json.hpp>

#include "child.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "point_options.hpp"
#include "qmc/cubature.hpp"
#include "qmc/integrand.hpp"
#include "qmc/transform.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;

struct IntegrateOptions {
  std::optional<std::string> exec, exec_text;
  std::string f, algorithm = "net-g", tol_mode = "either", measure, sequence;
  std::optional<core::Count> d, n_init, n_max, replications;
  double abs_tol = 1e-2, rel_tol = 0, confidence = 0.99;
  int guard = 2, alpha = 1;
  bool check_cone = false;
  std::optional<std::string> trace;
};

// A command behind pipes, seeing transformed points.
class CommandIntegrand final : public qmc::Integrand {
 public:
  CommandIntegrand(const std::string& command, bool text, std::size_t d, const std::string& measure)
      : d_(d), child_(command, text) {
    if (!measure.empty()) map_.emplace(measure, d);
  }
  [[nodiscard]] std::size_t dims() const override { return d_; }
  void evaluate(const double* u, std::size_t rows, double* y) const override {
    if (!map_) {
      child_.evaluate(u, rows, d_, y);
      return;
    }
    std::vector<double> mapped(u, u + rows * d_), weights(rows, 1.0);
    map_->apply(mapped.data(), rows, 0, "integrand", weights.data());
    child_.evaluate(mapped.data(), rows, d_, y);
    for (std::size_t i = 0; i < rows; ++i) y[i] *= weights[i];
  }
  void finish() { child_.finish(); }

 private:
  std::size_t d_;
  mutable Child child_;
  std::optional<qmc::Transform> map_;
};

std::unique_ptr<qmc::Integrand> make_integrand(const IntegrateOptions& o, std::size_t d) {
  if (o.exec || o.exec_text) {
    return std::make_unique<CommandIntegrand>(o.exec ? *o.exec : *o.exec_text,
                                              o.exec_text.has_value(), d, o.measure);
  }
  if (!qmc::is_built_in(o.f)) return qmc::formula_integrand(o.f, d, o.measure);
  if (!o.measure.empty()) throw usage_error("--measure is for formulas: a name has its own");
  return qmc::built_in_integrand(o.f, d);
}

qmc::CubatureOptions make_options(const IntegrateOptions& o, const core::Io& io) {
  qmc::CubatureOptions options;
  options.algorithm = qmc::parse_algorithm(o.algorithm);
  options.tolerance = {o.abs_tol, o.rel_tol, o.tol_mode == "both"};
  options.confidence = o.confidence;
  if (o.n_init) options.n_init = o.n_init->value;
  if (o.n_max) options.n_max = o.n_max->value;
  if (o.replications) {
    if (o.replications->value > qmc::kMaxReplications) {
      throw usage_error("--replications must be at most 2^24");
    }
    options.replications = static_cast<std::uint32_t>(o.replications->value);
  }
  options.guard = static_cast<std::uint32_t>(o.guard);
  options.check_cone = o.check_cone;
  options.points.sequence = o.sequence;
  options.points.d = static_cast<std::uint32_t>(o.d->value);
  options.points.alpha = static_cast<unsigned>(o.alpha);
  options.points.seed = io.seed;
  options.points.replications = qmc::kMaxReplications;
  options.threads = io.threads;
  return options;
}

void write_trace(const std::string& path, const qmc::CubatureResult& result, const core::Io& io) {
  const auto out = io.open_output(path);
  for (const qmc::CubatureStep& step : result.steps) {
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().field("n", step.n).field("integral", step.integral);
    json.field("bound_low", step.low).field("bound_high", step.high);
    json.field("wall_s", step.wall_s).end_object();
    out->write(text + '\n');
  }
  out->commit();
}

int integrate(const IntegrateOptions& o, core::Io& io) {
  if (!o.d || o.d->value == 0 || o.d->value > 1u << 24) {
    throw usage_error("the number of dimensions is missing: -d D");
  }
  if (int{!o.f.empty()} + int{o.exec.has_value()} + int{o.exec_text.has_value()} != 1) {
    throw usage_error("one of --f, --exec and --exec-text is needed");
  }
  const auto integrand = make_integrand(o, o.d->value);
  settle_seed(io, true);
  const auto start = std::chrono::steady_clock::now();
  const qmc::CubatureOptions options = make_options(o, io);
  const qmc::CubatureResult result = qmc::integrate(
      [&](const double* u, std::size_t rows, double* y) { integrand->evaluate(u, rows, y); },
      options);
  if (auto* command = dynamic_cast<CommandIntegrand*>(integrand.get())) command->finish();
  if (o.trace) write_trace(*o.trace, result, io);
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  nlohmann::ordered_json json;
  json["integral"] = {result.integral};
  json["bound_low"] = {result.low};
  json["bound_high"] = {result.high};
  json["converged"] = result.converged;
  json["n_total"] = result.n_total;
  json["n"] = {result.n};
  json["algo"] = o.algorithm;
  json["sequence"] = result.sequence;
  json["randomize"] = result.randomize;
  json["seed"] = std::to_string(io.seed);
  json["cone_violation"] = nullptr;
  if (result.cone_violation) json["cone_violation"] = {*result.cone_violation};
  json["guard_spread"] = nullptr;
  if (result.guard_spread) json["guard_spread"] = {*result.guard_spread};
  json["wall_s"] = wall;
  json["stop_reason"] = result.converged ? "tolerance" : "n_max";
  // The result is the summary: on stdout unless --json names a file as well.
  if (!io.json) io.json = "-";
  io.summary(json);
  return result.converged ? 0 : 1;
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
  cmd.option("-d", &o->d, "number of dimensions").value_name("D").required();
  cmd.option("--measure", &o->measure, "transform of the points that a formula sees")
      .value_name("SPEC");
  cmd.option("--abs-tol", &o->abs_tol, "absolute tolerance").at_least(0);
  cmd.option("--rel-tol", &o->rel_tol, "relative tolerance").at_least(0);
  cmd.option("--tol-mode", &o->tol_mode, "meet either tolerance, or both")
      .one_of({"either", "both"});
  cmd.option("--confidence", &o->confidence, "of the random bounds").range(0.5, 0.999999);
  cmd.option("--n-init", &o->n_init, "first number of points").value_name("N");
  cmd.option("--n-max", &o->n_max, "largest number of points").value_name("N");
  cmd.option("--algo", &o->algorithm, "how the error is bounded")
      .one_of({"net-g", "lattice-g", "rep-t", "clt-rep", "mc-clt", "mc-g"});
  cmd.option("--seq", &o->sequence, "sequence instead of the algorithm's own").value_name("SEQ");
  cmd.option("--replications", &o->replications, "of rep-t (25) and clt-rep (16)").value_name("R");
  cmd.option("--alpha", &o->alpha, "order of digit interlacing").range(1, 64);
  cmd.option("--check-cone", &o->check_cone, "report when the data contradict the theory");
  cmd.option("--guard", &o->guard, "randomizations that must agree (net-g, lattice-g; 1: off)")
      .range(1, 64);
  cmd.option("--trace", &o->trace, "JSON line after each doubling").value_name("FILE");
  cmd.run([o](core::Io& io) { return integrate(*o, io); });
}

}  // namespace stateutils::tools
