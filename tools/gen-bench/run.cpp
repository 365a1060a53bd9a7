#include <filesystem>

#include "bench/families/multiagent.hpp"
#include "bench/families/small/routing.hpp"
#include "bench/run/bundle.hpp"
#include "commands.hpp"
#include "core/slice.hpp"
#include "playing.hpp"

namespace stateutils::tools {
namespace {

struct RunOptions {
  StreamOptions stream;
  PlayingOptions playing;
  std::string agent, keep_states, bundle, replay, bug, slice;
  bool keep_output = false;
};

std::string stem(const std::string& folder, const std::string& id, int trial) {
  if (id.empty() || id.find('/') != std::string::npos || id[0] == '.' || id.size() > 200) {
    throw core::usage_error("the task id " + core::quoted(id) + " names no file");
  }
  return folder + "/" + id + "." + std::to_string(trial);
}

// A folder for what trials leave; one that is there keeps what it holds.
void make_folder(const std::string& path) {
  std::error_code failed;
  if (!path.empty()) std::filesystem::create_directories(path, failed);
  if (failed) throw core::environment_error(path + ": " + failed.message());
}

void keep(const RunOptions& o, core::Io& io, bench::PlayedTrial& played) {
  bench::Episode& episode = played.episode;
  const std::string& id = episode.task().id;
  if (!o.bundle.empty()) {
    write_text(io, stem(o.bundle, id, played.trial) + ".bundle.json",
               bench::bundle_json(played.json) + "\n");
  }
  if (o.keep_states.empty()) return;
  const std::string path = stem(o.keep_states, id, played.trial);
  write_text(io, path + ".state.json",
             episode.machine().store().write_state(episode.state()) + "\n");
  std::string journal;
  for (std::size_t i = 0; i < episode.steps().size(); ++i) {
    journal += episode.journal_line(i) + "\n";
  }
  write_text(io, path + ".journal.jsonl", journal);
}

// Scripted agents bring their own store: the trial carries its operations and what an audit of them
// must count. Which agent was asked for makes no difference, the script is the agents.
std::string shared_store_trial(const RunOptions& o, core::Io& io, const bench::Cursor& task,
                               std::uint64_t trial) {
  bench::MultiagentScript script = read_script(task);
  if (!o.bug.empty()) script.bug = bench::parse_store_bug(o.bug);
  const auto index = static_cast<std::uint64_t>(task.at("index").integer());
  const bench::StoreRun result = run_script(script, io.seed + (index << 20) + trial);
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("task_id", task.at("task_id").string());
  json.field("scenario", task.at("scenario").string());
  json.field("ability", "coordination").key("tags").raw("[\"coordination\"]");
  json.field("agent", o.agent).field("trial", trial).field("seed", io.seed);
  json.key("ops").begin_array();
  for (const bench::StoreOp& op : result.ops) {
    std::string text;
    append_op(text, op);
    json.raw(text);
  }
  json.end_array().key("expected").raw(result.expected.json());
  const bool strict = result.clean && result.flows == 0;
  json.key("verdict").begin_object().field("strict", strict).key("clauses").begin_array();
  if (!script.flow.empty()) {
    json.begin_object().field("id", "flow").field("holds", result.flows == 0);
    json.field("progress", false).end_object();
  }
  json.end_array().key("frame").raw("[]").end_object();
  const double clean = strict ? 1 : 0;
  json.key("scores").begin_object().field("progress", clean).field("partial", clean);
  json.field("partial_plain", clean).field("efficiency", clean).field("inspected", true);
  json.end_object().field("end", "done").field("sandbox", "sim").end_object();
  return out;
}

// A record of a share remembers the place of its task, which `merge` needs and takes away.
std::string placed(std::string json, std::uint64_t place) {
  json.pop_back();
  return json + ",\"place\":" + std::to_string(place) + "}";
}

// Who played, on what and how: trials of shares are joined only when they agree on it.
std::string run_text(const RunOptions& o, const std::optional<core::FrameHeader>& tasks) {
  std::string text = "run " + o.agent + " " + std::to_string(o.playing.trials.value) + " " +
                     o.playing.surface + " " + o.bug;
  for (const std::string& limit : o.playing.limits) text += " " + limit;
  if (tasks) text += "\n" + tasks->json;
  return text;
}

// One trial of a family whose agents are part of the task, or of the family; nothing for others.
std::optional<std::string> scripted_trial(const RunOptions& o, core::Io& io,
                                          const core::Record& record, std::uint64_t trial) {
  const std::string_view family = record.opt_string("family").value_or("");
  const RecordCursor at(record);
  if (family == "multiagent") return shared_store_trial(o, io, at.cursor(), trial);
  if (family != "routing") return {};
  return bench::routing_trial_json(at.cursor(), o.agent, io.seed, trial);
}

int run(const RunOptions& o, core::Io& io) {
  if (o.agent.empty()) throw core::usage_error("--agent is needed (or --replay)");
  bench::PlayOptions options = play_options(o.playing, io, o.agent);
  options.keep_output = o.keep_output;
  const core::Slice slice = o.slice.empty() ? core::Slice{} : core::parse_slice(o.slice);
  make_folder(o.keep_states);
  make_folder(o.bundle);
  std::optional<bench::Player> player;
  if (o.agent != "builtin:scripted" && !bench::is_routing_strategy(o.agent)) {
    player.emplace(options);
  }
  const auto source = io.open_input(o.playing.input);
  core::JsonlReader reader(*source, {.format = "tasks"});
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {!o.stream.no_frame});
  bench::Library library;
  add_shared_base(library, o.playing.shared_base);
  reader.shorten_lines(library.shortener());
  const core::Record* record = reader.next();
  writer.header("trials", 1, [&](core::JsonWriter& json) {
    identify(json, io, slice.text(), run_text(o, reader.header()));
  });
  for (std::uint64_t place = 0; record != nullptr; record = reader.next(), ++place) {
    if (place % slice.count != slice.index) continue;
    const auto write = [&](const std::string& json) {
      if (slice.whole()) return writer.record(json);
      writer.record(placed(json, place));
    };
    std::optional<std::string> scripted = scripted_trial(o, io, *record, 0);
    for (std::uint64_t trial = 1; scripted; ++trial) {
      write(*scripted);
      if (trial == o.playing.trials.value) break;
      scripted = scripted_trial(o, io, *record, trial);
    }
    if (scripted) continue;
    if (!player) throw core::usage_error(o.agent + " plays tasks of its own family only");
    const RecordCursor at(*record);
    bench::Task& task = library.read_line(at.cursor(), record->text());
    if (task.world == nullptr) throw record->error("a task without a world cannot be run");
    player->play(task, library.store(), [&](bench::PlayedTrial& played) {
      write(played.json);
      report_trouble(io, played);
      keep(o, io, played);
    });
  }
  writer.trailer();
  out->commit();
  summarize(io, o.stream.output, {{"trials", writer.records()}});
  return 0;
}

// Plays a bundle again on its task; exit 1 when the trial comes out otherwise.
int replay(const RunOptions& o, core::Io& io) {
  if (!o.agent.empty()) throw core::usage_error("--replay brings its agent; leave --agent out");
  const bench::Bundle bundle = bench::read_bundle(o.replay);
  PlayingOptions playing = o.playing;
  const bool alone = bundle.agent.starts_with("shell:");
  playing.surface = bundle.sandbox == "sim" || alone ? "sim" : "shell";
  if (bundle.sandbox != "sim") playing.sandbox = bundle.sandbox;
  bench::PlayOptions options = play_options(playing, io, "builtin:noop");
  options.seed = bundle.seed;
  options.keep_output = bundle.keeps_output;
  bench::Player player(options);
  const auto agent = bench::bundle_agent(bundle);
  const auto source = io.open_input(o.playing.input);
  core::JsonlReader reader(*source, {.format = "tasks"});
  bench::Library library;
  add_shared_base(library, o.playing.shared_base);
  while (const core::Record* record = reader.next()) {
    if (record->string("task_id") != bundle.task_id) continue;
    const RecordCursor at(*record);
    bench::Task& task = library.read(at.cursor());
    if (task.world == nullptr) throw record->error("a task without a world cannot be run");
    bench::TrialOptions as = player.record_of(bundle.agent, bundle.number);
    as.tokens = bundle.tokens;
    as.cost = bundle.cost;
    as.sandbox = bundle.sandbox;
    as.weak_isolation = bundle.sandbox == "rlimit" || bundle.sandbox == "none";
    std::string again;
    player.play_trial(*agent, task, library.store(), as,
                      [&](bench::PlayedTrial& played) { again = played.json; });
    const bench::Document sealed{bench::bundle_json(again), "replay", false};
    const bool same = bench::canonical(sealed.root().at("trial").element()) == bundle.trial;
    const auto out = io.open_output(o.stream.output);
    core::JsonlWriter writer(*out, {!o.stream.no_frame});
    writer.header("trials", 1, [&](core::JsonWriter& json) {
      identify(json, io, "0/1", "replay " + bundle.task_id);
    });
    writer.record(again);
    writer.trailer();
    out->commit();
    summarize(io, o.stream.output, {{"same", same ? 1u : 0u}});
    if (!same) throw core::verdict_error(o.replay + ": the trial comes out otherwise");
    return 0;
  }
  throw core::input_error({o.playing.input}, "holds no task " + core::quoted(bundle.task_id));
}

}  // namespace

void register_run(core::Tool& tool) {
  auto o = std::make_shared<RunOptions>();
  auto cmd = tool.subcommand("run", "let an agent work on tasks, step by step");
  cmd.option("--agent", &o->agent,
             "builtin:oracle, noop, random, blind, stale-trust, inspect-first, flaky:P, scripted, "
             "router, static, react; replay:FILE; cmd:PROGRAM ARGS (JSON Lines on stdio); "
             "shell:PROGRAM ARGS (works alone "
             "in the sandbox)")
      .value_name("SPEC");
  playing_options(cmd, o->playing);
  cmd.option("--bug", &o->bug,
             "multiagent: what the scripted store gets wrong, in place of the task's own")
      .one_of({"none", "ww", "xs", "blind"});
  cmd.option("--keep-states", &o->keep_states, "leave final state and journal of each trial in DIR")
      .value_name("DIR");
  cmd.option("--keep-output", &o->keep_output, "put what each step printed into the trial");
  cmd.option("--bundle", &o->bundle, "leave a bundle of each trial in DIR").value_name("DIR");
  cmd.option("--replay", &o->replay,
             "play a bundle again; exit 1 when the trial comes out otherwise")
      .value_name("BUNDLE");
  cmd.option("--slice", &o->slice, "only this share of the tasks; join shares with merge")
      .value_name("I/N");
  stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return o->replay.empty() ? run(*o, io) : replay(*o, io); });
}

}  // namespace stateutils::tools
