// explain: what a policy formula gives on these numbers.
#include "kv/explain.hpp"

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct ExplainOptions {
  std::string topic, file = "-", output = "-";
};

int explain(const ExplainOptions& o, const core::Io& io) {
  const auto source = io.open_input(o.file);
  const std::string answer =
      kv::explain(o.topic, core::read_all(*source, 64u << 20), source->name());
  const auto out = io.open_output(o.output);
  out->write(answer + '\n');
  out->commit();
  if (wants_summary(io, o.output)) {
    io.summary(nlohmann::ordered_json::parse(answer));
  }
  return 0;
}

}  // namespace

void register_explain(core::Tool& tool) {
  auto o = std::make_shared<ExplainOptions>();
  auto command = tool.subcommand("explain", "what a policy formula gives on these numbers");
  command.option("TOPIC", &o->topic, "which formula").required().one_of(kv::explain_topics());
  command.option("FILE", &o->file, "one JSON object of inputs, - for stdin");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return explain(*o, io); });
}

}  // namespace stateutils::tools
