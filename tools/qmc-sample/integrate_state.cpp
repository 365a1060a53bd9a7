#include "integrate_state.hpp"

#include <unistd.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/npy.hpp"
#include "core/safetensors.hpp"
#include "core/units.hpp"
#include "point_input.hpp"
#include "point_options.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;
using Json = nlohmann::ordered_json;

// Batches are as large as this: each costs the caller one round.
constexpr std::size_t kAskRows = 1u << 16;
constexpr const char* kFormat = "stateutils.integrate-state";

struct AskOptions {
  std::string state, output;
  IntegrateOptions integrate;
  NamedOptions named;
};

struct TellOptions {
  std::string state, values;
};

// Everything that was told. The algorithms are pure functions of it, so the state needs nothing
// else: every call replays them up to the first value that is missing.
struct State {
  Json settings;
  std::uint64_t seed = 0, batch = 0;      // batches told
  std::uint64_t outstanding = 0;          // rows that were asked for and not told
  std::uint64_t rows = 0, last_rows = 0;  // told in all, and in the last batch
  std::uint64_t width = 1;                // values a row
  std::vector<double> values;
};

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
  throw core::input_error({path}, "no state of integrate: " + what);
}

State read_state(const std::string& path) {
  const core::FileReader file(path);
  const core::SafetensorsHeader header = core::read_safetensors_header(file);
  const auto text = [&](const char* key) -> std::string {
    for (const auto& [name, value] : header.metadata) {
      if (name == key) return value;
    }
    damaged(path, std::string("no ") + key);
  };
  const auto number = [&](const char* key) {
    const auto value = core::parse_u64(text(key));
    if (!value) damaged(path, std::string(key) + " is no number");
    return *value;
  };
  if (text("format") != kFormat || text("version") != "1") damaged(path, "another format");
  State state;
  state.settings = Json::parse(core::parse_json(text("settings"), path).dump());
  state.seed = number("seed");
  state.batch = number("batch");
  state.outstanding = number("outstanding");
  state.last_rows = number("last_rows");
  if (header.tensors.size() != 1 || header.tensors[0].name != "values" ||
      header.tensors[0].dtype != core::DType::kF64 || header.tensors[0].shape.size() != 2) {
    damaged(path, "no values");
  }
  const core::TensorInfo& tensor = header.tensors[0];
  state.rows = tensor.shape[0];
  state.width = tensor.shape[1];
  if (state.width == 0 || state.last_rows > state.rows) damaged(path, "its counts disagree");
  state.values.resize(tensor.bytes() / sizeof(double));
  file.read_at(header.data_offset + tensor.begin, state.values.data(), tensor.bytes());
  return state;
}

void write_state(const State& state, const std::string& path, const core::Io& io) {
  core::TensorInfo info;
  info.name = "values";
  info.dtype = core::DType::kF64;
  info.shape = {state.rows, state.width};
  std::vector<core::TensorInfo> infos{info};
  const auto out = io.open_output(path);
  out->write(
      core::safetensors_header_bytes(infos, {{"format", kFormat},
                                             {"version", "1"},
                                             {"settings", state.settings.dump()},
                                             {"seed", std::to_string(state.seed)},
                                             {"batch", std::to_string(state.batch)},
                                             {"outstanding", std::to_string(state.outstanding)},
                                             {"last_rows", std::to_string(state.last_rows)}}));
  out->write(state.values.data(), state.values.size() * sizeof(double));
  out->commit();
}

// Raised where the replay runs out of values.
struct NeedPoints {
  std::vector<double> points;
  std::size_t rows;
};

qmc::CubatureResult replay(const State& state, const IntegrateOptions& o, const core::Io& io) {
  const std::size_t d = o.d->value;
  MeasuredPoints measured(o.measure, d);
  qmc::CubatureOptions options = make_cubature(o, o.measure, io);
  options.batch_rows = kAskRows;
  std::uint64_t used = 0;
  return qmc::integrate(
      [&](const double* u, std::size_t rows, std::vector<double>& y) {
        const bool known = used + rows <= state.rows;
        const double* x = known && !measured.has_weights() ? u : measured.map(u, rows);
        if (!known) throw NeedPoints{std::vector<double>(x, x + rows * d), rows};
        const auto from = state.values.begin() + static_cast<std::ptrdiff_t>(used * state.width);
        y.assign(from, from + static_cast<std::ptrdiff_t>(rows * state.width));
        measured.weigh(y, rows);
        used += rows;
      },
      options);
}

// Options that were repeated must be those of the state.
void require_same(const AskOptions& a, const State& state, const core::Io& io) {
  const Json given = settings_of(a.integrate);
  for (const auto& [name, option] : a.named) {
    if (option.given() && given[name] != state.settings[name]) {
      throw usage_error((name == "d" ? "-" : "--") + name + " is " + state.settings[name].dump() +
                        " in " + a.state);
    }
  }
  if (io.seed_given && io.seed != state.seed) {
    throw usage_error("--seed is " + std::to_string(state.seed) + " in " + a.state);
  }
}

State open_state(AskOptions& a, core::Io& io) {
  if (::access(a.state.c_str(), F_OK) == 0) {
    State state = read_state(a.state);
    require_same(a, state, io);
    apply_settings(a.integrate, state.settings, a.state);
    io.seed = state.seed;
    io.seed_given = true;
    return state;
  }
  require_dimensions(a.integrate);
  if (a.integrate.algorithm == "mlmc" || a.integrate.algorithm == "mlqmc") {
    throw usage_error("mlmc and mlqmc take the integrands asian and barrier");
  }
  settle_seed(io, true);
  State state;
  state.settings = settings_of(a.integrate);
  state.seed = io.seed;
  return state;
}

int ask(AskOptions& a, core::Io& io) {
  io.require_json_target(true);
  const auto start = std::chrono::steady_clock::now();
  State state = open_state(a, io);
  require_dimensions(a.integrate);
  try {
    const qmc::CubatureResult result = replay(state, a.integrate, io);
    Json json{{"done", true}};
    const double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    json.update(result_json(result, a.integrate, io, wall));
    if (!io.json) io.json = "-";
    io.summary(json);
    return result.converged() ? 0 : 1;
  } catch (const NeedPoints& need) {
    // The state first: without the points the same question can be asked again.
    state.outstanding = need.rows;
    write_state(state, a.state, io);
    const auto out = io.open_output(a.output);
    const std::uint64_t shape[] = {need.rows, a.integrate.d->value};
    core::write_npy(*out, shape, need.points);
    out->commit();
    std::string text;
    core::JsonWriter json(text);
    json.begin_object().field("done", false).field("n", need.rows).field("batch", state.batch);
    json.end_object();
    io.out->write(text + '\n');
  }
  return 0;
}

int tell(const TellOptions& o, core::Io& io) {
  io.require_json_target(true);
  State state = read_state(o.state);
  const PointArray told = read_points(io, o.values);
  const std::string what = "batch " + std::to_string(state.batch);
  if (state.outstanding == 0) {
    const std::size_t count = state.last_rows * state.width;
    const bool same = count > 0 && told.values.size() == count &&
                      std::memcmp(told.values.data(), &state.values[state.values.size() - count],
                                  count * sizeof(double)) == 0;
    if (same) return 0;
    throw core::input_error({told.name}, "no batch is outstanding: ask first");
  }
  if (told.rows != state.outstanding || told.columns == 0 ||
      (state.rows > 0 && told.columns != state.width)) {
    throw core::input_error({told.name}, what + ": " + std::to_string(told.rows) + " x " +
                                             std::to_string(told.columns) + " values for " +
                                             std::to_string(state.outstanding) + " points");
  }
  for (std::size_t i = 0; i < told.values.size(); ++i) {
    if (std::isfinite(told.values[i])) continue;
    throw core::input_error({told.name}, what + ", row " + std::to_string(i / told.columns) +
                                             ": the value is not finite");
  }
  state.width = told.columns;
  state.values.insert(state.values.end(), told.values.begin(), told.values.end());
  state.rows += told.rows;
  state.last_rows = told.rows;
  state.outstanding = 0;
  ++state.batch;
  write_state(state, o.state, io);
  return 0;
}

}  // namespace

void require_dimensions(const IntegrateOptions& o) {
  if (!o.d || o.d->value == 0 || o.d->value > 1u << 24) {
    throw usage_error("the number of dimensions is missing: -d D");
  }
}

void register_ask(core::Command& integrate) {
  auto a = std::make_shared<AskOptions>();
  auto cmd = integrate.subcommand("ask", "write the next points of an integration kept in a file");
  cmd.option("STATE", &a->state, "the file; it is created by the first ask").required();
  cmd.option("-o,--output", &a->output, "where the points go").value_name("FILE").required();
  a->named = bind_integrate(cmd, a->integrate);
  cmd.run([a](core::Io& io) { return ask(*a, io); });
}

void register_tell(core::Command& integrate) {
  auto o = std::make_shared<TellOptions>();
  auto cmd = integrate.subcommand("tell", "hand over the values of the points last asked for");
  cmd.option("STATE", &o->state, "the file").required();
  cmd.option("VALUES", &o->values, ".npy, one value or one row of values for each point")
      .required();
  cmd.run([o](core::Io& io) { return tell(*o, io); });
}

}  // namespace stateutils::tools
