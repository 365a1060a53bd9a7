#include "bench/families/small/routing_check.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace stateutils::bench {
namespace {

using Attempts = std::vector<std::string>;

constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / 4;
constexpr std::size_t kMaxNodes = 512;  // of a graph that is worked through twice

std::set<std::string> nodes_of(const RoutingTask& task) {
  std::set<std::string> out{task.start};
  for (const auto& [from, next] : task.edges) {
    out.insert(from);
    for (const auto& [to, cost] : next) out.insert(to);
  }
  return out;
}

// The right trip found in another way than route() does: distances to the target by relaxation
// (Bellman, Ford), and at each node the first name among the neighbours that lie on a cheapest way.
class Traveller {
 public:
  explicit Traveller(const RoutingTask& task) : task_(task), nodes_(nodes_of(task)) {}

  // Every call that is tried, failing ones too; nothing when the graph is one this cannot judge.
  std::optional<Attempts> run() {
    std::string at = task_.start;
    for (const std::string& target : task_.targets) {
      if (task_.fan_out) at = task_.start;
      if (go(at, target)) continue;
      const auto lesser = task_.demote_to.find(target);
      if (lesser != task_.demote_to.end() && go(at, lesser->second)) continue;
      if (!task_.fan_out) break;
    }
    if (circle_) return {};
    return std::move(attempts_);
  }

 private:
  void measure(const std::string& target) {
    distance_.clear();
    for (const std::string& node : nodes_) distance_[node] = kFar;
    distance_[target] = 0;
    for (std::size_t round = 0; round < nodes_.size(); ++round) {
      for (const auto& [from, next] : task_.edges) {
        for (const auto& [to, cost] : next) {
          if (broken_.contains(to)) continue;
          circle_ = circle_ || cost == 0;  // ways without an end could be as cheap
          distance_[from] = std::min(distance_[from], distance_[to] + cost);
        }
      }
    }
  }

  bool go(std::string& at, const std::string& target) {
    while (at != target) {
      measure(target);
      if (circle_ || distance_[at] >= kFar) return false;
      std::string next;
      for (const auto& [to, cost] : task_.edges.at(at)) {
        const bool cheapest = !broken_.contains(to) && distance_[to] + cost == distance_[at];
        if (cheapest && next.empty()) next = to;
      }
      attempts_.push_back(next);
      if (task_.failures.contains(next)) {
        broken_.insert(next);
      } else {
        at = next;
      }
    }
    return true;
  }

  const RoutingTask& task_;
  std::set<std::string> nodes_, broken_;
  std::map<std::string, std::int64_t> distance_;
  Attempts attempts_;
  bool circle_ = false;
};

// Trips a little wrong, each played through the graph.
class TripMutator {
 public:
  TripMutator(const RoutingTask& task, const RoutingTrial& wanted, Attempts right, Validation& out)
      : task_(task), wanted_(wanted), right_(std::move(right)), out_(out) {}

  void run() {
    const std::set<std::string> nodes = nodes_of(task_);
    for (std::size_t i = 0; i < right_.size(); ++i) {
      changed("drop", i, [&](Attempts& a, auto at) { a.erase(at); });
      changed("duplicate", i, [&](Attempts& a, auto at) { a.insert(at, right_[i]); });
      if (i > 0) changed("swap", i, [](Attempts&, auto at) { std::iter_swap(at, at - 1); });
      changed("prefix", i, [](Attempts& a, auto at) { a.erase(at, a.end()); });
      for (const std::string& node : nodes) {
        if (node != right_[i]) changed("replace", i, [&](Attempts&, auto at) { *at = node; });
        changed("detour", i, [&](Attempts& a, auto at) { a.insert(at, node); });
      }
    }
    for (const std::string& node : nodes) {
      Attempts more = right_;
      more.push_back(node);
      tried("extra", trip(task_, more), node);
    }
    claims();
  }

 private:
  template <class Change>
  void changed(const char* op, std::size_t i, const Change& change) {
    Attempts attempts = right_;
    change(attempts, attempts.begin() + static_cast<std::ptrdiff_t>(i));
    tried(op, trip(task_, attempts), right_[i]);
  }

  // The right calls, and something said of them that is not so.
  void claims() {
    for (const char* outcome : {"success", "demoted", "escalated"}) {
      RoutingTrial other = wanted_;
      other.outcome = outcome;
      tried("outcome", other, outcome);
    }
    for (const int by : {-1, 1}) {
      RoutingTrial other = wanted_;
      other.reroutes += by;
      tried("reroutes", other, "another count");
    }
    RoutingTrial silent = wanted_;
    silent.silent_failures = 1;
    tried("silence", silent, "a failure not noticed");
    for (const std::string& tool : task_.failures) {
      RoutingTrial used = wanted_;
      used.calls.push_back(tool);
      tried("broken_tool", used, tool);
    }
  }

  void tried(const char* op, const RoutingTrial& got, const std::string& detail) {
    OperatorCount& count = out_.by_op[op];
    ++out_.mutants, ++count.mutants;
    const bool same = got.outcome == wanted_.outcome && got.calls == wanted_.calls &&
                      got.reroutes == wanted_.reroutes &&
                      got.silent_failures == wanted_.silent_failures;
    if (same) {
      ++out_.equivalent, ++count.equivalent;
    } else if (is_right_trip(wanted_, got)) {
      out_.survivors.push_back({op, detail});
    } else {
      ++out_.killed, ++count.killed;
    }
  }

  const RoutingTask& task_;
  const RoutingTrial& wanted_;
  Attempts right_;
  Validation& out_;
};

}  // namespace

RoutingTrial trip(const RoutingTask& task, const std::vector<std::string>& attempts) {
  RoutingTrial out;
  std::vector<bool> reached(task.targets.size(), false);
  bool demoted = false;
  std::string at = task.start;
  const auto leads = [&](const std::string& from, const std::string& to) {
    const auto next = task.edges.find(from);
    return next != task.edges.end() && next->second.contains(to);
  };
  // Targets of a fan-out count in any order, others one after the other.
  const auto arrive = [&] {
    for (std::size_t g = 0; g < reached.size(); ++g) {
      if (reached[g]) continue;
      const auto lesser = task.demote_to.find(task.targets[g]);
      const bool whole = at == task.targets[g];
      if (whole || (lesser != task.demote_to.end() && at == lesser->second)) {
        reached[g] = true;
        demoted = demoted || !whole;
        if (task.fan_out) at = task.start;
      }
      if (!task.fan_out) return;
    }
  };
  for (const std::string& next : attempts) {
    // A branch of a fan-out that cannot be ended is left for another.
    if (!leads(at, next) && task.fan_out) at = task.start;
    if (!leads(at, next)) break;
    if (task.failures.contains(next)) {
      ++out.reroutes;
      continue;
    }
    out.cost += task.edges.at(at).at(next);
    out.calls.push_back(next);
    at = next;
    arrive();
  }
  if (demoted) out.outcome = "demoted";
  if (std::find(reached.begin(), reached.end(), false) != reached.end()) out.outcome = "escalated";
  return out;
}

Validation validate_routing(const Cursor& record, const ValidateOptions& options) {
  const RoutingTask task = read_routing(record);
  const RoutingTrial wanted = read_expected(record.at("expected"));
  Validation out;
  out.states = nodes_of(task).size();
  if (out.states > kMaxNodes) {
    out.why.emplace_back("more than 512 tools");
    return out;
  }
  const auto attempts = Traveller(task).run();
  if (!attempts) {
    out.why.emplace_back("an edge costs nothing: the cheapest way may have no end");
    return out;
  }
  const RoutingTrial right = route(task, false);
  RoutingTrial again = trip(task, *attempts);
  again.llm_calls = right.llm_calls;
  if (!is_right_trip(wanted, right) || wanted.cost != right.cost) {
    out.why.emplace_back("the record's expected trip is not the cheapest");
  } else if (!(again == right)) {
    out.why.emplace_back("two searches do not agree on the trip");
  } else {
    out.plans_accepted = 1;
  }
  out.noop = is_right_trip(wanted, RoutingTrial{});
  out.blind = is_right_trip(wanted, route_fixed(task));
  if (out.noop) out.why.emplace_back("an agent that does nothing passes");
  if (out.blind) out.why.emplace_back("the plan that never looks passes");
  TripMutator(task, wanted, *attempts, out).run();
  if (!out.survivors.empty()) out.why.emplace_back("mutants survive");
  std::size_t operators = 0;
  for (const auto& [op, count] : out.by_op) operators += count.mutants > count.equivalent;
  if (out.mutants - out.equivalent < options.min_mutants) out.why.emplace_back("too few mutants");
  if (operators < options.min_operators) out.why.emplace_back("too few mutation operators");
  out.ok = out.why.empty();
  return out;
}

Hardened harden_routing(Draw draw, const ValidateOptions& options) {
  Hardened out;
  for (TaskRecord& record : draw.tasks) {
    const Document document{record.json(), "(generated)", false};
    const Validation v = validate_routing(document.root(), options);
    const std::string id(document.root().at("task_id").string());
    out.report.add(std::string(document.root().at("topology").string()), id, v, v.ok);
    if (!v.ok) continue;
    record.set("validation", v.json());
    out.tasks.push_back(std::move(record));
  }
  return out;
}

}  // namespace stateutils::bench
