// transform: maps a file of points.
#include "qmc/transform.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/npy.hpp"

namespace stateutils::tools {
namespace {

struct TransformOptions {
  std::string spec, file = "-", output = "-";
};

int transform(const TransformOptions& o, core::Io& io) {
  io.require_json_target(o.output == "-");
  const auto source = io.open_input(o.file);
  core::NpyReader reader(*source);
  const auto shape = reader.header().shape;
  if (shape.empty()) throw core::input_error({source->name()}, "a scalar has no columns");
  const std::uint64_t d = shape.size() == 1 ? 1 : shape.back();
  const qmc::Transform map(o.spec, d);
  const auto out = io.open_output(o.output);
  core::write_npy_header(*out, core::NpyType::kF8, shape);
  const std::size_t rows =
      std::max<std::size_t>(1, core::kBlockBytes / (8 * std::max<std::uint64_t>(d, 1)));
  std::vector<double> values(rows * d);
  std::uint64_t first = 0;
  while (!values.empty()) {
    std::size_t got = 0;
    while (got < values.size()) {
      const std::size_t part = reader.read(std::span(values).subspan(got));
      if (part == 0) break;
      got += part;
    }
    if (got == 0) break;
    map.apply(values.data(), got / d, first, source->name());
    out->write(values.data(), got * sizeof(double));
    first += got / d;
  }
  out->commit();
  io.summary({{"rows", first}, {"d", d}});
  return 0;
}

}  // namespace

void register_transform(core::Tool& tool) {
  auto o = std::make_shared<TransformOptions>();
  auto cmd = tool.subcommand("transform", "map points of the unit cube to a distribution");
  cmd.option("SPEC", &o->spec, "such as normal(0,2), baker|normal, normal:1-4;exponential(2):5")
      .required();
  cmd.option("FILE", &o->file, "points, one a row");
  cmd.option("-o,--output", &o->output, "where the points go").value_name("FILE");
  cmd.run([o](core::Io& io) { return transform(*o, io); });
}

}  // namespace stateutils::tools
