// plot: measured sizes and times as one picture.
#include "commands.hpp"
#include "core/jsonl.hpp"
#include "statesmix/report/frontier.hpp"

namespace stateutils::statesmix {
namespace {

struct PlotOptions {
  std::string points = "-", title = "Frontier", joined = "statesmix", output = "-";
};

int plot(const PlotOptions& o, core::Io& io) {
  const auto source = io.open_input(o.points);
  core::JsonlReader reader(*source);
  std::vector<CodedPoint> points;
  while (const core::Record* record = reader.next()) {
    CodedPoint point{std::string(record->string("name")), record->number("cpu_s"),
                     record->number("bytes")};
    if (point.cpu_s < 0 || point.bytes < 0) throw record->error("a negative size or time");
    points.push_back(std::move(point));
  }
  const auto out = io.open_output(o.output);
  out->write(frontier_svg(points, o.joined, o.title));
  out->commit();
  return 0;
}

}  // namespace

void register_plot(core::Tool& tool) {
  auto o = std::make_shared<PlotOptions>();
  auto cmd = tool.subcommand("plot", "measured sizes and times of compressors as one SVG picture");
  cmd.option("POINTS", &o->points, "JSON Lines with name, bytes and cpu_s; - is stdin");
  cmd.option("--title", &o->title, "heading of the picture").value_name("TEXT");
  cmd.option("--join", &o->joined, "draw the points whose names begin so as one line")
      .value_name("NAME");
  cmd.option("-o,--output", &o->output, "where the picture goes").value_name("FILE");
  cmd.run([o](core::Io& io) { return plot(*o, io); });
}

}  // namespace stateutils::statesmix
