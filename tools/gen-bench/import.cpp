#include "bench/families/fsm/fsm_model.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct ImportOptions {
  std::string from, input = "-", output = "-", facts;
  core::Count max_states{2'000'000};
};

bench::FsmImport read_model(const ImportOptions& o, core::Io& io) {
  const auto source = io.open_input(o.input);
  std::string text = core::read_all(*source, 64u << 20);
  const std::string& name = source->name();
  if (o.from == "dot") return bench::import_dot(text, name);
  if (o.from == "abbadingo") return bench::import_abbadingo(text, name);
  const bench::Document document{std::move(text), name, false};
  return o.from == "graphwalker" ? import_graphwalker(document) : import_autowebworld(document);
}

int import_model(const ImportOptions& o, core::Io& io) {
  bench::FsmImport import = read_model(o, io);
  const std::string pack = fsm_pack(import.model, o.max_states.value, import.facts);
  const auto out = io.open_output(o.output);
  out->write(pack + "\n");
  out->commit();
  summarize_json(io, o.output, import.facts);
  return 0;
}

}  // namespace

void register_import(core::Tool& tool) {
  auto o = std::make_shared<ImportOptions>();
  auto cmd = tool.subcommand("import", "a state machine as a pack; --json=FILE gets its facts");
  cmd.option("--from", &o->from,
             "autowebworld: pages and actions; dot: automata as digraphs; abbadingo: labelled "
             "strings or a learned model; graphwalker: a model without scripts")
      .one_of({"autowebworld", "dot", "abbadingo", "graphwalker"})
      .required();
  cmd.option("MODEL", &o->input, "the model; - is stdin").value_name("MODEL");
  cmd.option("--max-states", &o->max_states, "refuse models that reach more").value_name("N");
  cmd.option("-o,--output", &o->output, "write the pack there instead of stdout")
      .value_name("FILE");
  cmd.run([o](core::Io& io) { return import_model(*o, io); });
}

}  // namespace stateutils::tools
