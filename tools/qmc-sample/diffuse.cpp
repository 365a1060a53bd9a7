// diffuse: samplers of diffusion models with momentum, their stability and their errors.
#include <algorithm>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "point_options.hpp"
#include "qmc/diffusion.hpp"

namespace stateutils::tools {
namespace {

struct DiffuseOptions {
  std::string method = "ghvb", mixture, output = "-";
  int order = 2, corners = 256;
  double beta = 1;
  std::vector<std::int64_t> steps = {5, 10, 20};
  core::Count n{1000};
};

void write_line(const core::Io& io, const std::string& path, const std::string& text) {
  const auto out = io.open_output(path);
  out->write(text + '\n');
  out->commit();
}

int stability(const DiffuseOptions& o, core::Io& io) {
  io.require_json_target(true);
  const qmc::Stability result =
      qmc::stability_of(qmc::momentum_method(o.method, o.order, o.beta), o.corners);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("method", o.method).field("order", o.order).field("beta", o.beta);
  json.field("real_axis", result.real_axis).key("polygon").begin_array();
  for (const auto& corner : result.boundary) {
    json.begin_array().value(corner.real()).value(corner.imag()).end_array();
  }
  json.end_array().end_object();
  write_line(io, o.output, text);
  return 0;
}

int run(const DiffuseOptions& o, core::Io& io) {
  io.require_json_target(true);
  std::vector<std::uint64_t> steps;
  for (const std::int64_t count : o.steps) {
    if (count < 1 || count > 100000)
      throw core::usage_error("--steps takes numbers from 1 to 10^5");
    steps.push_back(static_cast<std::uint64_t>(count));
  }
  if (o.n.value < 2 || o.n.value > 10000000) throw core::usage_error("-n must be from 2 to 10^7");
  (void)qmc::momentum_method(o.method, o.order, o.beta);
  const auto source = io.open_input(o.mixture);
  const qmc::Mixture mixture =
      qmc::parse_mixture(core::read_all(*source, 64u << 20), source->name());
  settle_seed(io, true);
  const auto rows =
      qmc::run_diffusion(mixture, o.method, o.order, o.beta, steps, o.n.value, io.seed, io.threads);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("method", o.method).field("order", o.order).field("beta", o.beta);
  json.field("n", o.n.value).field("seed", std::to_string(io.seed)).key("rows").begin_array();
  for (const qmc::DiffusionError& row : rows) {
    json.begin_object().field("steps", row.steps).field("w2", row.w2).field("mmd", row.mmd);
    json.end_object();
  }
  json.end_array().end_object();
  write_line(io, o.output, text);
  return 0;
}

void bind_method(core::Command& cmd, DiffuseOptions& o) {
  cmd.option("--method", &o.method, "ddim, ab2, ab3, ab4, the same with hb- (heavy ball), or ghvb")
      .one_of({"ddim", "ab2", "ab3", "ab4", "hb-ddim", "hb-ab2", "hb-ab3", "hb-ab4", "ghvb"});
  cmd.option("--order", &o.order, "of ghvb").range(1, 4);
  cmd.option("--beta", &o.beta, "damping of the momentum; 1 is none").range(1e-6, 1);
  cmd.option("-o,--output", &o.output, "where the result goes").value_name("FILE");
}

}  // namespace

void register_diffuse(core::Tool& tool) {
  auto group = tool.subcommand("diffuse", "diffusion samplers with momentum on exact scores");
  auto s = std::make_shared<DiffuseOptions>();
  auto shape = group.subcommand("stability", "region of stability and its end on the real axis");
  bind_method(shape, *s);
  shape.option("--corners", &s->corners, "of the polygon").range(8, 100000);
  shape.run([s](core::Io& io) { return stability(*s, io); });
  auto o = std::make_shared<DiffuseOptions>();
  auto cmd = group.subcommand("run", "distances of samples to exact draws of a mixture");
  cmd.option("MIX", &o->mixture, "JSON: weights, means and sds of the mixture").required();
  bind_method(cmd, *o);
  cmd.option("--steps", &o->steps, "step counts").comma_list();
  cmd.option("-n", &o->n, "number of samples").value_name("N");
  cmd.run([o](core::Io& io) { return run(*o, io); });
}

}  // namespace stateutils::tools
