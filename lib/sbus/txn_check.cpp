#include "sbus/txn_check.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "sbus/chain_order.hpp"
#include "sbus/cycles.hpp"
#include "sbus/forced_order.hpp"
#include "sbus/key_order.hpp"
#include "sbus/likely_order.hpp"
#include "sbus/serial_order.hpp"
#include "sbus/txn_facts.hpp"
#include "sbus/weak_levels.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::array<std::string_view, 11> kAnomalyNames{"rc",  "ra", "cc", "ryw", "mr",    "mw",
                                                         "wfr", "pc", "si", "ser", "strict"};
// Steps that the search for cycles to show may take; the verdict does not wait for it.
constexpr std::uint64_t kCycleSteps = 200'000'000;

bool is_weak(Level level) {
  return level < Level::kPc;
}

// The levels that follow from one. Without session edges si and ser say nothing about the levels
// that keep sessions.
std::vector<Level> implied(Level level, bool sessions) {
  switch (level) {
    case Level::kStrict:
      return {Level::kRc, Level::kRa,  Level::kCc, Level::kRyw, Level::kMr,
              Level::kMw, Level::kWfr, Level::kPc, Level::kSi,  Level::kSer};
    case Level::kSer: {
      if (!sessions) return {Level::kSi};
      std::vector<Level> out = implied(Level::kSi, true);
      out.push_back(Level::kSi);
      return out;
    }
    case Level::kSi: {
      if (!sessions) return {};
      std::vector<Level> out = implied(Level::kPc, true);
      out.push_back(Level::kPc);
      return out;
    }
    case Level::kPc:
      return {Level::kRc, Level::kRa, Level::kCc, Level::kRyw, Level::kMr, Level::kMw, Level::kWfr};
    case Level::kCc:
      return {Level::kRc, Level::kRa, Level::kRyw, Level::kMr, Level::kMw, Level::kWfr};
    case Level::kRa:
      return {Level::kRc, Level::kRyw};
    default:
      return {};
  }
}

class Checker {
 public:
  Checker(const TxnHistory& history, const TxnOptions& options, const std::string& file)
      : h_(history), o_(options), facts_(find_facts(history, options.allow_dup, file)) {}

  TxnResult run() {
    out_.anomalies = facts_.anomalies;
    if (!out_.anomalies.empty()) {
      out_.verdict = Verdict::kInvalid;
    }
    const Verdict order = is_weak(o_.level) ? weak() : strong();
    if (out_.verdict == Verdict::kValid) out_.verdict = order;
    settle();
    return std::move(out_);
  }

 private:
  Verdict weak() {
    const DepGraph graph = saturated(h_, facts_, o_.level);
    if (graph.acyclic()) return Verdict::kValid;
    show_cycles(graph, h_.txns.size() + 1);
    return Verdict::kInvalid;
  }

  // Edges of sessions and time between whole transactions; points of time are nodes after them.
  void add_orders(std::vector<Dep>& deps, std::size_t& nodes, bool sessions, bool real_time) const {
    for (const auto& session : facts_.sessions) {
      for (std::size_t i = 1; sessions && i < session.size(); ++i) {
        deps.push_back({session[i - 1], session[i], DepKind::kSession, Dep::kNoKey});
      }
    }
    if (!real_time) return;
    std::vector<std::int64_t> ends;
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      const Txn& txn = h_.txns[t];
      if (facts_.committed[t] && txn.timed && txn.end != Call::kNever) ends.push_back(txn.end);
    }
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    const auto point = [&](std::ptrdiff_t i) {
      return static_cast<std::uint32_t>(nodes + static_cast<std::size_t>(i));
    };
    const auto edge = [&](std::uint32_t from, std::uint32_t to) {
      deps.push_back({from, to, DepKind::kRealTime, Dep::kNoKey});
    };
    for (std::ptrdiff_t i = 1; i < std::ssize(ends); ++i) edge(point(i - 1), point(i));
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      const Txn& txn = h_.txns[t];
      if (!facts_.committed[t] || !txn.timed) continue;
      if (txn.end != Call::kNever) {
        edge(t, point(std::lower_bound(ends.begin(), ends.end(), txn.end) - ends.begin()));
      }
      const auto before = std::lower_bound(ends.begin(), ends.end(), txn.start) - ends.begin();
      if (before > 0) edge(point(before - 1), t);
    }
    nodes += ends.size();
  }

  [[nodiscard]] bool keeps_sessions() const {
    return o_.sessions || o_.level == Level::kStrict || o_.level == Level::kPc;
  }

  // ser and strict on whole transactions; si and pc with reads and writes of a transaction as two
  // nodes (Biswas and Enea, section 4): 2 t reads, 2 t + 1 writes.
  Verdict strong() {
    const bool split = o_.level == Level::kPc || o_.level == Level::kSi;
    std::size_t nodes = h_.txns.size();
    std::vector<Dep> deps = facts_.deps;
    if (o_.sequential_keys && !h_.list_append) add_sequential_keys(h_, facts_, deps);
    if (o_.linearizable_keys && !h_.list_append) add_linearizable_keys(h_, facts_, deps);
    add_orders(deps, nodes, keeps_sessions(), o_.level == Level::kStrict);
    if (has_simple_order(deps, nodes)) return Verdict::kValid;
    add_initial_reads(deps);
    const DepGraph whole(nodes, deps);
    const bool cyclic = !whole.acyclic();
    if (!split) {
      if (cyclic) {
        show_cycles(whole, h_.txns.size());
        return Verdict::kInvalid;
      }
      if (h_.list_append) return Verdict::kValid;
      const Verdict kept = keep_sessions(nodes, deps);
      return kept != Verdict::kUnknown ? kept : choose(nodes, deps, o_.level);
    }
    std::vector<Dep> parts = split_nodes(deps);
    if (!DepGraph(h_.txns.size() * 2, parts).acyclic()) {
      show_cycles(whole, h_.txns.size());
      return Verdict::kInvalid;
    }
    if (h_.list_append) return Verdict::kValid;
    const Verdict kept = keep_sessions(h_.txns.size() * 2, parts);
    if (kept != Verdict::kUnknown) return kept;
    // A serial order would do, and is the smaller question.
    if (!cyclic && choose(nodes, deps, Level::kSer) == Verdict::kValid) return Verdict::kValid;
    return choose(h_.txns.size() * 2, parts, o_.level);
  }

  // Orders that keep the sessions are found, or refused, in histories of any size; what keeps them
  // proves the level also where it does not ask for that.
  Verdict keep_sessions(std::size_t nodes, const std::vector<Dep>& deps) {
    const bool split = o_.level == Level::kPc || o_.level == Level::kSi;
    const bool points_of_time = nodes > h_.txns.size() * (split ? 2 : 1);
    if (!o_.solve || points_of_time) return Verdict::kUnknown;
    const OrderRules rules{.split = split, .writers_apart = o_.level == Level::kSi};
    std::uint64_t steps = o_.budget;
    const ChainOutcome found = order_chains(facts_, rules, deps, steps);
    if (found.verdict != Verdict::kInvalid) return found.verdict;
    if (!keeps_sessions()) return Verdict::kUnknown;
    // Edges that are forced without the help of sessions make the plainer cycle.
    std::uint64_t naming = std::min(o_.budget, kCycleSteps);
    std::vector<Dep> forced;
    if (!forces_contradiction(facts_, rules, nodes, deps, naming, forced)) forced = found.forced;
    if (forced.empty()) {
      ++out_.anomalies["no-order-of-writes"];
    } else {
      name_contradiction(nodes, deps, forced, split);
    }
    return Verdict::kInvalid;
  }

  // A serial order that keeps what the level keeps proves any strong level. Most histories keep
  // session order and causality too, whose consequences for the writes lead past the dead ends.
  [[nodiscard]] bool has_simple_order(const std::vector<Dep>& deps, std::size_t nodes) const {
    if (h_.list_append || !o_.solve) return false;
    const auto init = static_cast<std::uint32_t>(h_.txns.size());
    const DepGraph causal = saturated(h_, facts_, Level::kCc);
    std::vector<Dep> all = deps;
    for (std::uint32_t t = 0; t < init; ++t) {
      for (const Dep& dep : causal.out(t)) {
        if (dep.to != init) all.push_back(dep);
      }
    }
    return has_serial_order(h_, facts_, all, nodes) || has_serial_order(h_, facts_, deps, nodes);
  }

  // A reader of the initial state comes before every writer.
  void add_initial_reads(std::vector<Dep>& deps) const {
    if (h_.list_append) return;
    for (const ExternalRead& read : facts_.reads) {
      if (read.writer != TxnFacts::kInit) continue;
      for (const std::uint32_t t : facts_.writers[read.key]) {
        if (t != read.txn) deps.push_back({read.txn, t, DepKind::kRw, read.key});
      }
    }
  }
  [[nodiscard]] std::vector<Dep> split_nodes(const std::vector<Dep>& deps) const {
    std::vector<Dep> out;
    for (std::uint32_t t = 0; t < h_.txns.size(); ++t) {
      out.push_back({2 * t, 2 * t + 1, DepKind::kSession, Dep::kNoKey});
    }
    for (const Dep& dep : deps) {
      Dep part = dep;
      part.from = dep.kind == DepKind::kRw ? 2 * dep.from : 2 * dep.from + 1;
      // Under si two writers of a key do not overlap: the second begins after the first ended.
      const bool to_write =
          dep.kind == DepKind::kRw || (dep.kind == DepKind::kWw && o_.level == Level::kPc);
      part.to = to_write ? 2 * dep.to + 1 : 2 * dep.to;
      out.push_back(part);
    }
    return out;
  }

  // Registers: for every read and every other writer of the key, the writer comes before the one
  // read from or after the reader.
  Verdict choose(std::size_t nodes, std::vector<Dep> deps, Level level) {
    const bool split = level == Level::kPc || level == Level::kSi;
    const std::uint64_t open = choices_of(level);
    if (!o_.solve && open > 0) return Verdict::kUnknown;
    std::uint64_t steps = o_.budget;
    std::vector<Dep> forced;
    if (forces_contradiction(facts_, {.split = split, .writers_apart = level == Level::kSi}, nodes,
                             deps, steps, forced)) {
      if (level == o_.level) name_contradiction(nodes, std::move(deps), forced, split);
      return Verdict::kInvalid;
    }
    deps.insert(deps.end(), forced.begin(), forced.end());
    if (!split && has_guessed_order(deps, nodes)) return Verdict::kValid;
    constexpr std::uint64_t kMostChoices = 4'000'000;
    if (open > kMostChoices) return Verdict::kUnknown;
    const Verdict verdict = choose_acyclic(nodes, deps, open_choices(level), steps);
    if (verdict == Verdict::kInvalid && level == o_.level) ++out_.anomalies["no-order-of-writes"];
    return verdict;
  }
  [[nodiscard]] std::vector<Choice> open_choices(Level level) const {
    const bool split = level == Level::kPc || level == Level::kSi;
    std::vector<Choice> choices;
    const auto reads_node = [&](std::uint32_t t) { return split ? 2 * t : t; };
    const auto writes_node = [&](std::uint32_t t) { return split ? 2 * t + 1 : t; };
    for (const ExternalRead& read : facts_.reads) {
      if (read.writer == TxnFacts::kInit) continue;
      for (const std::uint32_t t : facts_.writers[read.key]) {
        if (t == read.writer || t == read.txn) continue;
        choices.push_back({{writes_node(t), writes_node(read.writer), DepKind::kWw, read.key},
                           {reads_node(read.txn), writes_node(t), DepKind::kRw, read.key}});
      }
    }
    if (level == Level::kSi) {
      for (std::uint32_t key = 0; key < facts_.writers.size(); ++key) {
        const auto& writers = facts_.writers[key];
        for (std::size_t i = 0; i < writers.size(); ++i) {
          for (std::size_t j = i + 1; j < writers.size(); ++j) {
            choices.push_back(
                {{writes_node(writers[i]), reads_node(writers[j]), DepKind::kWw, key},
                 {writes_node(writers[j]), reads_node(writers[i]), DepKind::kWw, key}});
          }
        }
      }
    }
    return choices;
  }
  // Most histories keep the order of sessions also where the level does not ask for it, and what
  // that forces leaves less to guess.
  [[nodiscard]] bool has_guessed_order(const std::vector<Dep>& deps, std::size_t nodes) const {
    std::uint64_t steps = o_.budget;
    if (!keeps_sessions()) {
      std::vector<Dep> more = deps, forced;
      std::size_t same = nodes;
      add_orders(more, same, true, false);
      if (!forces_contradiction(facts_, {}, nodes, more, steps, forced)) {
        more.insert(more.end(), forced.begin(), forced.end());
        if (has_likely_order(facts_, nodes, std::move(more), steps)) return true;
      }
    }
    return has_likely_order(facts_, nodes, deps, steps);
  }
  // How many orders of two writes the level leaves open, those that the rest decides among them.
  [[nodiscard]] std::uint64_t choices_of(Level level) const {
    std::uint64_t out = 0;
    for (const ExternalRead& read : facts_.reads) {
      if (read.writer == TxnFacts::kInit) continue;
      const bool both[] = {is_writer(read.writer, read.key), is_writer(read.txn, read.key)};
      out += facts_.writers[read.key].size() - (both[0] ? 1 : 0) - (both[1] ? 1 : 0);
    }
    for (const auto& writers : facts_.writers) {
      if (level == Level::kSi) out += std::uint64_t{writers.size()} * (writers.size() - 1) / 2;
    }
    return out;
  }

  // Shows the cycle that the forced edges close; a contradiction that only a search found has none
  // to show.
  void name_contradiction(std::size_t nodes, std::vector<Dep> deps, const std::vector<Dep>& forced,
                          bool split) {
    deps.insert(deps.end(), forced.begin(), forced.end());
    if (split) {
      std::erase_if(deps, [](const Dep& dep) { return dep.from / 2 == dep.to / 2; });
      for (Dep& dep : deps) {
        dep.from /= 2;
        dep.to /= 2;
      }
      nodes = h_.txns.size();
    }
    // A reader that writes the key too comes before the other writer as a writer as well. Of two
    // that come before each other the one that is first in the history is said to be.
    std::stable_partition(deps.begin(), deps.end(),
                          [](const Dep& dep) { return dep.from < dep.to; });
    std::set<std::pair<std::uint32_t, std::uint32_t>> ordered;
    std::vector<Dep> also;
    for (const Dep& dep : deps) {
      if (dep.kind != DepKind::kRw || dep.key == Dep::kNoKey) continue;
      if (!is_writer(dep.from, dep.key) || ordered.contains({dep.to, dep.from})) continue;
      ordered.emplace(dep.from, dep.to);
      also.push_back({dep.from, dep.to, DepKind::kWw, dep.key});
    }
    deps.insert(deps.end(), also.begin(), also.end());
    const auto before = out_.anomalies.size();
    show_cycles(DepGraph(nodes, deps), h_.txns.size());
    if (out_.anomalies.size() == before) ++out_.anomalies["no-order-of-writes"];
  }
  [[nodiscard]] bool is_writer(std::uint32_t t, std::uint32_t key) const {
    const auto& writers = facts_.writers[key];
    return std::binary_search(writers.begin(), writers.end(), t);
  }

  void show_cycles(const DepGraph& graph, std::size_t events) {
    CycleSearch found =
        find_cycles(graph, events, o_.level != Level::kSi && o_.level != Level::kPc, kCycleSteps);
    if (found.timeout) ++out_.anomalies["cycle-search-timeout"];
    for (const FoundCycle& cycle : found.cycles) {
      ++out_.anomalies[cycle.type];
      if (out_.cycles.size() >= o_.max_cycles) continue;
      Cycle shown{cycle.type, {}};
      for (const Dep& dep : cycle.edges) {
        shown.steps.push_back({dep.from, dep.kind, key_name(dep.key), why(dep)});
      }
      out_.cycles.push_back(std::move(shown));
    }
  }
  // Texts are kept in quotes, to be told from numbers; people need none.
  [[nodiscard]] std::string key_name(std::uint32_t key) const {
    if (key == Dep::kNoKey) return {};
    std::string text = h_.keys.text(key);
    return text.starts_with('"') ? text.substr(1, text.size() - 2) : text;
  }
  [[nodiscard]] std::string why(const Dep& dep) const {
    const auto name = [this](std::uint32_t t) {
      return t < h_.txns.size() ? "T" + std::to_string(t) : std::string("the initial state");
    };
    const std::string key = key_name(dep.key);
    switch (dep.kind) {
      case DepKind::kWw:
        return name(dep.to) + " wrote " + key + " after " + name(dep.from);
      case DepKind::kWr:
        return name(dep.to) + " read " + key + " as " + name(dep.from) + " wrote it";
      case DepKind::kRw:
        return name(dep.from) + " read " + key + " before " + name(dep.to) + " wrote it";
      case DepKind::kSession:
        return name(dep.to) + " follows " + name(dep.from) + " in its session";
      case DepKind::kRealTime:
        break;
    }
    return name(dep.to) + " began after " + name(dep.from) + " had ended";
  }

  void settle() {
    if (out_.verdict == Verdict::kUnknown) return;
    const bool valid = out_.verdict == Verdict::kValid;
    for (std::size_t i = 0; i < kAnomalyNames.size(); ++i) {
      const auto other = static_cast<Level>(i);
      const auto follows = [&](Level from, Level to) {
        if (from == to) return true;
        const auto list = implied(from, o_.sessions);
        return std::find(list.begin(), list.end(), to) != list.end();
      };
      if (valid && follows(o_.level, other)) out_.holds.push_back(other);
      // What is read from nowhere, or from an aborted transaction, fails every level.
      if (!valid && (!facts_.anomalies.empty() || follows(other, o_.level)))
        out_.fails.push_back(other);
    }
  }

  const TxnHistory& h_;
  const TxnOptions& o_;
  TxnFacts facts_;
  TxnResult out_;
};

}  // namespace

std::optional<Level> level_by_name(std::string_view name) {
  for (std::size_t i = 0; i < kAnomalyNames.size(); ++i) {
    if (kAnomalyNames[i] == name) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::string_view level_name(Level level) {
  return kAnomalyNames[static_cast<std::size_t>(level)];
}

TxnResult check_txns(const TxnHistory& history, const TxnOptions& options,
                     const std::string& file) {
  return Checker(history, options, file).run();
}

}  // namespace stateutils::sbus
