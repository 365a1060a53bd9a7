#include "integrate_options.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/units.hpp"
#include "qmc/integrand.hpp"

namespace stateutils::tools {
namespace {

using core::usage_error;
using Json = nlohmann::ordered_json;

// Every option that a state keeps, by its name.
template <class Options, class Visitor>
void visit(Options& o, const Visitor& v) {
  v("d", o.d);
  v("measure", o.measure);
  v("abs-tol", o.abs_tol);
  v("rel-tol", o.rel_tol);
  v("tol-mode", o.tol_mode);
  v("confidence", o.confidence);
  v("n-init", o.n_init);
  v("n-max", o.n_max);
  v("algo", o.algorithm);
  v("bayes", o.bayes);
  v("seq", o.sequence);
  v("randomize", o.randomize);
  v("replications", o.replications);
  v("alpha", o.alpha);
  v("guard", o.guard);
  v("check-cone", o.check_cone);
  v("sensitivity", o.sensitivity);
  v("cv", o.controls);
}

Json to_json(const std::optional<core::Count>& value) {
  return value ? Json(value->value) : Json(nullptr);
}
Json to_json(const std::optional<int>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json to_json(const std::optional<std::string>& value) {
  return value ? Json(*value) : Json(nullptr);
}
template <class T>
Json to_json(const T& value) {
  return Json(value);
}

void from_json(const Json& json, std::optional<core::Count>& value) {
  value.reset();
  if (!json.is_null()) value = core::Count{json.get<std::uint64_t>()};
}
void from_json(const Json& json, std::optional<int>& value) {
  value.reset();
  if (!json.is_null()) value = json.get<int>();
}
void from_json(const Json& json, std::optional<std::string>& value) {
  value.reset();
  if (!json.is_null()) value = json.get<std::string>();
}
template <class T>
void from_json(const Json& json, T& value) {
  value = json.get<T>();
}

// "EXPR=MEAN": the last sign of equality ends the formula.
qmc::Control parse_control(const std::string& text, std::size_t d, const std::string& measure) {
  const std::size_t equals = text.rfind('=');
  const auto mean = equals == std::string::npos
                        ? std::nullopt
                        : core::parse_double(std::string_view(text).substr(equals + 1));
  if (!mean) throw usage_error("--cv: " + core::quoted(text) + " is not EXPR=MEAN");
  return {qmc::formula_integrand(text.substr(0, equals), d, measure), *mean};
}

Json per_output(const std::vector<qmc::CubatureOutput>& outputs,
                double qmc::CubatureOutput::*member) {
  Json all = Json::array();
  for (const auto& output : outputs) all.push_back(output.*member);
  return all;
}

// Null unless the outputs have the value.
template <class T>
Json per_output(const std::vector<qmc::CubatureOutput>& outputs,
                std::optional<T> qmc::CubatureOutput::*member) {
  if (outputs.empty() || !(outputs[0].*member)) return nullptr;
  Json all = Json::array();
  for (const auto& output : outputs) all.push_back(*(output.*member));
  return all;
}

Json sensitivity_json(const std::vector<qmc::CubatureOutput>& indices) {
  const std::size_t d = indices.size() / 2;
  const std::vector<qmc::CubatureOutput> closed(indices.begin(),
                                                indices.begin() + static_cast<std::ptrdiff_t>(d)),
      total(indices.begin() + static_cast<std::ptrdiff_t>(d), indices.end());
  Json json;
  for (const auto& [name, part] : {std::pair("closed", &closed), std::pair("total", &total)}) {
    const std::string key(name);
    json[key] = per_output(*part, &qmc::CubatureOutput::integral);
    // A ratio whose denominator may vanish has no bounds.
    for (const auto& [suffix, member] : {std::pair("_low", &qmc::CubatureOutput::low),
                                         std::pair("_high", &qmc::CubatureOutput::high)}) {
      Json bounds = Json::array();
      for (const auto& index : *part) {
        const double bound = index.*member;
        bounds.push_back(std::isfinite(bound) ? Json(bound) : Json(nullptr));
      }
      json[key + suffix] = bounds;
    }
  }
  return json;
}

}  // namespace

NamedOptions bind_integrate(core::Command& cmd, IntegrateOptions& o) {
  NamedOptions all;
  const auto add = [&](const std::string& name, core::Option option) {
    all.emplace_back(name, std::move(option));
  };
  add("d", cmd.option("-d", &o.d, "number of dimensions").value_name("D"));
  add("measure", cmd.option("--measure", &o.measure, "transform of the points that a function sees")
                     .value_name("SPEC"));
  add("abs-tol", cmd.option("--abs-tol", &o.abs_tol, "absolute tolerance").at_least(0));
  add("rel-tol", cmd.option("--rel-tol", &o.rel_tol, "relative tolerance").at_least(0));
  add("tol-mode", cmd.option("--tol-mode", &o.tol_mode, "meet either tolerance, or both")
                      .one_of({"either", "both"}));
  add("confidence",
      cmd.option("--confidence", &o.confidence, "of the random bounds").range(0.5, 0.999999));
  add("n-init", cmd.option("--n-init", &o.n_init, "first number of points").value_name("N"));
  add("n-max", cmd.option("--n-max", &o.n_max, "largest number of points").value_name("N"));
  add("algo", cmd.option("--algo", &o.algorithm, "how the error is bounded")
                  .one_of({"net-g", "lattice-g", "bayes-net", "bayes-lattice", "rep-t", "clt-rep",
                           "mc-clt", "mc-g", "mlmc", "mlqmc"}));
  add("bayes", cmd.option("--bayes", &o.bayes, "how a Bayesian algorithm fits its kernel")
                   .one_of({"mle", "gcv", "full"}));
  add("seq", cmd.option("--seq", &o.sequence, "sequence instead of the algorithm's own")
                 .value_name("SEQ"));
  add("randomize", cmd.option("--randomize", &o.randomize,
                              "rep-t and clt-rep: instead of the sequence's default")
                       .value_name("HOW"));
  add("replications",
      cmd.option("--replications", &o.replications, "of rep-t (25), clt-rep (16) and mlqmc (32)")
          .value_name("R"));
  add("alpha", cmd.option("--alpha", &o.alpha, "order of digit interlacing").range(1, 64));
  add("check-cone",
      cmd.option("--check-cone", &o.check_cone, "report when the data contradict the theory"));
  add("guard", cmd.option("--guard", &o.guard,
                          "randomizations that must agree (net-g, lattice-g: 2; 1 is off)")
                   .range(1, 64));
  add("sensitivity", cmd.option("--sensitivity", &o.sensitivity,
                                "closed and total Sobol' indices of each variable"));
  add("cv", cmd.option("--cv", &o.controls, "EXPR=MEAN: a formula whose mean is known; repeatable")
                .value_name("EXPR=MEAN"));
  return all;
}

Json settings_of(const IntegrateOptions& o) {
  Json json;
  visit(o, [&](const char* name, const auto& value) { json[name] = to_json(value); });
  return json;
}

void apply_settings(IntegrateOptions& o, const Json& settings, const std::string& file) {
  try {
    visit(o, [&](const char* name, auto& value) { from_json(settings.at(name), value); });
  } catch (const nlohmann::json::exception&) {
    throw core::input_error({file}, "the options of the state are damaged");
  }
}

MeasuredPoints::MeasuredPoints(const std::string& measure, std::size_t d) : d_(d) {
  if (!measure.empty()) map_.emplace(measure, d);
}

const double* MeasuredPoints::map(const double* u, std::size_t rows) {
  if (!map_) return u;
  mapped_.assign(u, u + rows * d_);
  weights_.assign(rows, 1.0);
  map_->apply(mapped_.data(), rows, 0, "integrand", weights_.data());
  return mapped_.data();
}

void MeasuredPoints::weigh(std::vector<double>& y, std::size_t rows) const {
  if (!has_weights()) return;
  const std::size_t width = y.size() / rows;
  for (std::size_t i = 0; i < y.size(); ++i) y[i] *= weights_[i / width];
}

qmc::CubatureOptions make_cubature(const IntegrateOptions& o, const std::string& measure,
                                   const core::Io& io) {
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
  if (o.guard) options.guard = static_cast<std::uint32_t>(*o.guard);
  options.check_cone = o.check_cone;
  options.bayes = o.bayes == "gcv"    ? qmc::BayesRule::kGcv
                  : o.bayes == "full" ? qmc::BayesRule::kFull
                                      : qmc::BayesRule::kMle;
  options.sensitivity = o.sensitivity;
  for (const std::string& control : o.controls) {
    options.controls.push_back(parse_control(control, o.d->value, measure));
  }
  options.points.sequence = o.sequence;
  if (o.randomize) {
    if (o.algorithm != "rep-t" && o.algorithm != "clt-rep") {
      throw usage_error("--randomize goes with rep-t and clt-rep");
    }
    options.points.randomize = qmc::parse_randomize(*o.randomize);
  }
  options.points.d = static_cast<std::uint32_t>(o.d->value);
  options.points.alpha = static_cast<unsigned>(o.alpha);
  options.points.seed = io.seed;
  options.points.replications = qmc::kMaxReplications;
  return options;
}

Json result_json(const qmc::CubatureResult& result, const IntegrateOptions& o, const core::Io& io,
                 double wall_s) {
  std::vector<qmc::CubatureOutput> outputs = result.outputs;
  if (o.sensitivity) outputs.resize(1);
  Json json;
  json["integral"] = per_output(outputs, &qmc::CubatureOutput::integral);
  json["bound_low"] = per_output(outputs, &qmc::CubatureOutput::low);
  json["bound_high"] = per_output(outputs, &qmc::CubatureOutput::high);
  if (o.sensitivity) {
    json["sensitivity"] = sensitivity_json({result.outputs.begin() + 1, result.outputs.end()});
  }
  json["converged"] = result.converged();
  json["n_total"] = result.n_total;
  Json n = Json::array();
  for (const auto& output : outputs) n.push_back(output.n);
  json["n"] = n;
  json["algo"] = o.algorithm;
  json["sequence"] = result.sequence;
  json["randomize"] = result.randomize;
  json["seed"] = std::to_string(io.seed);
  json["cone_violation"] = per_output(outputs, &qmc::CubatureOutput::cone_violation);
  json["guard_spread"] = per_output(outputs, &qmc::CubatureOutput::guard_spread);
  json["wall_s"] = wall_s;
  json["stop_reason"] = result.converged() ? "tolerance" : "n_max";
  return json;
}

}  // namespace stateutils::tools
