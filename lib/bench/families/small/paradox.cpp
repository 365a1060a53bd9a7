// Finite-domain constraint systems: an assignment, or a minimal set of constraints that cannot all
// hold.
#include <algorithm>
#include <set>

#include "bench/families/small/small.hpp"
#include "bench/judge/family_check.hpp"
#include "core/dom.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kMaxAssignments = 1'000'000;
constexpr std::size_t kMaxConstraints = 16;  // subsets are enumerated

struct Variable {
  std::string name;
  std::int64_t min = 0, max = 0;
};
struct Constraint {  // w.x <= b
  std::string id;
  std::vector<std::int64_t> w;
  std::int64_t b = 0;
};
using Mask = std::uint32_t;  // one bit per constraint

struct ConstraintSystem {
  std::vector<Variable> variables;
  std::vector<Constraint> constraints;

  [[nodiscard]] Mask violated(const std::vector<std::int64_t>& x) const {
    Mask out = 0;
    for (std::size_t c = 0; c < constraints.size(); ++c) {
      std::int64_t sum = 0;
      for (std::size_t v = 0; v < x.size(); ++v) sum += constraints[c].w[v] * x[v];
      if (sum > constraints[c].b) out |= Mask{1} << c;
    }
    return out;
  }

  // Calls use(assignment) for all of them until it returns false.
  template <class Use>
  void each(const Use& use) const {
    std::vector<std::int64_t> x;
    for (const Variable& v : variables) x.push_back(v.min);
    for (;;) {
      if (!use(x)) return;
      std::size_t v = x.size();
      while (v > 0 && x[v - 1] == variables[v - 1].max) x[v - 1] = variables[v - 1].min, --v;
      if (v == 0) return;
      ++x[v - 1];
    }
  }

  // Whether the constraints of `subset` can hold together.
  [[nodiscard]] bool satisfiable(Mask subset) const {
    bool found = false;
    each([&](const auto& x) { return !(found = (violated(x) & subset) == 0); });
    return found;
  }
};

// All minimal unsatisfiable subsets: a subset is unsatisfiable when it meets the violated set of
// every assignment; by size, skipping supersets of what was found.
std::vector<Mask> all_muses(const ConstraintSystem& system) {
  std::set<Mask> sets;
  system.each([&](const auto& x) {
    sets.insert(system.violated(x));
    return true;
  });
  std::vector<Mask> out;
  const std::size_t n = system.constraints.size();
  for (int size = 1; size <= static_cast<int>(n); ++size) {
    for (Mask s = 1; s < Mask{1} << n; ++s) {
      if (__builtin_popcount(s) != size) continue;
      const bool covered =
          std::any_of(out.begin(), out.end(), [&](Mask m) { return (s & m) == m; });
      const bool meets_all =
          std::all_of(sets.begin(), sets.end(), [&](Mask v) { return (s & v) != 0; });
      if (!covered && meets_all) out.push_back(s);
    }
  }
  return out;
}

class ParadoxCheck : public FamilyCheck {
 public:
  explicit ParadoxCheck(ConstraintSystem system)
      : system_(std::move(system)), muses_(all_muses(system_)) {
    system_.each([&](const auto& x) {
      if (system_.violated(x) != 0) return true;
      solution_ = x;
      return false;
    });
  }

  [[nodiscard]] std::string_view name() const override { return "answer"; }

  [[nodiscard]] double quality(const Store&, Id, std::string_view answer) const override {
    Given given;
    if (!read(answer, given)) return 0;
    if (given.feasible) return system_.violated(given.assignment) == 0 ? 1 : 0;
    if (system_.satisfiable(given.subset)) return 0;
    for (Mask rest = given.subset; rest != 0; rest &= rest - 1) {
      if (!system_.satisfiable(given.subset & ~(rest & -rest))) return 0;  // not minimal
    }
    return 1;
  }

  [[nodiscard]] bool is_right(const Store&, Id, std::string_view answer) const override {
    Given given;
    if (!read(answer, given)) return false;
    if (!given.feasible) {
      return std::find(muses_.begin(), muses_.end(), given.subset) != muses_.end();
    }
    bool found = false;
    system_.each([&](const auto& x) {
      found = found || (x == given.assignment && system_.violated(x) == 0);
      return !found;
    });
    return found;
  }

  [[nodiscard]] std::vector<std::vector<std::string>> plans() const override {
    std::vector<std::vector<std::string>> out;
    if (!solution_.empty()) return {{"done " + assignment_json(solution_)}};
    for (const Mask m : muses_) out.push_back({"done " + subset_json(m)});
    return out;
  }

  [[nodiscard]] std::vector<WrongAnswer> wrong_answers() const override {
    std::vector<WrongAnswer> out;
    const std::size_t n = system_.constraints.size();
    const auto all = static_cast<Mask>((Mask{1} << n) - 1);
    out.push_back({"verdict_only", "{\"verdict\":\"feasible\"}"});
    out.push_back({"verdict_only", "{\"verdict\":\"infeasible\"}"});
    out.push_back({"verdict_text", "\"feasible\""});
    out.push_back({"verdict_text", "\"infeasible\""});
    out.push_back({"subset_all", subset_json(all)});
    out.push_back({"subset_empty", subset_json(0)});
    for (std::size_t c = 0; c < n; ++c) {
      out.push_back({"subset_single", subset_json(Mask{1} << c)});
      out.push_back({"subset_rest", subset_json(all & ~(Mask{1} << c))});
      for (const Mask m : muses_) {
        const Mask bit = Mask{1} << c;
        out.push_back({(m & bit) != 0 ? "subset_drop" : "subset_add", subset_json(m ^ bit)});
      }
    }
    std::vector<std::int64_t> base = solution_;
    if (base.empty()) {
      for (const Variable& v : system_.variables) base.push_back(v.min);
      out.push_back({"verdict_flip", assignment_json(base)});
    }
    for (std::size_t v = 0; v < base.size(); ++v) {
      for (std::int64_t value = system_.variables[v].min - 2; value <= system_.variables[v].max + 2;
           ++value) {
        std::vector<std::int64_t> x = base;
        x[v] = value;
        const bool inside = value >= system_.variables[v].min && value <= system_.variables[v].max;
        out.push_back({inside ? "value" : "value_outside", assignment_json(x)});
      }
      std::vector<std::int64_t> shorter = base;
      shorter.pop_back();
      out.push_back({"variable_drop", assignment_json(shorter)});
    }
    return out;
  }

  [[nodiscard]] const std::vector<Mask>& muses() const { return muses_; }
  [[nodiscard]] bool feasible() const { return !solution_.empty(); }

 private:
  struct Given {
    bool feasible = false;
    std::vector<std::int64_t> assignment;
    Mask subset = 0;
  };

  [[nodiscard]] bool read(std::string_view answer, Given& out) const {
    simdjson::dom::parser parser;
    simdjson::dom::element json;
    std::string_view verdict;
    if (answer.empty() || core::parse_json(parser, answer).get(json) != simdjson::SUCCESS ||
        json["verdict"].get(verdict) != simdjson::SUCCESS) {
      return false;
    }
    if (verdict == "feasible") return out.feasible = true, read_assignment(json, out);
    return verdict == "infeasible" && read_subset(json, out);
  }

  // Every variable once, inside its domain, and no others.
  bool read_assignment(simdjson::dom::element json, Given& out) const {
    simdjson::dom::object values;
    if (json["assignment"].get(values) != simdjson::SUCCESS) return false;
    if (values.size() != system_.variables.size()) return false;
    for (const Variable& v : system_.variables) {
      std::int64_t value = 0;
      if (values[v.name].get(value) != simdjson::SUCCESS || value < v.min || value > v.max) {
        return false;
      }
      out.assignment.push_back(value);
    }
    return true;
  }

  bool read_subset(simdjson::dom::element json, Given& out) const {
    simdjson::dom::array ids;
    if (json["mus"].get(ids) != simdjson::SUCCESS) return false;
    for (const auto id : ids) {
      std::string_view text;
      if (id.get(text) != simdjson::SUCCESS) return false;
      std::size_t c = 0;
      while (c < system_.constraints.size() && system_.constraints[c].id != text) ++c;
      if (c == system_.constraints.size() || (out.subset & (Mask{1} << c)) != 0) return false;
      out.subset |= Mask{1} << c;
    }
    return true;
  }

  [[nodiscard]] std::string assignment_json(const std::vector<std::int64_t>& x) const {
    std::vector<std::pair<std::string, std::int64_t>> sorted;
    for (std::size_t v = 0; v < x.size(); ++v) sorted.emplace_back(system_.variables[v].name, x[v]);
    std::sort(sorted.begin(), sorted.end());
    std::string out;
    core::JsonWriter json(out);
    json.begin_object().key("assignment").begin_object();
    for (const auto& [name, value] : sorted) json.field(name, value);
    json.end_object().field("verdict", "feasible").end_object();
    return out;
  }
  [[nodiscard]] std::string subset_json(Mask subset) const {
    std::string out;
    core::JsonWriter json(out);
    json.begin_object().key("mus").begin_array();
    for (std::size_t c = 0; c < system_.constraints.size(); ++c) {
      if ((subset & (Mask{1} << c)) != 0) json.value(system_.constraints[c].id);
    }
    json.end_array().field("verdict", "infeasible").end_object();
    return out;
  }

  ConstraintSystem system_;
  std::vector<Mask> muses_;
  std::vector<std::int64_t> solution_;
};

ConstraintSystem read_system(const Cursor& json) {
  static constexpr std::int64_t kBound = 1'000'000;
  const auto bounded = [](const Cursor& n) {
    if (n.integer() < -kBound || n.integer() > kBound) throw n.error("from -10^6 to 10^6");
    return n.integer();
  };
  ConstraintSystem out;
  std::uint64_t total = 1;
  json.at("variables").items([&](const Cursor& v) {
    Variable& added = out.variables.emplace_back();
    added.name = std::string(v.at("name").string());
    added.min = bounded(v.at("min"));
    added.max = bounded(v.at("max"));
    if (added.min > added.max) throw v.error("min is above max");
    total *= static_cast<std::uint64_t>(added.max - added.min + 1);
    if (total > kMaxAssignments) throw v.error("more than 10^6 assignments");
  });
  if (out.variables.empty()) throw json.at("variables").error("holds no variables");
  json.at("constraints").items([&](const Cursor& c) {
    Constraint& added = out.constraints.emplace_back();
    added.id = std::string(c.at("id").string());
    added.b = bounded(c.at("b"));
    c.at("w").items([&](const Cursor& w) { added.w.push_back(bounded(w)); });
    if (added.w.size() != out.variables.size()) throw c.error("one weight per variable");
    if (out.constraints.size() > kMaxConstraints) throw c.error("more than 16 constraints");
  });
  return out;
}

ConstraintSystem draw_system(std::size_t variables, std::size_t constraints, core::Rng& rng) {
  ConstraintSystem out;
  for (std::size_t v = 0; v < variables; ++v)
    out.variables.push_back({"x" + std::to_string(v), 0, 6});
  while (out.constraints.size() < constraints) {
    Constraint c;
    c.id = "c" + std::to_string(out.constraints.size());
    bool any = false;
    for (std::size_t v = 0; v < variables; ++v) {
      c.w.push_back(static_cast<std::int64_t>(rng.below(5)) - 2);
      any = any || c.w.back() != 0;
    }
    c.b = static_cast<std::int64_t>(rng.below(13)) - 6;
    if (any) out.constraints.push_back(std::move(c));
  }
  return out;
}

std::string system_text(const ConstraintSystem& system) {
  std::string out;
  for (const Constraint& c : system.constraints) {
    out += out.empty() ? "" : "; ";
    out += c.id + ": ";
    bool first = true;
    for (std::size_t v = 0; v < c.w.size(); ++v) {
      if (c.w[v] == 0) continue;
      if (!first) out += " + ";
      first = false;
      out += std::to_string(c.w[v]) + "*" + system.variables[v].name;
    }
    out += " <= " + std::to_string(c.b);
  }
  return out;
}

void write_system(const ConstraintSystem& system, const ParadoxCheck& check, TaskRecord& task) {
  std::string variables, constraints, muses;
  core::JsonWriter v(variables);
  v.begin_array();
  for (const Variable& x : system.variables) {
    v.begin_object().field("max", x.max).field("min", x.min).field("name", x.name).end_object();
  }
  v.end_array();
  core::JsonWriter c(constraints);
  c.begin_array();
  for (const Constraint& k : system.constraints) {
    c.begin_object().field("b", k.b).field("id", k.id).key("w").begin_array();
    for (const std::int64_t w : k.w) c.value(w);
    c.end_array().end_object();
  }
  c.end_array();
  core::JsonWriter m(muses);
  m.begin_array();
  for (const Mask mask : check.muses()) {
    m.begin_array();
    for (std::size_t i = 0; i < system.constraints.size(); ++i) {
      if ((mask & (Mask{1} << i)) != 0) m.value(i);
    }
    m.end_array();
  }
  m.end_array();
  task.set("variables", variables);
  task.set("constraints", constraints);
  task.set("feasible", check.feasible() ? "true" : "false");
  task.set("muses", muses);
}

}  // namespace

// Three kinds in turn: feasible, smallest MUS of two constraints, of three.
TaskRecord make_paradox(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  const int wanted = index % 3 == 0 ? 0 : static_cast<int>(index % 3) + 1;
  const std::size_t constraints = options.difficulty == "easy"   ? 6
                                  : options.difficulty == "hard" ? 10
                                                                 : 8;
  for (;;) {
    const ConstraintSystem system = draw_system(3, constraints, rng);
    const ParadoxCheck check(system);
    const int smallest = check.feasible() ? 0 : __builtin_popcount(check.muses().front());
    if (smallest != wanted) continue;
    TaskRecord task = small_record(
        options, wanted == 0 ? "feasible" : "infeasible", "consistency", index,
        "Integers x0, x1, x2 from 0 to 6 have to satisfy all of: " + system_text(system) +
            ". Finish with {\"verdict\":\"feasible\",\"assignment\":{NAME: VALUE...}}, or, when "
            "that is impossible, with {\"verdict\":\"infeasible\",\"mus\":[ID...]}: a minimal set "
            "of constraints that cannot all hold.");
    write_system(system, check, task);
    return task;
  }
}

void read_paradox(const Cursor& json, Store& store, Task& task) {
  task.base = task.initial = store.empty_state();
  Option option;
  option.check = std::make_shared<ParadoxCheck>(read_system(json));
  task.reference = {option.check->plans().front()};
  task.optimal_steps = 1;
  task.contract.options.push_back(std::move(option));
}

}  // namespace stateutils::bench
