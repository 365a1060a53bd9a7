// brownian: increments and space-time Levy areas of Brownian paths, and experiments with them.
#include "qmc/brownian.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/jsonl.hpp"
#include "core/npy.hpp"
#include "core/threads.hpp"
#include "core/units.hpp"
#include "point_input.hpp"
#include "point_options.hpp"
#include "qmc/sde.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;

struct BrownianOptions {
  std::string file = "-", output = "-";
  std::int64_t d = 1;
  double t0 = 0, t1 = 1, tolerance = 1e-3;
};

struct SdeOptions {
  std::string model = "cir", steps = "constant", output = "-";
  std::vector<std::int64_t> levels = {3, 4, 5, 6, 7};
  std::int64_t paths = 1000;
};

// .npy (q,2), or a line [s,t] each.
PointArray read_queries(const core::Io& io, const std::string& path) {
  const auto source = io.open_input(path);
  const std::string bytes = core::read_all(*source, 1ull << 33);
  if (bytes.starts_with("\x93NUMPY")) {
    const auto memory = core::memory_input(bytes, source->name());
    core::NpyArray array = core::read_npy(*memory);
    const auto& shape = array.header.shape;
    if (shape.size() != 2 || shape[1] != 2) {
      throw core::input_error({source->name()}, "an array of shape (q,2) expected");
    }
    return {source->name(), shape[0], 2, std::move(array.values)};
  }
  PointArray queries;
  queries.name = source->name();
  queries.columns = 2;
  const auto memory = core::memory_input(bytes, source->name());
  core::LineReader lines(*memory);
  for (std::string_view line; lines.next(line);) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const nlohmann::json pair = core::parse_json(line, queries.name);
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number()) {
      throw core::input_error(lines.place(), "a line is [s,t]");
    }
    queries.values.push_back(pair[0].get<double>());
    queries.values.push_back(pair[1].get<double>());
    ++queries.rows;
  }
  return queries;
}

int brownian(const BrownianOptions& o, core::Io& io) {
  io.require_json_target(o.output == "-");
  if (!(o.tolerance > 0)) throw usage_error("--tol must be above 0");
  (void)qmc::BrownianPath(0, 0, o.t0, o.t1, o.tolerance);  // checks the options before the input
  settle_seed(io, true);
  const PointArray queries = read_queries(io, o.file);
  for (std::size_t q = 0; q < queries.rows; ++q) {
    const double s = queries.values[2 * q], t = queries.values[2 * q + 1];
    if (s >= o.t0 && s < t && t <= o.t1) continue;
    throw core::input_error({queries.name},
                            "row " + std::to_string(q) + ": [" + core::format_double(s) + "," +
                                core::format_double(t) + "] is no interval of [" +
                                core::format_double(o.t0) + "," + core::format_double(o.t1) + "]");
  }
  const auto d = static_cast<std::uint64_t>(o.d);
  std::vector<double> values(queries.rows * d * 2);
  core::parallel_for(queries.rows, io.threads, [&](std::uint64_t q) {
    for (std::uint64_t j = 0; j < d; ++j) {
      const qmc::BrownianPath path(io.seed, static_cast<std::uint32_t>(j), o.t0, o.t1, o.tolerance);
      const qmc::LevyPair pair = path.interval(queries.values[2 * q], queries.values[2 * q + 1]);
      values[(q * d + j) * 2] = pair.w;
      values[(q * d + j) * 2 + 1] = pair.h;
    }
  });
  const auto out = io.open_output(o.output);
  const std::uint64_t shape[] = {queries.rows, d, 2};
  core::write_npy(*out, shape, values);
  out->commit();
  io.summary({{"queries", queries.rows}, {"d", d}, {"seed", std::to_string(io.seed)}});
  return 0;
}

int sde(const SdeOptions& o, core::Io& io) {
  io.require_json_target(true);
  qmc::SdeExperiment experiment;
  experiment.model = o.model == "cir" ? qmc::SdeModel::kCir : qmc::SdeModel::kLangevin;
  experiment.adaptive = o.steps == "pi";
  for (const std::int64_t level : o.levels) {
    experiment.levels.push_back(static_cast<unsigned>(std::clamp<std::int64_t>(level, 0, 99)));
  }
  experiment.paths = static_cast<std::uint64_t>(o.paths);
  settle_seed(io, true);
  experiment.seed = io.seed;
  const qmc::SdeResult result = qmc::run_sde(experiment, io.threads);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("model", o.model).field("steps", o.steps);
  json.field("paths", experiment.paths).field("seed", std::to_string(io.seed));
  json.key("rows").begin_array();
  for (const qmc::SdeRow& row : result.rows) {
    json.begin_object().field("steps", row.steps).field("rmse", row.error).end_object();
  }
  json.end_array().field("order", result.order).end_object();
  const auto out = io.open_output(o.output);
  out->write(text + '\n');
  out->commit();
  return 0;
}

}  // namespace

void register_brownian(core::Tool& tool) {
  auto o = std::make_shared<BrownianOptions>();
  auto cmd = tool.subcommand("brownian", "Brownian increments and areas at any intervals");
  cmd.option("FILE", &o->file, "intervals: .npy of shape q,2, or a line [s,t] each");
  cmd.option("-d", &o->d, "number of paths").range(1, 1 << 24).value_name("D");
  cmd.option("--t0", &o->t0, "start of the paths");
  cmd.option("--t1", &o->t1, "end of the paths");
  cmd.option("--tol", &o->tolerance, "length below which an interval is not halved");
  cmd.option("-o,--output", &o->output, "where the values go").value_name("FILE");
  cmd.run([o](core::Io& io) { return brownian(*o, io); });
  auto s = std::make_shared<SdeOptions>();
  auto sub = cmd.subcommand("sde", "strong errors of solvers that use increments and areas");
  sub.option("--model", &s->model, "Cox-Ingersoll-Ross, or underdamped Langevin dynamics")
      .one_of({"cir", "langevin"});
  sub.option("--steps", &s->steps, "equal steps, or a PI controller").one_of({"constant", "pi"});
  sub.option("--levels", &s->levels, "2^level steps, or a tolerance of 2^-level").comma_list();
  sub.option("--paths", &s->paths, "number of paths").range(1, 10000000);
  sub.option("-o,--output", &s->output, "where the result goes").value_name("FILE");
  sub.run([s](core::Io& io) { return sde(*s, io); });
}

}  // namespace stateutils::tools
