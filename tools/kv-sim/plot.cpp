// plot: results as one SVG picture.
#include "kv/plot.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct PlotCommand {
  std::vector<std::string> files;
  std::string output = "-";
  kv::PlotOptions options;
};

int plot(const PlotCommand& o, const core::Io& io) {
  std::vector<std::unique_ptr<core::ByteSource>> sources;
  for (const std::string& file : o.files) sources.push_back(io.open_input(file));
  const std::string svg = kv::plot_svg(sources, o.options);
  const auto out = io.open_output(o.output);
  out->write(svg);
  out->commit();
  if (wants_summary(io, o.output)) {
    io.summary({{"files", o.files.size()}, {"bytes", svg.size()}});
  }
  return 0;
}

}  // namespace

void register_plot(core::Tool& tool) {
  auto o = std::make_shared<PlotCommand>();
  auto command = tool.subcommand("plot", "results as one SVG picture");
  command.option("FILE", &o->files, "results of run --requests, cache, mrc, sweep; - for stdin")
      .required();
  command.option("--x", &o->options.x, "field along the x axis").value_name("FIELD");
  command.option("--y", &o->options.y, "field along the y axis").value_name("FIELD");
  command.option("--attain", &o->options.attain, "share of requests that must meet the SLO")
      .range(0, 1);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return plot(*o, io); });
}

}  // namespace stateutils::tools
