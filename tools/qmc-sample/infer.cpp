// infer: sequential Monte Carlo blocks against exact answers.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "point_options.hpp"
#include "qmc/inference.hpp"

namespace stateutils::tools {
namespace {

struct InferOptions {
  std::string model, blocks = "extend;resample:systematic", output = "-";
  core::Count particles{1000}, runs{100};
};

void append(core::JsonWriter& json, const qmc::Estimate& e) {
  json.begin_object().field("mean", e.mean).field("se", e.error).field("exact", e.exact);
  json.end_object();
}

int infer(const InferOptions& o, bool check, core::Io& io) {
  io.require_json_target(true);
  const auto blocks = qmc::parse_blocks(o.blocks);
  if (o.particles.value < 1 || o.particles.value > 10000000) {
    throw core::usage_error("-n must be from 1 to 10^7");
  }
  if (o.runs.value < 2 || o.runs.value > 10000000) {
    throw core::usage_error("--runs must be from 2 to 10^7");
  }
  const auto source = io.open_input(o.model);
  const auto model = qmc::parse_chain(core::read_all(*source, 64u << 20), source->name());
  settle_seed(io, true);
  const qmc::InferenceResult result =
      qmc::run_inference(*model, blocks, static_cast<std::uint32_t>(o.particles.value),
                         static_cast<std::uint32_t>(o.runs.value), io.seed, io.threads);
  const bool agrees = result.agrees(5);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("particles", o.particles.value).field("runs", o.runs.value);
  json.field("seed", std::to_string(io.seed)).key("evidence");
  append(json, result.evidence);
  json.field("log_evidence", result.log_evidence).key("posterior_means").begin_array();
  for (const qmc::Estimate& mean : result.means) append(json, mean);
  json.end_array();
  if (check) json.field("agrees", agrees);
  json.end_object();
  const auto out = io.open_output(o.output);
  out->write(text + '\n');
  out->commit();
  return check && !agrees ? 1 : 0;
}

void bind(core::Command& group, const char* name, const char* help, bool check) {
  auto o = std::make_shared<InferOptions>();
  auto cmd = group.subcommand(name, help);
  cmd.option("MODEL", &o->model, "JSON: a hidden Markov chain or a linear Gaussian chain")
      .required();
  cmd.option("--blocks", &o->blocks,
             "stages of every observation, such as extend;resample:residual;mh:3")
      .value_name("LIST");
  cmd.option("-n", &o->particles, "number of particles").value_name("N");
  cmd.option("--runs", &o->runs, "independent runs").value_name("R");
  cmd.option("-o,--output", &o->output, "where the result goes").value_name("FILE");
  cmd.run([o, check](core::Io& io) { return infer(*o, check, io); });
}

}  // namespace

void register_infer(core::Tool& tool) {
  auto group =
      tool.subcommand("infer", "sequential Monte Carlo blocks on models with exact answers");
  bind(group, "run", "evidence and posterior means beside the exact ones", false);
  bind(group, "check", "the same; exit 1 beyond 5 standard errors", true);
}

}  // namespace stateutils::tools
