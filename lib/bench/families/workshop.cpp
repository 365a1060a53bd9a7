#include "bench/families/workshop.hpp"

#include <algorithm>
#include <set>

#include "bench/solve/known.hpp"
#include "core/dom.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {

void SuiteReport::add(const std::string& scenario, const std::string& id, const Validation& v,
                      bool kept) {
  ++tasks;
  emitted += kept;
  mutants += v.mutants;
  equivalent += v.equivalent;
  killed += v.killed;
  const auto sum = [](OperatorCount& to, const OperatorCount& from) {
    to.mutants += from.mutants, to.equivalent += from.equivalent, to.killed += from.killed;
  };
  for (const auto& [op, count] : v.by_op) sum(by_op[op], count);
  sum(by_scenario[scenario], {v.mutants, v.equivalent, v.killed});
  if (!kept) rejected.push_back({id, v.why});
}

void SuiteReport::add(const SuiteReport& other) {
  tasks += other.tasks, emitted += other.emitted, mutants += other.mutants;
  equivalent += other.equivalent, killed += other.killed;
  const auto sum = [](auto& to, const auto& from) {
    for (const auto& [name, count] : from) {
      to[name].mutants += count.mutants;
      to[name].equivalent += count.equivalent;
      to[name].killed += count.killed;
    }
  };
  sum(by_op, other.by_op);
  sum(by_scenario, other.by_scenario);
  rejected.insert(rejected.end(), other.rejected.begin(), other.rejected.end());
}

double SuiteReport::kill_rate() const {
  const std::uint64_t real = mutants - equivalent;
  return real == 0 ? 0 : static_cast<double>(killed) / static_cast<double>(real);
}

std::string SuiteReport::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("tasks", tasks).field("emitted", emitted).field("mutants", mutants);
  json.field("equivalent", equivalent).field("killed", killed).field("kill_rate", kill_rate());
  const auto counts = [&](const char* name, const std::map<std::string, OperatorCount>& map) {
    json.key(name).begin_object();
    for (const auto& [key, c] : map) {
      json.key(key).begin_object().field("mutants", c.mutants).field("equivalent", c.equivalent);
      json.field("killed", c.killed).field("survived", c.mutants - c.equivalent - c.killed);
      json.end_object();
    }
    json.end_object();
  };
  counts("by_op", by_op);
  counts("by_scenario", by_scenario);
  json.key("rejected").begin_array();
  for (const Rejected& r : rejected) {
    json.begin_object().field("task_id", r.task_id).key("why").begin_array();
    for (const std::string& why : r.why) json.value(why);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return out;
}

void add_solution(TaskRecord& record, const Task& task, const SearchResult& found, Store& store) {
  std::string plans = "[";
  for (const Plan& plan : found.plans) {
    if (plans.size() > 1) plans.push_back(',');
    append_plan(plans, plan);
  }
  record.set("reference", plans + "]");
  record.set("optimal_steps", std::to_string(found.steps));
  record.set("search", "{\"states\":" + std::to_string(found.states) +
                           ",\"expanded\":" + std::to_string(found.expanded) + "}");
  // Bindings: arguments that no instruction gives. Depth: how deep values hang on earlier outputs.
  const SeenText instruction(task.instruction), tools(task.world->public_tools_json);
  std::size_t bindings = 0;
  std::set<Id> tables;
  for (const Call& call : found.calls.front()) {
    const Verb& verb = task.world->verbs[call.verb];
    for (std::size_t p = 0; p < call.args.size(); ++p) {
      if (call.args[p] == kNone || verb.params[p].role == Role::kFree) continue;
      const std::string_view value = store.atoms.text(call.args[p]);
      bindings += !instruction.names(value) && !tools.names(value);
    }
    for (const Effect& e : verb.effects) tables.insert(e.table);
  }
  std::string metrics;
  core::JsonWriter json(metrics);
  json.begin_object().field("calls", found.calls.front().size());
  json.field("depth", bindings > 0 ? 2 : 1).field("bindings", bindings);
  json.field("tables_touched", tables.size()).end_object();
  record.set("metrics", metrics);
}

// A world's store, in which the tasks at hand lie.
struct Workshop::Room {
  Store store;
  World world;
  Store::Mark start;
  simdjson::dom::parser parser;

  void clear() {
    store.rollback(start);
    for (Id t = 0; t < store.table_count(); ++t) store.info(t).clock.clear();
  }

  void load(const TaskRecord& record, Task& task) {
    const std::string text = record.json();
    const JsonSource source{"(generated)", text, 1};
    const simdjson::dom::element element = core::parse_json(parser, text);
    read_task(Cursor(element, source), store, &world, task);
  }

  [[nodiscard]] SearchResult search(const Task& task, const SearchOptions& options) {
    Machine machine(world, store, task.initial);
    const Judge judge(task.contract, store, task.initial);
    return solve(task, machine, judge, options);
  }

  // The plan that is right on a branch of its own, where nothing is hidden.
  [[nodiscard]] std::optional<Plan> shortcut(const std::optional<TaskRecord>& record,
                                             std::uint64_t max_states) {
    if (!record) return {};
    Task task;
    load(*record, task);
    SearchOptions options;
    options.max_states = max_states;
    options.needs_evidence = false;
    const SearchResult found = search(task, options);
    if (found.end != SearchEnd::kSolved) return {};
    return found.plans.front();
  }
};

namespace {

std::string shortcuts_json(const std::optional<Plan>& blind, const std::optional<Plan>& stale) {
  std::string out = "{";
  const auto add = [&](const char* name, const std::optional<Plan>& plan) {
    if (!plan) return;
    if (out.size() > 1) out.push_back(',');
    out += "\"" + std::string(name) + "\":";
    append_plan(out, *plan);
  };
  add("blind", blind);
  add("stale", stale);
  return out + "}";
}

// The first plan is the reference that the record gets.
void keep_solution(TaskRecord& record, Task& task, const SearchResult& found, Store& store) {
  task.reference = {found.plans.front()};
  task.optimal_steps = found.steps;
  SearchResult first = found;
  first.plans.resize(1);
  first.calls.resize(1);
  add_solution(record, task, first, store);
}

// Twins stand or fall together: one alone would have no twin to be told apart from.
Hardened keep_good(Draw draw, const std::vector<Task>& tasks, std::vector<Validation> checked) {
  Hardened out;
  const bool all = std::all_of(checked.begin(), checked.end(), [](const auto& v) { return v.ok; });
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const bool keep = draw.twins ? all : checked[i].ok;
    if (!keep && checked[i].why.empty()) checked[i].why.emplace_back("its twin is rejected");
    out.report.add(tasks[i].scenario, tasks[i].id, checked[i], keep);
    if (!keep) continue;
    draw.tasks[i].set("validation", checked[i].json());
    out.tasks.push_back(std::move(draw.tasks[i]));
  }
  return out;
}

}  // namespace

Workshop::Workshop(const std::string& world_json, ValidateOptions options)
    : room_(std::make_unique<Room>()), options_(std::move(options)) {
  const Document document{world_json, "world", false};
  room_->world = read_world(document.root(), room_->store);
  room_->start = room_->store.mark();
}

Workshop::~Workshop() = default;

Hardened Workshop::harden(Draw draw) {
  room_->clear();
  const std::optional<Plan> blind = room_->shortcut(draw.clean, options_.max_states),
                            stale = room_->shortcut(draw.complete, options_.max_states);
  const bool shortcut_lost = (draw.clean && !blind) || (draw.complete && !stale);
  SearchOptions search;
  search.max_states = options_.max_states;
  search.all_shortest = options_.plans;
  std::vector<Task> tasks(draw.tasks.size());
  std::vector<SearchResult> found;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (blind || stale) draw.tasks[i].set("shortcuts", shortcuts_json(blind, stale));
    room_->load(draw.tasks[i], tasks[i]);
    found.push_back(room_->search(tasks[i], search));
    if (found[i].end == SearchEnd::kSolved) {
      keep_solution(draw.tasks[i], tasks[i], found[i], room_->store);
    }
  }
  std::vector<Validation> checked;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Task* twin = draw.twins ? &tasks[1 - i] : nullptr;
    checked.push_back(validate(tasks[i], twin, room_->store, &found[i], options_));
    if (!shortcut_lost) continue;
    checked.back().ok = false;
    checked.back().why.emplace_back("a shortcut's own branch is unsolvable");
  }
  return keep_good(std::move(draw), tasks, std::move(checked));
}

}  // namespace stateutils::bench
