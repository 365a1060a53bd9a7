#include "bench/score/score.hpp"

#include <algorithm>

#include "bench/score/stats.hpp"
#include "core/json_writer.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {
namespace {

using Group = std::vector<const TrialScore*>;

// Trials of one scenario are no independent draws.
Interval bootstrap(const Group& group, std::uint64_t seed) {
  if (group.empty()) return {};
  std::map<std::string, Cluster> by_scenario;
  for (const TrialScore* t : group) {
    Cluster& cluster = by_scenario[t->scenario];
    cluster.gained += t->strict;
    ++cluster.trials;
  }
  std::vector<Cluster> clusters;
  for (const auto& [scenario, cluster] : by_scenario) clusters.push_back(cluster);
  return cluster_bootstrap(clusters, seed, 0x626F6F74);
}

// Value needs a cost, or a time, of every trial.
void add_value(ScoreLine& line, const Group& group, const ScoreOptions& options) {
  double cost = 0, seconds = 0;
  bool costed = true;
  for (const TrialScore* t : group) {
    costed = costed && t->cost.has_value();
    cost += t->cost.value_or(0);
    seconds += t->seconds;
  }
  const auto n = static_cast<double>(group.size());
  if (options.human_cost && costed && cost > 0) {
    line.return_on_automation = line.strict * *options.human_cost * n / cost;
  }
  if (options.human_seconds && seconds > 0) {
    line.time_multiplier = line.strict * *options.human_seconds * n / seconds;
  }
}

// A label names the agent itself, or an agent of the shared store that its trials played.
void add_labels(ScoreLine& line, const Group& group, const std::vector<Label>& labels) {
  for (const Label& label : labels) {
    const bool theirs = std::any_of(group.begin(), group.end(), [&](const TrialScore* t) {
      return t->agent == label.agent ||
             std::find(t->members.begin(), t->members.end(), label.agent) != t->members.end();
    });
    if (theirs) ++line.failures[label.type];
  }
}

ScoreLine line_of(const std::string& agent, const std::string& name, const Group& all,
                  const ScoreOptions& options) {
  ScoreLine out;
  out.agent = agent;
  out.group = name;
  out.errors_rule = options.errors_fail ? "fail" : "exclude";
  out.ci_method = options.ci;
  Group group;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> tasks;  // trials, passed
  for (const TrialScore* t : all) {
    out.errors += t->error;
    if (t->error) out.error_trials.push_back(t->task + "." + std::to_string(t->trial));
    if (t->error && !options.errors_fail) continue;
    group.push_back(t);
    auto& [n, c] = tasks[t->task];
    ++n;
    c += t->strict;
  }
  out.tasks = tasks.size();
  out.trials = group.size();
  if (group.empty()) return out;
  std::uint64_t passed = 0, near = 0, closed = 0, inspected = 0;
  for (const TrialScore* t : group) {
    passed += t->strict;
    inspected += t->inspected;
    out.progress += t->progress;
    out.partial += t->partial;
    out.partial_plain += t->partial_plain;
    out.efficiency += t->efficiency;
    if (t->progress >= 0.8) ++near, closed += t->strict;
    for (const std::string& f : t->failures) ++out.failures[f];
  }
  const double n = static_cast<double>(group.size());
  for (double* sum : {&out.progress, &out.partial, &out.partial_plain, &out.efficiency}) *sum /= n;
  out.strict = static_cast<double>(passed) / n;
  out.inspected = static_cast<double>(inspected) / n;
  out.has_closure = near > 0;
  out.closure = near > 0 ? static_cast<double>(closed) / static_cast<double>(near) : 0;
  for (const std::int64_t k : options.k) {
    double at = 0, hat = 0;
    std::uint64_t counted = 0;
    for (const auto& [task, nc] : tasks) {
      if (nc.first < k) continue;
      ++counted;
      at += pass_at_k(nc.first, nc.second, k);
      hat += pass_hat_k(nc.first, nc.second, k);
    }
    if (counted == 0) continue;
    out.pass_at.emplace_back(k, at / static_cast<double>(counted));
    out.pass_hat.emplace_back(k, hat / static_cast<double>(counted));
  }
  add_value(out, group, options);
  add_labels(out, group, options.labels);
  const auto c = static_cast<std::int64_t>(passed), m = static_cast<std::int64_t>(group.size());
  const Interval ci = options.ci == "cp"          ? clopper_pearson(c, m)
                      : options.ci == "bootstrap" ? bootstrap(group, options.seed)
                                                  : wilson(c, m);
  out.lo = ci.lo;
  out.hi = ci.hi;
  return out;
}

}  // namespace

std::string ScoreLine::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("agent", agent).field("group", group).field("tasks", tasks);
  json.field("trials", trials).field("errors", errors).field("errors_rule", errors_rule);
  json.field("strict", strict).field("progress", progress).field("partial", partial);
  json.field("partial_plain", partial_plain).field("efficiency", efficiency).key("closure");
  if (has_closure)
    json.value(closure);
  else
    json.null();
  json.field("inspected", inspected);
  const auto curve = [&](const char* name, const auto& values) {
    json.key(name).begin_object();
    for (const auto& [k, v] : values) json.field(std::to_string(k), v);
    json.end_object();
  };
  curve("pass@k", pass_at);
  curve("pass^k", pass_hat);
  json.key("ci").begin_array().value(lo).value(hi).end_array().field("ci_method", ci_method);
  json.key("failures").begin_object();
  for (const auto& [name, n] : failures) json.field(name, n);
  json.end_object();
  if (!error_trials.empty()) {
    json.key("error_trials").begin_array();
    for (const std::string& trial : error_trials) json.value(trial);
    json.end_array();
  }
  if (return_on_automation) json.field("return_on_automation", *return_on_automation);
  if (time_multiplier) json.field("time_multiplier", *time_multiplier);
  json.end_object();
  return out;
}

std::vector<ScoreLine> score(const std::vector<TrialScore>& trials, const ScoreOptions& options) {
  std::map<std::string, std::map<std::string, Group>> agents;
  for (const TrialScore& t : trials) {
    agents[t.agent][""].push_back(&t);
    if (!t.ability.empty()) agents[t.agent][t.ability].push_back(&t);
  }
  std::vector<ScoreLine> out;
  for (const auto& [agent, groups] : agents) {
    for (const auto& [name, group] : groups) {
      out.push_back(line_of(agent, name.empty() ? "all" : name, group, options));
    }
  }
  return out;
}

}  // namespace stateutils::bench
