// discrepancy: how uneven a file of points is.
#include "qmc/discrepancy.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "point_input.hpp"

namespace stateutils::tools {
namespace {

struct DiscrepancyOptions {
  std::string file = "-";
  std::vector<std::string> kinds = {"centered"};
  std::vector<double> weights;
};

int discrepancy(const DiscrepancyOptions& o, core::Io& io) {
  io.require_json_target(true);
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
             "star, centered, wrap-around, mixture, symmetric, unanchored, l2-star")
      .comma_list();
  cmd.option("--weights", &o->weights, "one for each dimension").comma_list();
  cmd.run([o](core::Io& io) { return discrepancy(*o, io); });
}

}  // namespace stateutils::tools
