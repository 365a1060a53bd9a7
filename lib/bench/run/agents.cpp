#include "bench/run/agents.hpp"

#include <algorithm>

#include "bench/world/text.hpp"
#include "core/jsonl.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

class Planned : public Agent {
 public:
  enum class Which { kOracle, kBlind, kStale, kNoop };
  Planned(std::string name, Which which) : name_(std::move(name)), which_(which) {}
  [[nodiscard]] std::string name() const override { return name_; }

  std::string play(Episode& episode, int, core::Rng&) override {
    const Task& task = episode.task();
    if (which_ == Which::kNoop) return "done";
    if (which_ == Which::kOracle) {
      return task.reference.empty() ? "error" : play_plan(episode, task.reference.front());
    }
    const auto& plan = which_ == Which::kBlind ? task.blind : task.stale;
    return plan ? play_plan(episode, *plan) : "error";
  }

 private:
  std::string name_;
  Which which_;
};

// Drops each step with probability p: on n essential steps it passes with (1-p)^n.
class Flaky : public Agent {
 public:
  Flaky(std::string name, double p) : name_(std::move(name)), p_(p) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] bool draws() const override { return true; }
  std::string play(Episode& episode, int, core::Rng& rng) override {
    const Task& task = episode.task();
    if (task.reference.empty()) return "error";
    Plan plan;
    for (const std::string& line : task.reference.front()) {
      if (!rng.chance(p_)) plan.push_back(line);
    }
    return play_plan(episode, plan);
  }

 private:
  std::string name_;
  double p_;
};

// Every read that needs no argument, then the reference.
class InspectFirst : public Agent {
 public:
  [[nodiscard]] std::string name() const override { return "builtin:inspect-first"; }
  std::string play(Episode& episode, int, core::Rng&) override {
    const Task& task = episode.task();
    if (task.reference.empty()) return "error";
    Plan plan;
    for (const Verb& verb : task.world->verbs) {
      const bool bare = std::all_of(verb.params.begin(), verb.params.end(),
                                    [](const Param& p) { return p.optional; });
      if (!verb.mutates() && bare) plan.push_back(verb.name);
    }
    const Plan& reference = task.reference.front();
    for (const std::string& line : reference) {
      if (std::find(plan.begin(), plan.end(), line) == plan.end()) plan.push_back(line);
    }
    return play_plan(episode, plan);
  }
};

// Draws a verb, and arguments from the values seen so far.
class Random : public Agent {
 public:
  [[nodiscard]] std::string name() const override { return "builtin:random"; }
  [[nodiscard]] bool draws() const override { return true; }
  std::string play(Episode& episode, int, core::Rng& rng) override {
    const World& world = *episode.task().world;
    std::vector<std::string> seen;
    (void)split_command(episode.task().instruction, seen);
    const std::size_t from_instruction = seen.size();
    while (episode.steps_left() > 0) {
      const std::uint64_t pick = rng.below(world.verbs.size() + 1);
      if (pick == world.verbs.size()) {
        (void)episode.step("done");
        return "done";
      }
      const Verb& verb = world.verbs[pick];
      std::string line = verb.name;
      for (const Param& p : verb.params) {
        if (p.optional && rng.below(2) == 0) continue;
        line += " " + p.flag + " " + quote_word(argument(p, seen, rng));
      }
      note_values(episode.step(line).out, seen, from_instruction);
    }
    return "limit";
  }

 private:
  static std::string argument(const Param& p, const std::vector<std::string>& seen,
                              core::Rng& rng) {
    if (!p.values.empty()) return p.values[rng.below(p.values.size())];
    if (p.type == ParamType::kBool) return rng.below(2) == 0 ? "true" : "false";
    return seen.empty() ? "x" : seen[rng.below(seen.size())];
  }

  // Texts between quotes are the values that JSON outputs show.
  static void note_values(std::string_view out, std::vector<std::string>& seen, std::size_t keep) {
    for (std::size_t at = out.find('"'); at != std::string_view::npos;) {
      const std::size_t end = out.find('"', at + 1);
      if (end == std::string_view::npos) break;
      if (end > at + 1 && seen.size() < keep + 256)
        seen.emplace_back(out.substr(at + 1, end - at - 1));
      at = out.find('"', end + 1);
    }
  }
};

// JSON Lines {task_id, commands[], answer?}; the k-th line of a task is its trial k.
class Replay : public Agent {
 public:
  explicit Replay(const std::string& path) : name_("replay:" + path) {
    const auto source = core::open_input(path);
    core::JsonlReader reader(*source);
    while (const core::Record* record = reader.next()) {
      Plan plan;
      for (const auto command : record->array("commands")) {
        std::string_view line;
        if (command.get(line) != simdjson::SUCCESS) throw record->error("\"commands\" holds texts");
        plan.emplace_back(line);
      }
      if (!record->is_null_or_absent("answer")) {
        plan.push_back("done " + canonical(*record->find("answer")));
      }
      plans_[std::string(record->string("task_id"))].push_back(std::move(plan));
    }
  }
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] bool plays(const Task& task, int trial) override {
    const auto found = plans_.find(task.id);
    return found != plans_.end() && static_cast<std::size_t>(trial) < found->second.size();
  }
  std::string play(Episode& episode, int trial, core::Rng&) override {
    return play_plan(episode, plans_.at(episode.task().id)[static_cast<std::size_t>(trial)]);
  }

 private:
  std::string name_;
  std::map<std::string, std::vector<Plan>> plans_;
};

}  // namespace

std::string play_plan(Episode& episode, const Plan& plan) {
  for (const std::string& line : plan) {
    if (episode.steps_left() <= 0) return "limit";
    (void)episode.step(line);
    if (episode.done()) break;
  }
  return "done";
}

std::unique_ptr<Agent> make_agent(std::string_view spec) {
  const std::string text(spec);
  if (spec.starts_with("replay:")) return std::make_unique<Replay>(text.substr(7));
  if (spec == "builtin:oracle") return std::make_unique<Planned>(text, Planned::Which::kOracle);
  if (spec == "builtin:noop") return std::make_unique<Planned>(text, Planned::Which::kNoop);
  if (spec == "builtin:blind") return std::make_unique<Planned>(text, Planned::Which::kBlind);
  if (spec == "builtin:stale-trust") return std::make_unique<Planned>(text, Planned::Which::kStale);
  if (spec == "builtin:inspect-first") return std::make_unique<InspectFirst>();
  if (spec == "builtin:random") return std::make_unique<Random>();
  if (spec.starts_with("builtin:flaky:")) {
    const auto p = core::parse_double(spec.substr(14));
    if (!p || *p < 0 || *p > 1) throw core::usage_error("flaky:p wants a probability from 0 to 1");
    return std::make_unique<Flaky>(text, *p);
  }
  throw core::usage_error("unknown agent " + core::quoted(spec) +
                          "; builtin:oracle, noop, random, blind, stale-trust, inspect-first, "
                          "flaky:P, or replay:FILE");
}

}  // namespace stateutils::bench
