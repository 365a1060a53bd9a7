#include <unordered_map>
#include <utility>

#include "bench/solve/packed_goal.hpp"

namespace stateutils::bench {

PackedGoal::PackedGoal(const PackedSystem& system, const Judge& judge, Store& store)
    : system_(system), judge_(judge), store_(store) {
  for (const Option& option : judge.contract().options) {
    Bits bits;
    for (const Clause& clause : option.require) narrow(clause, bits);
    if (bits.possible) bits_.push_back(bits);
  }
  for (const auto& a : system.actions()) {
    for (const Bits& b : bits_) {
      const auto n = std::count_if(b.parts.begin(), b.parts.end(),
                                   [&](std::uint64_t part) { return (a.clear & part) != 0; });
      most_at_once_ = std::max(most_at_once_, static_cast<int>(n));
    }
  }
}

void PackedGoal::narrow(const Clause& clause, Bits& bits) const {
  if (clause.table != Store::kConfig || clause.key == kNone) return;
  const bool present = clause.op == CountOp::kGe && clause.count == 1;
  const bool once = clause.op == CountOp::kEq && clause.count == 1;
  const bool absent = clause.match.empty() && clause.count == 0 && clause.op != CountOp::kGe;
  const bool equals = (present || once) && clause.match.size() == 1;
  if (!absent && !equals) return;
  std::uint64_t mask = 0, value = 0;
  const Id wanted = absent ? kNone : clause.match.front().second;
  if (!system_.equality(clause.key, wanted, store_, mask, value)) {
    if (system_.knows(clause.key)) bits.possible = false;
    return;
  }
  if ((bits.mask & mask) != 0 && ((bits.value ^ value) & mask) != 0) bits.possible = false;
  bits.mask |= mask;
  bits.value |= value;
  if (mask != 0) bits.parts.push_back(mask);
}

int PackedGoal::distance(std::uint64_t state) const {
  if (bits_.empty()) return 0;
  int least = 64;
  for (const Bits& b : bits_) {
    const auto n = std::count_if(b.parts.begin(), b.parts.end(), [&](std::uint64_t part) {
      return ((state ^ b.value) & part) != 0;
    });
    least = std::min(least, static_cast<int>(n));
  }
  return (least + most_at_once_ - 1) / most_at_once_;
}

std::optional<std::uint64_t> PackedGoal::only_state() const {
  if (bits_.size() != 1) return {};
  // What no clause speaks of must stay as it is, or the frame would be broken.
  const Bits& b = bits_.front();
  const std::uint64_t state = (system_.initial() & ~b.mask) | b.value;
  const auto& options = judge_.contract().options;
  const bool denied =
      std::all_of(options.begin(), options.end(), [](const Option& o) { return o.deny; });
  std::size_t rules = 0, clauses = 0;
  for (const Option& o : options) rules += o.allow.size(), clauses += o.require.size();
  const bool every_change_is_asked_for = denied && rules <= clauses;
  if (!every_change_is_asked_for || !holds(state)) return {};
  return state;
}

namespace {

// Where a search came from, by state.
struct Step {
  std::uint64_t from = 0;
  std::uint32_t action = 0;
  int depth = 0;
};
using Steps = std::unordered_map<std::uint64_t, Step>;

class Guided {
 public:
  Guided(const PackedSystem& system, const Judge& judge, Machine& machine,
         const SearchOptions& options)
      : system_(system),
        machine_(machine),
        options_(options),
        goal_(system, judge, machine.store()) {}

  // Buckets by cost so far plus distance; the distance is consistent, so a state is settled when it
  // is first taken out.
  SearchResult a_star() {
    std::vector<std::vector<std::uint64_t>> open;
    Steps steps;
    std::unordered_map<std::uint64_t, bool> settled;
    const auto push = [&](std::uint64_t state, const Step& step) {
      const auto [at, fresh] = steps.try_emplace(state, step);
      if (!fresh && at->second.depth <= step.depth) return;
      at->second = step;
      const auto cost = static_cast<std::size_t>(step.depth + goal_.distance(state));
      if (open.size() <= cost) open.resize(cost + 1);
      open[cost].push_back(state);
    };
    push(system_.initial(), {});
    for (std::size_t cost = 0; cost < open.size(); ++cost) {
      for (std::size_t i = 0; i < open[cost].size(); ++i) {
        const std::uint64_t state = open[cost][i];
        if (!settled.emplace(state, true).second) continue;
        if (goal_.holds(state)) return solved(way(steps, state), steps.size());
        if (steps.size() > options_.max_states) return ended(SearchEnd::kLimit, steps.size());
        ++expanded_;
        const int depth = steps.at(state).depth + 1;
        system_.expand(state, [&](std::uint32_t action, std::uint64_t next) {
          if (!settled.contains(next)) push(next, {state, action, depth});
        });
      }
    }
    return ended(SearchEnd::kUnsolvable, steps.size());
  }

  // Whole levels from both ends, the smaller first. All states of the levels so far were seen, so
  // the first level that meets the other side meets it on a shortest way.
  std::optional<SearchResult> both_ways() {
    static constexpr double kMostWaysBack = 4096;
    const auto goal = goal_.only_state();
    if (!goal || system_.most_ways_back() > kMostWaysBack) return {};
    Steps sides[2];
    std::vector<std::uint64_t> level[2] = {{system_.initial()}, {*goal}};
    sides[0].emplace(system_.initial(), Step{});
    sides[1].emplace(*goal, Step{});
    if (*goal == system_.initial()) return solved({}, 1);
    while (!level[0].empty() && !level[1].empty()) {
      const int side = level[0].size() <= level[1].size() ? 0 : 1;
      const auto met = grow(side, sides, level[side]);
      const std::size_t seen = sides[0].size() + sides[1].size();
      if (met) {
        std::vector<std::uint32_t> actions = way(sides[0], *met);
        for (std::uint64_t at = *met; at != *goal;) {
          const Step& step = sides[1].at(at);
          actions.push_back(step.action);
          at = step.from;
        }
        return solved(actions, seen);
      }
      if (seen > options_.max_states) return ended(SearchEnd::kLimit, seen);
    }
    return ended(SearchEnd::kUnsolvable, sides[0].size() + sides[1].size());
  }

 private:
  // One level of one side; the first state in it that the other side knows.
  std::optional<std::uint64_t> grow(int side, Steps (&sides)[2],
                                    std::vector<std::uint64_t>& level) {
    std::vector<std::uint64_t> next;
    std::optional<std::uint64_t> met;
    const auto reach = [&](std::uint64_t from, std::uint32_t action, std::uint64_t state) {
      const int depth = sides[side].at(from).depth + 1;
      if (!sides[side].try_emplace(state, Step{from, action, depth}).second) return;
      next.push_back(state);
      if (!met && sides[1 - side].contains(state)) met = state;
    };
    for (const std::uint64_t state : level) {
      ++expanded_;
      if (side == 0) {
        system_.expand(state, [&](std::uint32_t a, std::uint64_t s) { reach(state, a, s); });
      } else {
        system_.expand_back(state, [&](std::uint32_t a, std::uint64_t s) { reach(state, a, s); });
      }
      if (met) break;
    }
    level.swap(next);
    return met;
  }

  [[nodiscard]] std::vector<std::uint32_t> way(const Steps& steps, std::uint64_t at) const {
    std::vector<std::uint32_t> out;
    while (at != system_.initial()) {
      const Step& step = steps.at(at);
      out.push_back(step.action);
      at = step.from;
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

  [[nodiscard]] SearchResult ended(SearchEnd end, std::size_t states) const {
    SearchResult out;
    out.end = end;
    out.states = states;
    out.expanded = expanded_;
    return out;
  }

  [[nodiscard]] SearchResult solved(const std::vector<std::uint32_t>& actions,
                                    std::size_t states) const {
    SearchResult out = ended(SearchEnd::kSolved, states);
    out.steps = static_cast<int>(actions.size());
    Plan plan;
    std::vector<Call> calls;
    for (const std::uint32_t a : actions) {
      calls.push_back(system_.actions()[a].call);
      plan.push_back(machine_.text(calls.back()));
    }
    out.plans.push_back(std::move(plan));
    out.calls.push_back(std::move(calls));
    return out;
  }

  const PackedSystem& system_;
  Machine& machine_;
  const SearchOptions& options_;
  PackedGoal goal_;
  std::uint64_t expanded_ = 0;
};

}  // namespace

std::optional<SearchResult> search_guided(const PackedSystem& system, const Judge& judge,
                                          Machine& machine, const SearchOptions& options) {
  Guided guided(system, judge, machine, options);
  if (options.algorithm == Algorithm::kAstar) return guided.a_star();
  return guided.both_ways();
}

}  // namespace stateutils::bench
