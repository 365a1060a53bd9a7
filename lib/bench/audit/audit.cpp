#include "bench/audit/audit.hpp"

#include <algorithm>

#include "bench/judge/judge.hpp"
#include "bench/run/agents.hpp"
#include "bench/validate/validate.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

// Only "how many", never "which" or "what".
bool counts_only(const Contract& contract) {
  return std::all_of(contract.options.begin(), contract.options.end(), [](const Option& o) {
    return !o.answer && !o.require.empty() &&
           std::all_of(o.require.begin(), o.require.end(),
                       [](const Clause& c) { return c.match.empty() && c.key == kNone; });
  });
}

bool starts_clean(const Task& task) {
  return std::all_of(task.preset_kinds.begin(), task.preset_kinds.end(),
                     [](const std::string& kind) { return kind == "none" || kind == "decoy"; });
}

std::string lines_of(const std::vector<AuditStep>& plan) {
  std::string out;
  for (const AuditStep& step : plan) out += step.text + "\n";
  return out;
}

// Plans with one writing step dropped, doubled or changed. A reading step says nothing: without it
// the same state is reached.
std::vector<std::string> mutants_of(const std::vector<AuditStep>& plan) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].writes != true) continue;
    std::vector<AuditStep> other = plan;
    other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
    out.push_back(lines_of(other));
    for (const std::string& changed : plan[i].perturbed) {
      other = plan;
      other[i].text = changed;
      out.push_back(lines_of(other));
    }
  }
  return out;
}

SearchResult as_found(const Task& task, Store& store) {
  SearchResult out;
  out.end = SearchEnd::kSolved;
  out.plans.push_back(task.reference.front());
  std::vector<Call> calls;
  Machine machine(*task.world, store, task.initial);
  for (const std::string& line : task.reference.front()) {
    Call call;
    std::string error;
    if (line.starts_with("done")) out.answer = canonical_answer(std::string_view(line).substr(4));
    if (machine.parse(line, call, error) == 0) calls.push_back(std::move(call));
  }
  out.calls.push_back(std::move(calls));
  out.steps = static_cast<int>(task.reference.front().size());
  return out;
}

// The list of those that `holds`, where every task knows.
template <class Holds>
std::optional<std::vector<std::string>> ids_where(const std::vector<AuditTask>& tasks,
                                                  const Holds& holds) {
  std::vector<std::string> out;
  for (const AuditTask& t : tasks) {
    const std::optional<bool> known = holds(t);
    if (!known) return std::nullopt;
    if (*known) out.push_back(t.id);
  }
  return out;
}

template <class Value>
std::optional<double> total(const std::vector<AuditTask>& tasks, const Value& value) {
  double sum = 0;
  for (const AuditTask& t : tasks) {
    const auto known = value(t);
    if (!known) return std::nullopt;
    sum += static_cast<double>(*known);
  }
  return sum;
}

}  // namespace

AuditTask audit_task(const Task& task, Store& store) {
  AuditTask out;
  out.id = task.id;
  out.count_only = counts_only(task.contract);
  out.clean = starts_clean(task);
  const Judge judge(task.contract, store, task.initial);
  const Verdict idle = judge.judge(task.initial, "");
  out.noop_pass = idle.strict;
  out.noop_partial = idle.scores.partial;
  if (task.world == nullptr || task.reference.empty()) return out;
  Episode episode(task, store, judge);
  for (const std::string& line : task.reference.front()) {
    (void)episode.step(line);
    if (episode.done()) break;
  }
  out.reference_ok = episode.verdict().strict;
  // Mutants are those of the suite's own reference where its judge takes it.
  const SearchResult reference = as_found(task, store);
  const Validation v =
      validate(task, nullptr, store, *out.reference_ok ? &reference : nullptr, ValidateOptions{});
  out.mutants = v.mutants - v.equivalent;
  out.killed = v.killed;
  return out;
}

void ask_judge(AuditTask& task, const SuiteJudge& judge) {
  const double idle = judge(task.id, "");
  task.noop_partial = idle;
  task.noop_pass = idle >= 1;
  if (!task.plan) return;
  task.reference_ok = judge(task.id, lines_of(*task.plan)) >= 1;
  const bool known = std::all_of(task.plan->begin(), task.plan->end(),
                                 [](const AuditStep& s) { return s.writes.has_value(); });
  if (!known) return;
  task.mutants = task.killed = 0;
  for (const std::string& plan : mutants_of(*task.plan)) {
    ++*task.mutants;
    *task.killed += judge(task.id, plan) < 1;
  }
}

AuditReport summarize_audit(const std::vector<AuditTask>& tasks) {
  AuditReport out;
  out.tasks = tasks.size();
  out.noop_pass = ids_where(tasks, [](const AuditTask& t) { return t.noop_pass; });
  out.reference_rejected = ids_where(tasks, [](const AuditTask& t) {
    return t.reference_ok ? std::optional<bool>(!*t.reference_ok) : std::nullopt;
  });
  const auto mean = [&](std::optional<double> sum) -> std::optional<double> {
    if (!sum || tasks.empty()) return std::nullopt;
    return *sum / static_cast<double>(tasks.size());
  };
  out.noop_partial = mean(total(tasks, [](const AuditTask& t) { return t.noop_partial; }));
  out.clean_share = mean(total(tasks, [](const AuditTask& t) { return t.clean; }));
  const auto count = [&](auto value) -> std::optional<std::uint64_t> {
    const auto sum = total(tasks, value);
    return sum ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*sum)) : std::nullopt;
  };
  out.count_only = count([](const AuditTask& t) { return t.count_only; });
  out.mutants = count([](const AuditTask& t) { return t.mutants; });
  out.killed = count([](const AuditTask& t) { return t.killed; });
  if (out.mutants && out.killed && *out.mutants > 0) {
    out.kill_rate = static_cast<double>(*out.killed) / static_cast<double>(*out.mutants);
  }
  return out;
}

std::string AuditReport::json() const {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("tasks", tasks);
  const auto list = [&](const char* name, const auto& ids) {
    json.key(name);
    if (!ids) return static_cast<void>(json.null());
    json.begin_array();
    for (const std::string& id : *ids) json.value(id);
    json.end_array();
  };
  const auto figure = [&](const char* name, const auto& v) {
    json.key(name);
    if (v) {
      json.value(*v);
    } else {
      json.null();
    }
  };
  list("noop_pass", noop_pass);
  figure("noop_partial", noop_partial);
  list("reference_rejected", reference_rejected);
  figure("count_only", count_only);
  figure("clean_share", clean_share);
  figure("mutants", mutants);
  figure("killed", killed);
  figure("kill_rate", kill_rate);
  json.end_object();
  return out;
}

}  // namespace stateutils::bench
