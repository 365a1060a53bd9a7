// discrepancy: how uneven a file of points is.
#include "qmc/discrepancy.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "kernel_options.hpp"

namespace stateutils::tools {
namespace {

struct DiscrepancyOptions {
  std::string file = "-";
  std::vector<std::string> kinds = {"centered"};
  std::vector<double> weights;
  KernelOptions space;  // of worst-case
};

// Of unrandomized points, from the first column of the kernel's matrix: no file is read.
int worst_case(DiscrepancyOptions& o, core::Io& io) {
  if (o.kinds.size() != 1 || !o.weights.empty() || o.file != "-") {
    throw core::usage_error("--kind worst-case stands alone, without weights and file");
  }
  if (o.space.sequence.empty() || o.space.kernel.empty()) {
    throw core::usage_error("--kind worst-case needs --kernel and --seq");
  }
  const std::uint64_t n = number_of_points(o.space, std::nullopt);
  const KernelProblem problem = make_problem(o.space, io);
  problem.set.require_rows(0, n);
  const double squared = qmc::squared_worst_case(problem.kernel, *problem.set.replication(0), n);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("n", n).field("d", problem.set.columns());
  json.key("kinds").begin_object().key("worst-case").begin_object().field("d2", squared);
  json.field("d", std::sqrt(std::max(squared, 0.0))).end_object().end_object().end_object();
  io.out->write(text + '\n');
  return 0;
}

int discrepancy(DiscrepancyOptions& o, core::Io& io) {
  io.require_json_target(true);
  if (std::count(o.kinds.begin(), o.kinds.end(), "worst-case") > 0) return worst_case(o, io);
  if (!o.space.sequence.empty() || !o.space.kernel.empty() || o.space.n || o.space.set.d) {
    throw core::usage_error("--kernel, --seq, -d and -n go with --kind worst-case");
  }
  std::vector<qmc::DiscrepancyKind> kinds;
  for (const std::string& name : o.kinds) {
    kinds.push_back(qmc::parse_discrepancy(name));
    if (!o.weights.empty() && !qmc::takes_weights(kinds.back())) {
      throw core::usage_error("--weights is not defined for " + name);
    }
  }
  const PointArray points = read_points(io, o.file);
  require_unit_cube(points, true);
  if (points.rows == 0 || points.columns == 0) {
    throw core::input_error({points.name}, "no points");
  }
  if (!o.weights.empty() && o.weights.size() != points.columns) {
    throw core::usage_error("--weights has " + std::to_string(o.weights.size()) + " entries for " +
                            std::to_string(points.columns) + " columns");
  }
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("n", points.rows).field("d", points.columns);
  json.key("kinds").begin_object();
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const double squared =
        qmc::squared_discrepancy(kinds[k], points.values, points.columns, o.weights, io.threads);
    json.key(o.kinds[k]).begin_object().field("d2", squared);
    json.field("d", std::sqrt(std::max(squared, 0.0))).end_object();
  }
  json.end_object().end_object();
  io.out->write(text + '\n');
  io.summary({{"n", points.rows}, {"d", points.columns}});
  return 0;
}

}  // namespace

void register_discrepancy(core::Tool& tool) {
  auto o = std::make_shared<DiscrepancyOptions>();
  auto cmd = tool.subcommand("discrepancy", "discrepancy of the points of a .npy file");
  cmd.option("FILE", &o->file, "points, one a row");
  cmd.option("--kind", &o->kinds,
             "star, centered, wrap-around, mixture, symmetric, unanchored, l2-star, worst-case")
      .comma_list();
  cmd.option("--weights", &o->weights, "one for each dimension").comma_list();
  cmd.option("--kernel", &o->space.kernel, "worst-case: the kernel, JSON or @FILE")
      .value_name("JSON");
  cmd.option("--seq", &o->space.sequence, "worst-case: sobol, net:FILE or lattice[:FILE]")
      .value_name("SEQ");
  cmd.option("-d", &o->space.set.d, "worst-case: number of dimensions").value_name("D");
  cmd.option("-n", &o->space.n, "worst-case: number of points").value_name("N");
  cmd.run([o](core::Io& io) { return discrepancy(*o, io); });
}

}  // namespace stateutils::tools
