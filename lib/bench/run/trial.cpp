#include "bench/run/trial.hpp"

#include <algorithm>
#include <charconv>

#include "core/hash.hpp"
#include "core/json_string.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

void append_integer(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_hex(std::string& out, const core::Sha256Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char text[2 * std::tuple_size_v<core::Sha256Digest>];
  char* at = text;
  for (const unsigned char byte : digest) {
    *at++ = kDigits[byte >> 4];
    *at++ = kDigits[byte & 15];
  }
  out.append(text, sizeof text);
}

// Steps are most of a trial's bytes: their members are appended as they are, key by key.
void append_step(std::string& out, std::size_t number, const StepRecord& step,
                 StateDigests& digests, bool keep) {
  out += number == 1 ? "{\"i\":" : ",{\"i\":";
  append_integer(out, static_cast<std::int64_t>(number));
  out += ",\"cmd\":";
  core::append_json_string(out, step.cmd);
  out += ",\"exit\":";
  append_integer(out, step.exit);
  out += ",\"ms\":";
  append_integer(out, step.ms);
  out += ",\"stdout_bytes\":";
  append_integer(out, static_cast<std::int64_t>(step.out_bytes));
  out += ",\"stdout_sha256\":\"";
  if (step.out_sha256.empty()) {
    append_hex(out, core::sha256(step.out));
  } else {
    out += step.out_sha256;
  }
  out += "\",\"state_sha256\":\"";
  out += digests.of(step.state);
  out += "\",\"reward\":";
  if (step.reward == 0) {
    out.push_back('0');
  } else {
    core::JsonWriter(out).value(step.reward);
  }
  if (keep) {
    out += ",\"stdout\":";
    core::append_json_string(out, step.out);
  }
  out.push_back('}');
}

void write_steps(std::string& out, Episode& episode, StateDigests& digests, bool keep) {
  out += ",\"steps\":[";
  std::size_t number = 0;
  for (const StepRecord& step : episode.steps()) append_step(out, ++number, step, digests, keep);
  out.push_back(']');
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
  StateDigests own;
  StateDigests& digests = options.digests != nullptr ? *options.digests : own;
  digests.follow(store, task.base);
  const Verdict& verdict = episode.verdict();
  std::string out;
  out.reserve(1024 + 320 * episode.steps().size());
  core::JsonWriter json(out);
  json.begin_object().field("task_id", task.id).field("scenario", task.scenario);
  json.field("ability", task.ability).key("tags").begin_array();
  for (const std::string& tag : task.tags) json.value(tag);
  json.end_array().field("agent", options.agent).field("trial", options.trial);
  json.field("seed", options.seed).field("prompt_bytes", task.instruction.size());
  write_steps(out, episode, digests, options.keep_output);
  json.key("answer").raw(episode.answer().empty() ? "null" : episode.answer());
  json.key("verdict").raw(verdict_json(verdict, task.contract, store));
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
