#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/signals.hpp"
#include "core/usage.hpp"
#include "file_job.hpp"
#include "statesmix/codec/float_scope.hpp"
#include "statesmix/eval/evaluate.hpp"

namespace stateutils::statesmix {
namespace {

struct EvalCommand : FileOptions {
  std::string model = "full", by, file;
  bool no_embed = false, no_recurrence = false;
  core::ByteSize every{65536};
};

EvalModel model_of(const std::string& name) {
  if (name == "count") return EvalModel::kCount;
  if (name == "ngram") return EvalModel::kNgram;
  return name == "ssm" ? EvalModel::kSsm : EvalModel::kFull;
}

std::string document(const EvalCommand& o, const EvalResult& r, double cpu) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("file", o.file).field("bytes", r.bytes).field("model", o.model);
  json.field("bpb", r.bpb).field("bytes_out", r.bytes_out).key("components").begin_array();
  for (const EvalResult::Component& c : r.components) {
    json.begin_object()
        .field("name", c.name)
        .field("bpb_alone", c.bpb_alone)
        .field("bpb_without", c.bpb_without)
        .end_object();
  }
  json.end_array().key("curve").begin_array();
  for (const EvalResult::Point& p : r.curve)
    json.begin_object().field("at", p.at).field("bpb", p.bpb).end_object();
  json.end_array().field("cpu_seconds", cpu).end_object();
  return text + '\n';
}

int eval(const EvalCommand& o, core::Io& io) {
  EvalOptions e;
  e.preset = o.preset;
  e.model = model_of(o.model);
  e.embed = !o.no_embed;
  e.recurrence = !o.no_recurrence;
  e.by_component = o.by == "component";
  e.every = o.every.bytes;
  e.isa = active_isa();
  core::Progress progress = io.progress(o.file, 0, core::Progress::Unit::kBytes);
  e.tick = [&](std::uint64_t raw, std::uint64_t) {
    core::check_stop();
    progress.add(raw);
  };
  const double start = core::process_usage().cpu_s;
  const auto source = core::open_raw_input(o.file);
  const std::string data = core::read_all(*source, std::uint64_t{4} << 30);
  const EvalResult r =
      evaluate({reinterpret_cast<const std::uint8_t*>(data.data()), data.size()}, e);
  const auto out = io.open_output(o.output.empty() ? "-" : o.output);
  out->write(document(o, r, core::process_usage().cpu_s - start));
  out->commit();
  return 0;
}

}  // namespace

void register_eval(core::Tool& tool) {
  auto o = std::make_shared<EvalCommand>();
  auto cmd =
      tool.subcommand("eval", "code length of the model and of its parts, as one JSON document");
  add_preset_flags(cmd, *o);
  cmd.option("--model", &o->model, "which parts take part")
      .one_of({"count", "ngram", "ssm", "full"});
  cmd.option("--no-embed", &o->no_embed, "without the SSM's n-gram embeddings");
  cmd.option("--no-recurrence", &o->no_recurrence, "without the SSM's recurrent block");
  cmd.option("--by", &o->by, "component: also each part alone, and the whole without it")
      .one_of({"component"})
      .default_text("");
  cmd.option("--every", &o->every, "bytes between points of the curve").value_name("BYTES");
  cmd.option("-o,--output", &o->output, "write to FILE").value_name("FILE").default_text("");
  cmd.option("FILE", &o->file, "what to evaluate; - is stdin").required();
  cmd.run([o](core::Io& io) { return eval(*o, io); });
}

}  // namespace stateutils::statesmix
