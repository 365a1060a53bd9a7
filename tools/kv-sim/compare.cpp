// compare: how far two results are apart.
#include "kv/compare.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct CompareOptions {
  std::string a, b, output = "-";
  std::vector<std::string> tolerances;
};

int compare(const CompareOptions& o, const core::Io& io) {
  std::vector<kv::Tolerance> tolerances;
  for (const std::string& text : o.tolerances) tolerances.push_back(kv::parse_tolerance(text));
  constexpr std::uint64_t kMost = 1ull << 30;
  const kv::Comparison result = kv::compare_results(core::read_file(o.a, kMost), o.a,
                                                    core::read_file(o.b, kMost), o.b, tolerances);
  const auto out = io.open_output(o.output);
  out->write(result.json + '\n');
  out->commit();
  if (wants_summary(io, o.output)) {
    io.summary(nlohmann::ordered_json::parse(result.json));
  }
  return result.within ? 0 : 1;
}

}  // namespace

void register_compare(core::Tool& tool) {
  auto o = std::make_shared<CompareOptions>();
  auto command = tool.subcommand("compare", "relative difference of every number of two results");
  command.option("A", &o->a, "a summary, or a stream of lines").required();
  command.option("B", &o->b, "the other one").required();
  command.option("--tol", &o->tolerances, "largest relative difference, of all numbers or a field")
      .value_name("[FIELD=]REL");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return compare(*o, io); });
}

}  // namespace stateutils::tools
