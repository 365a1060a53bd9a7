#include "bench/families/small/routing.hpp"

#include <algorithm>
#include <optional>

#include "bench/families/small/small.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

constexpr std::int64_t kMaxCost = 1'000'000'000;

struct Way {
  std::int64_t cost = 0;
  std::vector<std::string> nodes;  // after the start
};

// Dijkstra's algorithm, ties broken by the lexicographically smallest way: labels are (cost, way).
std::optional<Way> cheapest(const RoutingTask& task, const std::string& from, const std::string& to,
                            const std::set<std::string>& removed) {
  using Label = std::pair<std::int64_t, std::vector<std::string>>;
  std::set<Label> open{{0, {from}}};
  std::set<std::string> settled;
  while (!open.empty()) {
    const Label label = *open.begin();
    open.erase(open.begin());
    const std::string& at = label.second.back();
    if (!settled.insert(at).second) continue;
    if (at == to) {
      return Way{label.first, {label.second.begin() + 1, label.second.end()}};
    }
    const auto next = task.edges.find(at);
    if (next == task.edges.end()) continue;
    for (const auto& [node, cost] : next->second) {
      if (removed.contains(node) || settled.contains(node)) continue;
      Label longer = label;
      longer.first += cost;
      longer.second.push_back(node);
      open.insert(std::move(longer));
    }
  }
  return {};
}

class Router {
 public:
  Router(const RoutingTask& task, bool decide_each_step)
      : task_(task), decide_each_step_(decide_each_step) {}

  RoutingTrial run() {
    std::string at = task_.start;
    for (const std::string& target : task_.targets) {
      if (task_.fan_out) at = task_.start;
      if (walk(at, target)) continue;
      ++out_.llm_calls;
      const auto other = task_.demote_to.find(target);
      const bool demoted = other != task_.demote_to.end() && walk(at, other->second);
      if (demoted) {
        if (out_.outcome == "success") out_.outcome = "demoted";
        continue;
      }
      out_.outcome = "escalated";
      if (!task_.fan_out) break;
    }
    return std::move(out_);
  }

 private:
  // Goes on until the target is reached (true) or no way is left.
  bool walk(std::string& at, const std::string& target) {
    while (at != target) {
      const auto way = cheapest(task_, at, target, removed_);
      if (!way) return false;
      const std::string& next = way->nodes.front();
      out_.llm_calls += decide_each_step_;
      if (task_.failures.contains(next)) {
        removed_.insert(next);
        ++out_.reroutes;
        continue;
      }
      out_.cost += task_.edges.at(at).at(next);
      out_.calls.push_back(next);
      at = next;
    }
    return true;
  }

  const RoutingTask& task_;
  bool decide_each_step_;
  RoutingTrial out_;
  std::set<std::string> removed_;
};

void add_edge(RoutingTask& task, const std::string& from, const std::string& to, core::Rng& rng) {
  task.edges[from][to] = 1 + static_cast<std::int64_t>(rng.below(9));
}

RoutingTask draw_linear(core::Rng& rng) {
  RoutingTask task;
  task.targets = {"done"};
  std::vector<std::string> last{"start"};
  const std::size_t stages = 3 + rng.below(3);
  for (std::size_t s = 0; s < stages; ++s) {
    std::vector<std::string> stage;
    const std::size_t width = 1 + rng.below(2);
    for (std::size_t k = 0; k < width; ++k) {
      stage.push_back("s" + std::to_string(s) + std::string(1, static_cast<char>('a' + k)));
    }
    for (const std::string& from : last) {
      for (const std::string& to : stage) add_edge(task, from, to, rng);
    }
    last = stage;
  }
  for (const std::string& from : last) task.edges[from]["done"] = 1;
  if (rng.below(2) == 0) {
    task.demote_to["done"] = "partial";
    std::vector<std::string> all;
    for (const auto& [from, to] : task.edges) all.push_back(from);
    for (const std::string& from : all) task.edges[from]["partial"] = from == "start" ? 20 : 5;
  }
  return task;
}

RoutingTask draw_dag(core::Rng& rng) {
  RoutingTask task;
  task.targets = {"done"};
  const std::size_t nodes = 6 + rng.below(3);
  const auto name = [](std::size_t i) { return "n" + std::to_string(i); };
  for (std::size_t i = 0; i < nodes; ++i) {
    if (i < 3) add_edge(task, "start", name(i), rng);
    for (std::size_t j = i + 1; j < nodes; ++j) {
      if (rng.below(5) < 2) add_edge(task, name(i), name(j), rng);
    }
    if (i + 3 > nodes) task.edges[name(i)]["done"] = 1;
  }
  return task;
}

RoutingTask draw_fan_out(core::Rng& rng) {
  RoutingTask task;
  task.fan_out = true;
  const std::size_t branches = 3 + rng.below(2);
  for (std::size_t b = 0; b < branches; ++b) {
    const std::string target = "join" + std::to_string(b);
    task.targets.push_back(target);
    const std::size_t width = 1 + rng.below(2);
    for (std::size_t k = 0; k < width; ++k) {
      const std::string tool = "b" + std::to_string(b) + std::string(1, static_cast<char>('a' + k));
      add_edge(task, "start", tool, rng);
      task.edges[tool][target] = 1;
    }
  }
  return task;
}

void draw_failures(RoutingTask& task, core::Rng& rng) {
  std::set<std::string> tools;
  for (const auto& [from, next] : task.edges) {
    if (from != task.start) tools.insert(from);
  }
  std::vector<std::string> list(tools.begin(), tools.end());
  const std::size_t failing = 1 + rng.below(3);
  while (task.failures.size() < std::min(failing, list.size())) {
    task.failures.insert(list[rng.below(list.size())]);
  }
}

std::string texts(const auto& list) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const std::string& text : list) json.value(text);
  json.end_array();
  return out;
}

}  // namespace

RoutingTask read_routing(const Cursor& json) {
  RoutingTask task;
  task.start = std::string(json.at("start").string());
  const std::string_view topology = json.at("topology").string();
  if (topology != "linear" && topology != "dag" && topology != "fanout") {
    throw json.at("topology").error("linear, dag or fanout");
  }
  task.fan_out = topology == "fanout";
  json.at("targets").items([&](const Cursor& t) { task.targets.emplace_back(t.string()); });
  json.at("edges").items([&](const Cursor& edge) {
    if (!edge.is_array() || edge.size() != 3) throw edge.error("expected [from, to, cost]");
    std::string ends[2];
    std::int64_t cost = 0;
    int place = 0;
    edge.items([&](const Cursor& v) {
      if (place < 2) {
        ends[place] = std::string(v.string());
      } else {
        cost = v.integer();
        if (cost < 0 || cost > kMaxCost) throw v.error("a cost is from 0 to 10^9");
      }
      ++place;
    });
    task.edges[ends[0]][ends[1]] = cost;
  });
  json.at("failures").items([&](const Cursor& f) { task.failures.emplace(f.string()); });
  if (const auto demote = json.find("demote_to")) {
    demote->members([&](std::string_view from, const Cursor& to) {
      task.demote_to[std::string(from)] = std::string(to.string());
    });
  }
  return task;
}

RoutingTrial read_expected(const Cursor& json) {
  RoutingTrial out;
  out.outcome = std::string(json.at("outcome").string());
  json.at("calls").items([&](const Cursor& c) { out.calls.emplace_back(c.string()); });
  out.reroutes = json.at("reroutes").integer();
  out.llm_calls = json.at("llm_calls").integer();
  out.cost = json.at("cost").integer();
  return out;
}

std::string RoutingTrial::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("outcome", outcome).key("calls").begin_array();
  for (const std::string& call : calls) json.value(call);
  json.end_array().field("reroutes", reroutes).field("llm_calls", llm_calls);
  json.field("cost", cost).field("silent_failures", silent_failures).end_object();
  return out;
}

RoutingTrial route(const RoutingTask& task, bool decide_each_step) {
  return Router(task, decide_each_step).run();
}

RoutingTrial route_fixed(const RoutingTask& task) {
  RoutingTrial out;
  std::string at = task.start;
  for (const std::string& target : task.targets) {
    if (task.fan_out) at = task.start;
    const auto way = cheapest(task, at, target, {});
    if (!way) {
      out.outcome = "escalated";
      continue;
    }
    bool failed = false;
    for (const std::string& node : way->nodes) {
      out.cost += task.edges.at(at).at(node);
      out.calls.push_back(node);
      failed = failed || task.failures.contains(node);
      at = node;
    }
    out.silent_failures += failed;
  }
  return out;
}

bool is_right_trip(const RoutingTrial& expected, const RoutingTrial& got) {
  return got.outcome == expected.outcome && got.calls == expected.calls &&
         got.reroutes == expected.reroutes && got.silent_failures == 0;
}

bool is_routing_strategy(std::string_view agent) {
  return agent == "builtin:router" || agent == "builtin:static" || agent == "builtin:react";
}

std::string routing_trial_json(const Cursor& task, const std::string& agent, std::uint64_t seed,
                               std::uint64_t trial) {
  const RoutingTask routing = read_routing(task);
  const RoutingTrial wanted = read_expected(task.at("expected"));
  RoutingTrial got;  // noop: nothing is called
  const bool router = agent == "builtin:router" || agent == "builtin:oracle";
  if (router || agent == "builtin:react") {
    got = route(routing, !router);
  } else if (agent == "builtin:static") {
    got = route_fixed(routing);
  } else if (agent != "builtin:noop") {
    throw core::usage_error("routing is played by builtin:router, static, react, oracle or noop");
  }
  const bool strict = is_right_trip(wanted, got);
  const double score = strict ? 1 : 0;
  const auto id = task.find("task_id");
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("task_id", (id ? *id : task.at("id")).string());
  json.field("scenario", task.at("topology").string()).field("ability", "tool_routing");
  json.key("tags").raw("[\"tool_routing\"]").field("agent", agent).field("trial", trial);
  json.field("seed", seed).key("steps").begin_array();
  for (std::size_t i = 0; i < got.calls.size(); ++i) {
    json.begin_object().field("i", i + 1).field("cmd", got.calls[i]).field("exit", 0);
    json.field("ms", 0).end_object();
  }
  json.end_array().key("routing").raw(got.json());
  json.key("verdict").begin_object().field("strict", strict).key("clauses").raw("[]");
  json.key("frame").raw("[]").end_object();
  json.key("scores").begin_object().field("progress", score).field("partial", score);
  json.field("partial_plain", score).field("efficiency", score).field("inspected", true);
  json.end_object().field("end", "done").field("sandbox", "sim").end_object();
  return out;
}

TaskRecord make_routing(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  static constexpr const char* kTopologies[] = {"linear", "dag", "fanout"};
  const std::size_t kind = index % 3;
  RoutingTask routing = kind == 0   ? draw_linear(rng)
                        : kind == 1 ? draw_dag(rng)
                                    : draw_fan_out(rng);
  routing.start = "start";
  draw_failures(routing, rng);
  TaskRecord task = small_record(
      options, kTopologies[kind], "tool_routing", index,
      "Reach every target by calling tools along the edges, cheapest way first. A tool that fails "
      "stays broken: find another way. Without one, settle for the lesser target where there is "
      "one, else escalate.");
  std::string edges;
  core::JsonWriter e(edges);
  e.begin_array();
  for (const auto& [from, next] : routing.edges) {
    for (const auto& [to, cost] : next)
      e.begin_array().value(from).value(to).value(cost).end_array();
  }
  e.end_array();
  std::string demote;
  core::JsonWriter d(demote);
  d.begin_object();
  for (const auto& [from, to] : routing.demote_to) d.field(from, to);
  d.end_object();
  task.set_text("topology", kTopologies[kind]);
  task.set_text("start", routing.start);
  task.set("targets", texts(routing.targets));
  task.set("edges", edges);
  task.set("failures", texts(routing.failures));
  task.set("demote_to", demote);
  task.set("expected", route(routing, false).json());
  return task;
}

}  // namespace stateutils::bench
