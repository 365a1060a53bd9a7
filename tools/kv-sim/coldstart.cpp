// coldstart: keep-alive policies and pools of serverless pods.
#include "kv/coldstart.hpp"

#include <algorithm>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"
#include "kv/draws.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

constexpr std::uint64_t kMostText = 1ull << 30;

struct ColdstartOptions {
  std::optional<std::string> requests, pods;
  std::vector<std::string> policies = {"fixed:60s", "histogram", "trigger"};
  std::vector<std::int64_t> pools = {0};
  std::optional<core::Duration> cold;
  core::Duration keep_alive{60'000'000'000}, exec{1'000'000'000};
  std::uint64_t generate = 0, functions = 10;
  std::string output = "-";
};

double seconds(core::Duration time) {
  return static_cast<double>(time.ns) / 1e9;
}

void write_utility(core::JsonWriter& json, std::vector<double>& utility) {
  json.key("utility").begin_object();
  const auto low = std::ranges::count_if(utility, [](double u) { return u < 1; });
  json.key("share_below_1");
  utility.empty() ? json.null()
                  : json.value(static_cast<double>(low) / static_cast<double>(utility.size()));
  json.key("median");
  utility.empty() ? json.null() : json.value(kv::quantiles(utility).p50);
  json.end_object();
}

void write_policy(core::JsonWriter& json, const std::string& name, std::int64_t pool,
                  kv::ColdstartResult& result) {
  json.begin_object().field("policy", name).field("pool", pool).field("requests", result.calls);
  json.field("cold", result.cold);
  json.field("cold_share", static_cast<double>(result.cold) / static_cast<double>(result.calls));
  json.field("pool_hits", result.pool_hits).field("pods", result.utility.size());
  json.field("busy_s", result.busy_s).field("idle_s", result.idle_s);
  json.key("cold_wait");
  kv::write_quantiles(json, result.waits);
  write_utility(json, result.utility);
  json.end_object();
}

kv::CallTable calls_of(const ColdstartOptions& o, const core::Io& io) {
  if (o.generate > 0) {
    return kv::generated_calls(o.generate, static_cast<std::uint32_t>(o.functions), seconds(o.exec),
                               io.seed);
  }
  const auto source = io.open_input(o.requests.value_or("-"));
  return kv::read_calls(core::read_all(*source, kMostText), source->name());
}

int coldstart(const ColdstartOptions& o, const core::Io& io) {
  std::vector<kv::KeepAlive> policies;
  for (const std::string& text : o.policies) policies.push_back(kv::parse_keep_alive(text));
  for (const std::int64_t pool : o.pools) {
    if (pool < 0 || pool > 1'000'000) throw core::usage_error("--pool is from 0 to 1000000");
  }
  std::string text;
  core::JsonWriter json(text);
  json.begin_object();
  kv::ColdTimes cold;
  if (o.cold) cold.constant = seconds(*o.cold);
  if (o.pods) {
    const auto source = io.open_input(*o.pods);
    const auto pods = kv::read_pods(core::read_all(*source, kMostText), source->name());
    auto utility = kv::pod_utility(pods, seconds(o.keep_alive));
    for (const kv::Pod& pod : pods) cold.measured.push_back(pod.cold_s);
    auto times = cold.measured;
    json.key("pods").begin_object().field("count", pods.size()).key("cold_s");
    kv::write_quantiles(json, times);
    write_utility(json, utility);
    json.end_object();
  }
  if (o.requests || o.generate > 0 || !o.pods) {
    if (o.generate > 0) {
      const auto gaps = kv::Weibull::of(1.25, 3.66);
      const auto times = kv::LogNormal::of(3.24, 7.10);
      json.key("generators").begin_object().key("gap").begin_object();
      json.field("shape", gaps.shape).field("scale", gaps.scale).end_object();
      json.key("cold").begin_object().field("mu", times.mu).field("sigma", times.sigma);
      json.end_object().end_object();
    }
    const kv::CallTable table = calls_of(o, io);
    json.key("policies").begin_array();
    for (const kv::KeepAlive& policy : policies) {
      for (const std::int64_t pool : o.pools) {
        auto result =
            kv::simulate_coldstart(table, policy, static_cast<std::uint32_t>(pool), cold, io.seed);
        write_policy(json, policy.name, pool, result);
      }
    }
    json.end_array();
  }
  json.end_object();
  write_result(text, o.output, io);
  return 0;
}

}  // namespace

void register_coldstart(core::Tool& tool) {
  auto o = std::make_shared<ColdstartOptions>();
  auto command = tool.subcommand("coldstart", "keep-alive policies and pools of serverless pods");
  command.option("REQUESTS", &o->requests, "table of t, function, trigger, exec_s; - for stdin");
  command.option("--pods", &o->pods, "table of start, end, cold_s: utility, and cold-start times")
      .value_name("FILE");
  command
      .option("--policy", &o->policies, "how long idle pods stay: fixed:TIME, histogram, trigger")
      .comma_list()
      .value_name("LIST");
  command.option("--pool", &o->pools, "generic pods held ready").comma_list().value_name("LIST");
  command.option("--keep-alive", &o->keep_alive, "of the pods in --pods").value_name("TIME");
  command.option("--cold", &o->cold, "every cold start takes this long").value_name("TIME");
  command.option("--generate", &o->generate, "make N requests instead of reading them")
      .excludes("REQUESTS")
      .value_name("N");
  command.option("--functions", &o->functions, "functions of --generate")
      .range(1, 100'000)
      .value_name("N");
  command.option("--exec", &o->exec, "time of a request of --generate").value_name("TIME");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return coldstart(*o, io); });
}

}  // namespace stateutils::tools
