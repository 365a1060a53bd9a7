#include "bench/score/compare.hpp"

#include <nlohmann/json.hpp>

#include "bench/report/report.hpp"
#include "bench/score/read.hpp"
#include "commands.hpp"
#include "core/json.hpp"
#include "core/table.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct CompareOptions {
  std::string a, b, output = "-";
};

std::vector<bench::TrialScore> read_side(const std::string& path, core::Io& io) {
  const auto source = io.open_input(path);
  core::JsonlReader reader(*source, {.format = "trials"});
  return bench::read_trials(reader);
}

int compare(const CompareOptions& o, core::Io& io) {
  if (o.a == "-" && o.b == "-") throw core::usage_error("only one of A and B can be stdin");
  const bench::Comparison c = bench::compare(read_side(o.a, io), read_side(o.b, io), io.seed);
  if (io.json != "-" || o.output != "-") {
    const auto out = io.open_output(o.output);
    core::Table table({"", "A", "B"});
    table.add({"strict %", bench::percent(c.strict_a), bench::percent(c.strict_b)});
    table.add({"progress %", bench::percent(c.progress_a), bench::percent(c.progress_b)});
    table.add({"passes alone", std::to_string(c.b), std::to_string(c.c)});
    table.print(*out);
    out->write(std::to_string(c.pairs) + " pairs, " + std::to_string(c.unpaired) +
               " trials without partner, " + std::to_string(c.errors) + " errors\n");
    out->write("exact McNemar p = " + core::format_double(c.p) + "; B - A = " +
               bench::percent(c.strict_b - c.strict_a) + " points, 95 % by bootstrap " +
               bench::percent(c.difference.lo) + " to " + bench::percent(c.difference.hi) + "\n");
    out->commit();
  }
  io.summary(core::parse_ordered_json(c.json(), "comparison"));
  return 0;
}

}  // namespace

void register_compare(core::Tool& tool) {
  auto o = std::make_shared<CompareOptions>();
  auto cmd = tool.subcommand("compare", "two agents on the same tasks: exact McNemar");
  cmd.option("A", &o->a, "trials of the first agent").value_name("A").required();
  cmd.option("B", &o->b, "trials of the second agent").value_name("B").required();
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return compare(*o, io); });
}

}  // namespace stateutils::tools
