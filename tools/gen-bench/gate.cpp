#include "bench/score/compare.hpp"
#include "bench/score/read.hpp"
#include "commands.hpp"
#include "playing.hpp"

namespace stateutils::tools {
namespace {

struct GateOptions {
  PlayingOptions playing;
  std::string base, cand, output = "-";
};

// Trials of one side as scores.
class Side {
 public:
  Side(const GateOptions& o, core::Io& io, const std::string& agent)
      : io_(io), player_(play_options(o.playing, io, agent)) {}

  void play(bench::Task& task, bench::Store& store) {
    player_.play(task, store, [&](bench::PlayedTrial& played) {
      report_trouble(io_, played);
      const auto text = core::memory_input(played.json, "trial");
      core::JsonlReader reader(*text);
      trials_.push_back(bench::read_trial(*reader.next()));
    });
  }
  [[nodiscard]] const std::vector<bench::TrialScore>& trials() const { return trials_; }
  [[nodiscard]] double strict() const {
    double passed = 0;
    for (const bench::TrialScore& t : trials_) passed += t.strict && !t.error;
    return trials_.empty() ? 0 : passed / static_cast<double>(trials_.size());
  }

 private:
  core::Io& io_;
  bench::Player player_;
  std::vector<bench::TrialScore> trials_;
};

std::string decision_json(const bench::GateDecision& d, const GateOptions& o, const Side& base,
                          const Side& cand) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("decision", d.promote ? "promote" : "rollback");
  const auto side = [&](const char* name, const std::string& spec, const Side& s) {
    json.key(name).begin_object().field("agent", spec).field("sha256", bench::agent_sha256(spec));
    json.field("trials", s.trials().size()).field("strict", s.strict()).end_object();
  };
  side("base", o.base, base);
  side("cand", o.cand, cand);
  json.key("must_pass").begin_object().field("tasks", d.must_pass).key("broken").begin_array();
  for (const std::string& id : d.broken) json.value(id);
  json.end_array().end_object();
  json.key("elsewhere").begin_object().field("pairs", d.elsewhere).field("lost", d.lost);
  json.field("won", d.won).field("p", d.p).end_object().end_object();
  return out;
}

int gate(const GateOptions& o, core::Io& io) {
  Side base(o, io, o.base), cand(o, io, o.cand);
  const auto source = io.open_input(o.playing.input);
  core::JsonlReader reader(*source, {.format = "tasks"});
  bench::Library library;
  add_shared_base(library, o.playing.shared_base);
  reader.shorten_lines(library.shortener());
  while (const core::Record* record = reader.next()) {
    const RecordCursor at(*record);
    bench::Task& task = library.read_line(at.cursor(), record->text());
    if (task.world == nullptr) throw record->error("a task without a world cannot be run");
    base.play(task, library.store());
    cand.play(task, library.store());
  }
  if (cand.trials().empty()) throw core::input_error({o.playing.input}, "holds no task");
  const bench::GateDecision decision = bench::gate(base.trials(), cand.trials());
  const auto out = io.open_output(o.output);
  out->write(decision_json(decision, o, base, cand) + "\n");
  out->commit();
  summarize(io, o.output, {{"promote", decision.promote ? 1u : 0u}});
  return decision.promote ? 0 : 1;
}

}  // namespace

void register_gate(core::Tool& tool) {
  auto o = std::make_shared<GateOptions>();
  auto cmd = tool.subcommand("gate", "promote a new agent or keep the old one; exit 0 or 1");
  cmd.option("--base", &o->base, "the agent in use, as for run --agent")
      .value_name("SPEC")
      .required();
  cmd.option("--cand", &o->cand, "the agent that would replace it").value_name("SPEC").required();
  playing_options(cmd, o->playing);
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return gate(*o, io); });
}

}  // namespace stateutils::tools
