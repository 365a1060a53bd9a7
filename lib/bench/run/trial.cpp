#include "bench/run/trial.hpp"

#include <algorithm>

#include "core/hash.hpp"
#include "core/json_writer.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

void write_steps(core::JsonWriter& json, Episode& episode, StateDigests& digests, bool keep) {
  json.key("steps").begin_array();
  std::size_t i = 0;
  for (const StepRecord& step : episode.steps()) {
    json.begin_object().field("i", ++i).field("cmd", step.cmd).field("exit", step.exit);
    json.field("ms", step.ms).field("stdout_bytes", step.out_bytes);
    json.field("stdout_sha256",
               step.out_sha256.empty() ? core::sha256_hex(step.out) : step.out_sha256);
    json.field("state_sha256", digests.of(step.state)).field("reward", step.reward);
    if (keep) json.field("stdout", step.out);
    json.end_object();
  }
  json.end_array();
}

void write_scores(core::JsonWriter& json, const Episode& episode, const Verdict& verdict) {
  const auto steps = static_cast<int>(episode.steps().size());
  const auto optimal = episode.task().optimal_steps;
  json.key("scores").begin_object().field("progress", verdict.scores.progress);
  json.field("partial", verdict.scores.partial);
  json.field("partial_plain", verdict.scores.partial_plain);
  json.key("efficiency");
  if (optimal) {
    const int most = std::max({*optimal, steps, 1});
    json.value(verdict.strict ? static_cast<double>(std::max(*optimal, 1)) / most : 0.0);
  } else {
    json.null();
  }
  json.field("inspected", episode.inspected());
  if (verdict.quality) json.field("quality", *verdict.quality);
  json.end_object();
}

// Which tables the agent changed in ways that nobody asked for, and how.
void write_failures(core::JsonWriter& json, const Episode& episode, const Verdict& verdict,
                    const std::string& end) {
  json.key("failures").begin_array();
  if (!verdict.strict) {
    bool duplicate = false, destroyed = false;
    for (const Change& c : verdict.frame) {
      duplicate = duplicate || c.kind == ChangeKind::kInsert;
      destroyed = destroyed || c.kind != ChangeKind::kInsert;
    }
    if (!episode.inspected()) json.value("no inspection");
    if (duplicate) json.value("duplicate");
    if (destroyed) json.value("destroyed good state");
    // Something else done in place of what was asked, or not all of it.
    if (verdict.scores.progress < 1)
      json.value(verdict.violations > 0 ? "wrong branch" : "unfinished");
    if (end == "limit" || end == "timeout") json.value("limit");
  }
  json.end_array();
}

}  // namespace

std::string trial_json(Episode& episode, const std::string& end, const TrialOptions& options) {
  const Task& task = episode.task();
  Store& store = episode.machine().store();
  StateDigests digests(store, task.base);
  const Verdict verdict = episode.verdict();
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("task_id", task.id).field("scenario", task.scenario);
  json.field("ability", task.ability).key("tags").begin_array();
  for (const std::string& tag : task.tags) json.value(tag);
  json.end_array().field("agent", options.agent).field("trial", options.trial);
  json.field("seed", options.seed).field("prompt_bytes", task.instruction.size());
  write_steps(json, episode, digests, options.keep_output);
  json.key("answer").raw(episode.answer().empty() ? "null" : episode.answer());
  json.key("verdict").raw(verdict_json(verdict, task.contract, store, task.initial));
  write_scores(json, episode, verdict);
  write_failures(json, episode, verdict, end);
  json.field("end", end).key("tokens").raw(options.tokens.empty() ? "null" : options.tokens);
  if (options.cost) json.field("cost", *options.cost);
  json.field("sandbox", options.sandbox);
  if (options.weak_isolation) json.field("weak_isolation", true);
  json.key("versions").begin_object().field("gen-bench", options.version).end_object();
  json.end_object();
  return out;
}

}  // namespace stateutils::bench
