#include "kv/agent_steps.hpp"

#include <algorithm>

#include "core/dom.hpp"
#include "core/error.hpp"

namespace stateutils::kv {

StepSource known_steps(const Trace& trace, StepSource asked) {
  return asked == StepSource::kHints && trace.steps.empty() ? StepSource::kLearned : asked;
}

std::string step_policy_name(StepSource source) {
  if (source == StepSource::kOracle) return "kvflow-oracle";
  return source == StepSource::kLearned ? "kvflow-learned" : "kvflow";
}

AgentSteps::AgentSteps(const Trace& trace, StepSource source, std::uint32_t hold,
                       std::uint32_t reach)
    : trace_(trace), source_(source), hold_(hold), reach_(std::max(hold, reach)) {
  sessions_.resize(trace.sessions.size());
  if (source != StepSource::kOracle || trace.session.empty()) return;
  std::vector<std::uint32_t> later(trace.sessions.size(), kNone);
  next_.assign(trace.size(), kNone);
  for (std::uint32_t i = trace.size(); i-- > 0;) {
    if (trace.session[i] == kNone) continue;
    next_[i] = later[trace.session[i]];
    later[trace.session[i]] = i;
  }
}

// {"agent": steps}, as the record says.
AgentSteps::Table AgentSteps::hinted(std::uint32_t request) const {
  simdjson::dom::parser parser;
  simdjson::dom::object hint;
  Table table;
  const std::string text(trace_.words[trace_.steps[request]]);
  if (core::parse_json(parser, text).get(hint) != simdjson::SUCCESS) return table;
  for (const auto field : hint) {
    double steps = 0;
    if (field.value.get(steps) != simdjson::SUCCESS || !(steps >= 0)) {
      throw core::input_error({}, "request " + trace_.id_of(request) + ": \"steps\" of agent " +
                                      core::quoted(field.key) + " are no count");
    }
    const std::uint32_t agent = trace_.words.find(field.key);
    if (agent == kNone) continue;  // never runs
    table.emplace_back(agent, static_cast<std::uint32_t>(std::min(steps, 1.0 + reach_)));
  }
  return table;
}

AgentSteps::Table AgentSteps::looked_up(std::uint32_t request) const {
  Table table;
  std::uint32_t at = next_[request];
  for (std::uint32_t steps = 1; steps <= reach_ && at != kNone; ++steps, at = next_[at]) {
    const std::uint32_t agent = trace_.agent[at];
    if (agent == kNone || std::ranges::count(table, agent, &Table::value_type::first) > 0) continue;
    table.emplace_back(agent, steps);
  }
  return table;
}

// The chain of likeliest successors, the first seen of equals.
AgentSteps::Table AgentSteps::guessed(std::uint32_t agent) const {
  Table table;
  for (std::uint32_t steps = 1; steps <= reach_; ++steps) {
    if (agent >= after_.size() || after_[agent].empty()) break;
    agent = std::ranges::max_element(after_[agent], {}, &Table::value_type::second)->first;
    if (std::ranges::count(table, agent, &Table::value_type::first) > 0) break;
    table.emplace_back(agent, steps);
  }
  return table;
}

void AgentSteps::arrived(std::uint32_t request) {
  if (trace_.session.empty() || trace_.session[request] == kNone || trace_.agent.empty()) return;
  Session& session = sessions_[trace_.session[request]];
  const std::uint32_t agent = trace_.agent[request], before = session.running;
  session.running = agent;
  if (source_ != StepSource::kLearned || agent == kNone || before == kNone) return;
  if (before >= after_.size()) after_.resize(std::size_t{before} + 1);
  Table& counts = after_[before];
  const auto known = std::ranges::find(counts, agent, &Table::value_type::first);
  if (known == counts.end()) {
    counts.emplace_back(agent, 1);
  } else {
    ++known->second;
  }
}

bool AgentSteps::finished(std::uint32_t request) {
  if (trace_.session.empty() || trace_.session[request] == kNone || trace_.agent.empty()) {
    return false;
  }
  Session& session = sessions_[trace_.session[request]];
  const std::uint32_t agent = trace_.agent[request];
  if (trace_.is_last(request)) {
    session = {};
    return true;
  }
  if (agent != kNone) {
    const auto known = std::ranges::find(session.latest, agent, &Table::value_type::first);
    if (known == session.latest.end()) {
      session.latest.emplace_back(agent, request);
    } else {
      known->second = request;
    }
  }
  if (source_ == StepSource::kHints) {
    if (trace_.steps.empty() || trace_.steps[request] == kNone) return false;
    session.table = hinted(request);
  } else {
    session.table = source_ == StepSource::kOracle ? looked_up(request) : guessed(agent);
  }
  return true;
}

std::uint32_t AgentSteps::value(std::uint32_t session, std::uint32_t agent) const {
  for (const auto& [known, steps] : sessions_[session].table) {
    if (known == agent) return std::min(hold_ + 1, steps);
  }
  return hold_ + 1;
}

std::vector<AgentSteps::Soon> AgentSteps::soon(std::uint32_t session, std::uint32_t ahead) const {
  std::vector<Soon> list;
  for (const auto& [agent, steps] : sessions_[session].table) {
    if (steps > ahead) continue;
    for (const auto& [known, request] : sessions_[session].latest) {
      if (known == agent) list.push_back({steps, agent, request});
    }
  }
  std::ranges::sort(list);
  return list;
}

bool NodeUsers::add(std::uint32_t node, std::uint32_t session, std::uint32_t agent) {
  if (node >= users_.size()) users_.resize(std::size_t{node} + 1);
  std::vector<User>& users = users_[node];
  const User user{session, agent};
  const auto at = std::ranges::lower_bound(users, user);
  if (at != users.end() && *at == user) return false;
  users.insert(at, user);
  list(session, node);
  return true;
}

void NodeUsers::list(std::uint32_t session, std::uint32_t node) {
  if (session >= nodes_.size()) nodes_.resize(std::size_t{session} + 1);
  nodes_[session].push_back(node);
}

void NodeUsers::copy(std::uint32_t from, std::uint32_t to) {
  if (from >= users_.size() || users_[from].empty()) return;
  if (to >= users_.size()) users_.resize(std::size_t{to} + 1);
  users_[to] = users_[from];
  for (const User& user : users_[to]) list(user.first, to);
}

std::uint32_t NodeUsers::value(std::uint32_t node) const {
  std::uint32_t least = steps_.of_nobody();
  if (node >= users_.size()) return least;
  for (const auto& [session, agent] : users_[node]) {
    least = std::min(least, steps_.value(session, agent));
  }
  return least;
}

const std::vector<std::uint32_t>& NodeUsers::nodes_of(std::uint32_t session) {
  if (session >= nodes_.size()) nodes_.resize(std::size_t{session} + 1);
  std::vector<std::uint32_t>& nodes = nodes_[session];
  // Nodes that have gone, or that other sessions use by now, leave the list here.
  std::ranges::sort(nodes);
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::erase_if(nodes, [&](std::uint32_t node) {
    return std::ranges::none_of(users_[node], [&](const User& u) { return u.first == session; });
  });
  return nodes;
}

}  // namespace stateutils::kv
