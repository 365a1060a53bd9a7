#include "bench/score/compare.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {
namespace {

using Key = std::pair<std::string, std::int64_t>;

std::map<Key, const TrialScore*> by_key(const std::vector<TrialScore>& trials) {
  std::map<Key, const TrialScore*> out;
  for (const TrialScore& t : trials) {
    if (!out.emplace(Key{t.task, t.trial}, &t).second) {
      throw core::Error(core::Category::kInput, "task " + core::quoted(t.task) + " has its trial " +
                                                    std::to_string(t.trial) + " twice");
    }
  }
  return out;
}

Interval bootstrap_difference(const std::map<std::string, Cluster>& by_scenario,
                              std::uint64_t seed) {
  std::vector<Cluster> clusters;
  for (const auto& [scenario, cluster] : by_scenario) clusters.push_back(cluster);
  return cluster_bootstrap(clusters, seed, 0x70616972);
}

}  // namespace

Comparison compare(const std::vector<TrialScore>& a, const std::vector<TrialScore>& b,
                   std::uint64_t seed) {
  const auto left = by_key(a), right = by_key(b);
  Comparison out;
  std::map<std::string, Cluster> clusters;
  for (const auto& [key, one] : left) {
    const auto found = right.find(key);
    if (found == right.end()) {
      ++out.unpaired;
      continue;
    }
    const TrialScore& two = *found->second;
    if (one->error || two.error) {
      ++out.errors;
      continue;
    }
    ++out.pairs;
    out.b += one->strict && !two.strict;
    out.c += two.strict && !one->strict;
    out.strict_a += one->strict;
    out.strict_b += two.strict;
    out.progress_a += one->progress;
    out.progress_b += two.progress;
    Cluster& cluster = clusters[one->scenario];
    cluster.gained += static_cast<int>(two.strict) - static_cast<int>(one->strict);
    ++cluster.trials;
  }
  for (const auto& [key, two] : right) out.unpaired += !left.contains(key);
  if (out.pairs > 0) {
    const auto n = static_cast<double>(out.pairs);
    for (double* sum : {&out.strict_a, &out.strict_b, &out.progress_a, &out.progress_b}) *sum /= n;
  }
  out.p = mcnemar(out.b, out.c);
  out.difference = bootstrap_difference(clusters, seed);
  return out;
}

std::string Comparison::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("pairs", pairs).field("unpaired", unpaired).field("errors", errors);
  json.field("b", b).field("c", c).field("p", p);
  json.key("strict").begin_array().value(strict_a).value(strict_b).end_array();
  json.key("progress").begin_array().value(progress_a).value(progress_b).end_array();
  json.field("difference", strict_b - strict_a);
  json.key("ci").begin_array().value(difference.lo).value(difference.hi).end_array();
  json.field("ci_method", "bootstrap").end_object();
  return out;
}

GateDecision gate(const std::vector<TrialScore>& base, const std::vector<TrialScore>& candidate) {
  const auto before = by_key(base);
  GateDecision out;
  std::set<std::string> must, broken;
  for (const TrialScore& now : candidate) {
    const bool passes = now.strict && !now.error;
    if (now.must_pass) {
      must.insert(now.task);
      if (!passes) broken.insert(now.task);
      continue;
    }
    const auto found = before.find({now.task, now.trial});
    if (found == before.end()) continue;
    const bool passed = found->second->strict && !found->second->error;
    ++out.elsewhere;
    out.lost += passed && !passes;
    out.won += passes && !passed;
  }
  out.must_pass = must.size();
  out.broken.assign(broken.begin(), broken.end());
  out.p = mcnemar_one_sided(out.lost, out.won);
  out.promote = out.broken.empty() && out.p >= 0.05;
  return out;
}

}  // namespace stateutils::bench
