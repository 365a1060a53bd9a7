// The endpoints for administrators, and the counters.
#include <array>

#include "sbus/bus_api.hpp"
#include "sbus/mapping.hpp"
#include "sbus/request_body.hpp"

namespace stateutils::sbus {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

struct Metric {
  std::string_view name, type;
  double value;
};

std::array<Metric, 10> metrics_of(const BusCounters& c) {
  const std::uint64_t attempts = c.commits + c.conflicts;
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  return {{{"commits_total", "counter", number(c.commits)},
           {"conflicts_total", "counter", number(c.conflicts)},
           {"cross_shard_stale_total", "counter", number(c.cross_shard_stale)},
           {"view_checked_commits_total", "counter", number(c.view_checked)},
           {"view_divergent_commits_total", "counter", number(c.view_divergent)},
           {"attempts_total", "counter", number(attempts)},
           {"scr", "gauge", ratio(c.conflicts, attempts)},
           {"view_divergence_rate", "gauge", ratio(c.view_divergent, c.view_checked)},
           {"shards", "gauge", number(c.shards)},
           {"deliveries", "gauge", number(c.deliveries)}}};
}

}  // namespace

void BusApi::stats(const WebRequest&, WebAnswer& out) {
  const BusCounters c = store_.counters();
  const std::uint64_t attempts = c.commits + c.conflicts;
  core::JsonWriter json(out.body);
  json.begin_object().field("total_shards", c.shards).field("total_commits", c.commits);
  json.field("total_conflicts", c.conflicts).field("cross_shard_stale", c.cross_shard_stale);
  json.field("view_checked_commits", c.view_checked);
  json.field("view_divergent_commits", c.view_divergent);
  json.field("view_divergence_rate", ratio(c.view_divergent, c.view_checked));
  json.field("total_attempts", attempts).field("scr", ratio(c.conflicts, attempts));
  json.field("ori_enabled", store_.ori()).key("delivery_log").begin_object();
  json.field("agents", c.agents).field("deliveries", c.deliveries);
  json.end_object().end_object();
}

// The text format of Prometheus, version 0.0.4.
void BusApi::metrics(const WebRequest&, WebAnswer& out) {
  out.type = "text/plain; version=0.0.4; charset=utf-8";
  for (const Metric& metric : metrics_of(store_.counters())) {
    const std::string name = "sbus_" + std::string(metric.name);
    out.body += "# TYPE " + name + " " + std::string(metric.type) + "\n" + name + " ";
    core::JsonWriter(out.body).value(metric.value);
    out.body += "\n";
  }
}

void BusApi::admin_health(const WebRequest&, WebAnswer& out) {
  const BusCounters c = store_.counters();
  core::JsonWriter json(out.body);
  json.begin_object().field("status", "ok").field("total_shards", c.shards);
  json.field("total_commits", c.commits).field("total_conflicts", c.conflicts);
  json.field("delivery_agents", c.agents).end_object();
}

void BusApi::admin_reset(const WebRequest&, WebAnswer& out) {
  std::uint64_t shards = 0;
  if (refused(store_.reset_all(shards), out)) return;
  core::JsonWriter json(out.body);
  json.begin_object().field("cleared", shards).end_object();
}

void BusApi::admin_get_config(const WebRequest&, WebAnswer& out) {
  const BusCounters c = store_.counters();
  core::JsonWriter json(out.body);
  json.begin_object().field("ori_enabled", store_.ori());
  json.field("view_checked_commits", c.view_checked);
  json.field("view_divergent_commits", c.view_divergent).end_object();
}

void BusApi::admin_set_config(const WebRequest& request, WebAnswer& out) {
  store_.set_ori(RequestBody(parser_, request.body).boolean("ori_enabled"));
  core::JsonWriter json(out.body);
  json.begin_object().field("ok", true).field("ori_enabled", store_.ori()).end_object();
}

// {"agents":{AGENT:{KEY:{version, age_secs}}}}, or one agent's with ?agent_id=.
void BusApi::admin_delivery_log(const WebRequest& request, WebAnswer& out) {
  const auto only = query_value(request.target, "agent_id", true);
  std::uint64_t agents = 0, deliveries = 0;
  std::optional<std::string> open;
  core::JsonWriter json(out.body);
  json.begin_object().key("agents").begin_object();
  const Refusal why = store_.each_delivery([&](const DeliveryView& d) {
    if (only && d.agent != *only) return;
    if (open != d.agent) {
      if (open) json.end_object();
      json.key(d.agent).begin_object();
      open = std::string(d.agent);
      ++agents;
    }
    ++deliveries;
    json.key(d.key).begin_object().field("version", d.version);
    json.field("age_secs", static_cast<double>(d.age_ns) / 1e9).end_object();
  });
  if (open) json.end_object();
  json.end_object().field("total_agents", agents).field("total_deliveries", deliveries);
  json.end_object();
  if (!why.refused()) return;
  out.body.clear();
  refused(why, out);
}

void BusApi::admin_inject_stale(const WebRequest& request, WebAnswer& out) {
  const RequestBody body(parser_, request.body);
  const std::string_view agent = body.string("agent_id");
  if (agent.empty()) throw BadBody{"\"agent_id\" is empty"};
  const Refusal why =
      store_.inject_delivery(agent, body.string("key"), body.version("stale_version", "version"));
  if (refused(why, out)) return;
  core::JsonWriter json(out.body);
  json.begin_object().field("injected", true).end_object();
}

// Makes a shard, which may have an owner; gives one that is there the owner.
void BusApi::admin_shard(const WebRequest& request, WebAnswer& out) {
  const RequestBody body(parser_, request.body);
  NewShard made;
  made.key = body.string("key");
  if (made.key.empty()) throw BadBody{"\"key\" is empty"};
  made.content = body.opt_string("content").value_or("");
  made.goal_tag = body.opt_string("goal_tag").value_or("");
  made.owner = body.opt_string("owner");
  ShardView shard;
  const Refusal why = store_.create(made, shard);
  if (why.error == BusError::kShardAlreadyExists) {
    if (made.owner && refused(store_.set_owner(made.key, *made.owner), out)) return;
    core::JsonWriter json(out.body);
    json.begin_object().field("status", "already_exists").end_object();
    return;
  }
  if (refused(why, out)) return;
  out.status = 201;
  put_shard(shard, out);
}

}  // namespace stateutils::sbus
