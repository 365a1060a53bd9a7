// autoscale: Knative's rule on a trace of concurrency; a learner of its target.
#include "kv/autoscale.hpp"

#include <algorithm>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct AutoscaleOptions {
  std::string file = "-", output = "-";
  kv::ScaleRule rule;
  core::Duration stable{60'000'000'000}, panic{6'000'000'000}, tick{2'000'000'000};
  bool curve = false;
  kv::ServiceCurve service;
  core::Duration base{100'000'000};
  kv::LearnRule learn;
};

double seconds(core::Duration time, const char* option) {
  if (time.ns <= 0) throw core::usage_error(std::string(option) + " must be more than 0");
  return static_cast<double>(time.ns) / 1e9;
}

std::string learned(const AutoscaleOptions& o, const core::Io& io) {
  kv::ServiceCurve curve = o.service;
  curve.base_s = seconds(o.base, "--base");
  if (o.learn.most < 2 * o.learn.step) throw core::usage_error("--most is less than 2 --step");
  const kv::LearnResult result = kv::learn_target(curve, o.learn, io.seed);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("target", result.target).field("reward", result.reward);
  json.field("best_target", result.best_target).field("best_reward", result.best_reward);
  json.field("mean_reward", result.mean_reward).field("steps", o.learn.steps).end_object();
  return text;
}

std::string scaled(const AutoscaleOptions& o, const core::Io& io) {
  kv::ScaleRule rule = o.rule;
  rule.stable_s = seconds(o.stable, "--stable");
  rule.panic_s = seconds(o.panic, "--panic");
  rule.tick_s = seconds(o.tick, "--tick");
  if (rule.least > rule.most) throw core::usage_error("--min-pods is more than --max-pods");
  const auto source = io.open_input(o.file);
  const auto samples = kv::read_concurrency(core::read_all(*source, 1ull << 30), source->name());
  const kv::ScaleResult result = kv::scale_pods(samples, rule);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("target", rule.target).field("ticks", result.ticks);
  json.key("pods").begin_object().field("mean", result.mean).field("max", result.most);
  json.end_object().field("panics", result.panics).field("panic_s", result.panic_s);
  json.field("short_share", result.short_share).key("changes").begin_array();
  for (const auto& change : result.changes) {
    json.begin_array().value(change.first).value(change.second).end_array();
  }
  json.end_array().end_object();
  return text;
}

int autoscale(const AutoscaleOptions& o, const core::Io& io) {
  write_result(o.curve ? learned(o, io) : scaled(o, io), o.output, io);
  return 0;
}

}  // namespace

void register_autoscale(core::Tool& tool) {
  auto o = std::make_shared<AutoscaleOptions>();
  auto command = tool.subcommand("autoscale", "pods by concurrency, and which target to choose");
  command.option("FILE", &o->file, "table of t, concurrency; - for stdin");
  command.option("--target", &o->rule.target, "concurrent requests per pod").range(1e-6, 1e9);
  command.option("--stable", &o->stable, "long window").value_name("TIME");
  command.option("--panic", &o->panic, "short window").value_name("TIME");
  command.option("--tick", &o->tick, "time between decisions").value_name("TIME");
  command.option("--panic-threshold", &o->rule.threshold, "panic at this many times the pods")
      .range(1, 1000);
  command.option("--min-pods", &o->rule.least, "never fewer").range(0, 1e6).value_name("N");
  command.option("--max-pods", &o->rule.most, "never more").range(1, 1e6).value_name("N");
  command.option("--curve", &o->curve, "learn the target on a service curve instead")
      .excludes("FILE");
  command.option("--capacity", &o->service.capacity, "of the curve: the target of most throughput")
      .range(1e-3, 1e9);
  command.option("--base", &o->base, "of the curve: latency of a lone request").value_name("TIME");
  command.option("--start", &o->learn.start, "first target of the learner").range(1e-3, 1e9);
  command.option("--step", &o->learn.step, "what an action adds or takes").range(1e-3, 1e9);
  command.option("--most", &o->learn.most, "largest target of the learner").range(1e-3, 1e9);
  command.option("--epsilon", &o->learn.epsilon, "share of random actions").range(0, 1);
  command.option("--steps", &o->learn.steps, "actions").range(1, 1e9).value_name("N");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return autoscale(*o, io); });
}

}  // namespace stateutils::tools
