// posterior: guided diffusion samplers of linear inverse problems beside the exact posterior.
#include "qmc/posterior.hpp"

#include "commands.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "point_options.hpp"

namespace stateutils::tools {
namespace {

struct PosteriorOptions {
  std::string model, output = "-";
  std::vector<std::int64_t> orders = {1, 2}, steps = {50, 200};
  core::Count n{1024};
  int probes = 4;
};

void append(core::JsonWriter& json, const qmc::Moments& moments) {
  const std::size_t d = moments.mean.size();
  json.key("mean").begin_array();
  for (const double value : moments.mean) json.value(value);
  json.end_array().key("cov").begin_array();
  for (std::size_t i = 0; i < d; ++i) {
    json.begin_array();
    for (std::size_t j = 0; j < d; ++j) json.value(moments.cov[i * d + j]);
    json.end_array();
  }
  json.end_array();
}

void require_sizes(const PosteriorOptions& o) {
  for (const std::int64_t order : o.orders) {
    if (order != 1 && order != 2) throw core::usage_error("--order takes 1 and 2");
  }
  for (const std::int64_t steps : o.steps) {
    if (steps < 2 || steps > 100000)
      throw core::usage_error("--steps takes numbers from 2 to 10^5");
  }
  if (o.n.value < 2 || o.n.value > 1000000) throw core::usage_error("-n must be from 2 to 10^6");
}

int posterior(const PosteriorOptions& o, core::Io& io) {
  io.require_json_target(true);
  require_sizes(o);
  const auto source = io.open_input(o.model);
  const qmc::LinearProblem problem =
      qmc::parse_linear_problem(core::read_all(*source, 64u << 20), source->name());
  settle_seed(io, true);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("n", o.n.value).field("probes", o.probes);
  json.field("seed", std::to_string(io.seed)).key("exact").begin_object();
  append(json, qmc::exact_posterior(problem));
  json.end_object().key("rows").begin_array();
  for (const std::int64_t order : o.orders) {
    for (const std::int64_t steps : o.steps) {
      const qmc::GuidedRun run =
          qmc::run_guided(problem, static_cast<int>(order), static_cast<std::uint64_t>(steps),
                          o.n.value, o.probes, io.seed, io.threads, source->name());
      json.begin_object().field("order", run.order).field("steps", run.steps);
      json.field("score_evaluations", run.evaluations);
      json.field("mean_error", run.mean_error).field("cov_error", run.cov_error);
      append(json, run.found);
      json.end_object();
    }
  }
  json.end_array().end_object();
  const auto out = io.open_output(o.output);
  out->write(text + '\n');
  out->commit();
  return 0;
}

}  // namespace

void register_posterior(core::Tool& tool) {
  auto o = std::make_shared<PosteriorOptions>();
  auto cmd = tool.subcommand("posterior", "guided diffusion beside the exact posterior");
  cmd.option("MODEL", &o->model, "JSON: prior (a mixture), A, y and noise of y = A x + noise")
      .required();
  cmd.option("--order", &o->orders, "1: the mean of x alone, 2: and its spread").comma_list();
  cmd.option("--steps", &o->steps, "step counts").comma_list();
  cmd.option("-n", &o->n, "number of samples").value_name("N");
  cmd.option("--probes", &o->probes, "vectors that estimate each trace of a Hessian")
      .range(1, 1000);
  cmd.option("-o,--output", &o->output, "where the result goes").value_name("FILE");
  cmd.run([o](core::Io& io) { return posterior(*o, io); });
}

}  // namespace stateutils::tools
