// check: the quality parameter t of a file of points.
#include <cmath>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "point_input.hpp"
#include "qmc/net_check.hpp"
#include "qmc/netb.hpp"

namespace stateutils::tools {
namespace {

struct CheckOptions {
  std::string file = "-";
  int base = 2;
  std::optional<int> m, t, projections;
};

// The exponent of the number of rows.
unsigned exponent_of(const PointArray& points, std::uint64_t base) {
  std::uint64_t power = 1;
  unsigned m = 0;
  for (; power < points.rows; power *= base) ++m;
  if (power != points.rows) {
    throw core::input_error({points.name}, std::to_string(points.rows) + " rows are no power of " +
                                               std::to_string(base));
  }
  return m;
}

// floor(x b^m); 1/5 is no double, so other bases than 2 get a hair more.
std::vector<std::uint64_t> cells_of(const PointArray& points, std::uint32_t base) {
  const auto n = static_cast<double>(points.rows);
  std::vector<std::uint64_t> cells;
  cells.reserve(points.values.size());
  for (const double x : points.values) {
    const auto cell = static_cast<std::uint64_t>(x * n + (base == 2 ? 0 : 0x1p-20));
    cells.push_back(std::min(cell, points.rows - 1));
  }
  return cells;
}

void print_failing(core::JsonWriter& json, const qmc::NetReport& report, std::uint64_t base) {
  json.key("first_failing");
  if (!report.failing) {
    json.null();
    return;
  }
  const qmc::FailingInterval& failing = *report.failing;
  json.begin_object().key("dims").begin_array();
  for (const std::size_t dim : failing.dims) json.value(dim + 1);
  json.end_array().key("low").begin_array();
  std::vector<double> widths;
  for (const unsigned power : failing.powers) {
    widths.push_back(std::pow(static_cast<double>(base), -static_cast<double>(power)));
  }
  for (std::size_t k = 0; k < widths.size(); ++k) {
    json.value(static_cast<double>(failing.parts[k]) * widths[k]);
  }
  json.end_array().key("high").begin_array();
  for (std::size_t k = 0; k < widths.size(); ++k) {
    json.value(static_cast<double>(failing.parts[k] + 1) * widths[k]);
  }
  json.end_array().field("count", failing.count).field("expected", failing.expected).end_object();
}

int check(const CheckOptions& o, core::Io& io) {
  io.require_json_target(true);
  const auto base = static_cast<std::uint32_t>(o.base);
  const PointArray points = read_points(io, o.file);
  require_unit_cube(points, false);
  const unsigned m = exponent_of(points, base);
  if (o.m && static_cast<unsigned>(*o.m) != m) {
    throw core::input_error({points.name}, "the file has " + std::to_string(base) + "^" +
                                               std::to_string(m) + " points, not ^" +
                                               std::to_string(*o.m));
  }
  if (o.t && static_cast<unsigned>(*o.t) > m) throw core::usage_error("--t is above m");
  const auto allowed = o.t ? std::optional<unsigned>(static_cast<unsigned>(*o.t)) : std::nullopt;
  const std::size_t projections =
      o.projections ? static_cast<std::size_t>(*o.projections) : points.columns;
  const qmc::NetReport report =
      qmc::check_net(cells_of(points, base), points.columns, base, m, projections, allowed);
  const bool holds = !allowed || report.t <= *allowed;
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("base", base).field("m", m).field("d", points.columns);
  json.field("t", report.t).field("holds", holds);
  print_failing(json, report, base);
  json.end_object();
  io.out->write(text + '\n');
  io.summary({{"t", report.t}, {"holds", holds}});
  return holds ? 0 : 1;
}

}  // namespace

void register_check(core::Tool& tool) {
  auto o = std::make_shared<CheckOptions>();
  auto cmd = tool.subcommand("check", "find the quality parameter t of a net");
  cmd.option("FILE", &o->file, "base^m points, one a row");
  cmd.option("--base", &o->base, "base of the net").range(2, 65536);
  cmd.option("--m", &o->m, "exponent of the number of points").range(0, 40);
  cmd.option("--t", &o->t, "exit 1 unless the points are a net of this t").range(0, 40);
  cmd.option("--projections", &o->projections, "look at projections onto this many dimensions only")
      .at_least(1);
  cmd.run([o](core::Io& io) { return check(*o, io); });
}

}  // namespace stateutils::tools
