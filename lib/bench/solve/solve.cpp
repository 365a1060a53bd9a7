#include "bench/solve/solve.hpp"

#include <algorithm>
#include <unordered_map>

#include "bench/solve/candidates.hpp"
#include "bench/solve/known.hpp"
#include "bench/solve/packed.hpp"
#include "core/dom.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint32_t kSearchDone = 0xFFFFFFFEu;  // the pseudo-command that ends with the answer

// Breadth-first search over nodes (state, known), where `known` is a set of items: item 0 is "an
// output differed from the twin's before the first write", the others are argument values.
class Search {
 public:
  Search(const Task& task, Machine& machine, const Judge& judge, const SearchOptions& options)
      : task_(task), machine_(machine), store_(machine.store()), judge_(judge), options_(options) {}

  SearchResult run() {
    candidates_ = find_candidates(task_, store_, !options_.prune);
    prepare_items();
    Known start(words_, 0);
    const bool hidden = task_.twin && options_.needs_evidence;
    if (!hidden) start[0] |= 1;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (known_from_start(store_.atoms.text(items_[i]))) set(start, i + 1);
    }
    if (options_.needs_evidence && task_.twin) compare_with_twin();
    (void)node(task_.initial, known_sets_.intern(start), 0);
    search();
    return finish();
  }

 private:
  using Known = std::vector<Id>;  // bit set in words of 32

  struct Node {
    Id state, known;
    int depth;
    std::uint32_t first_edge = 0, edges = 0;
  };
  struct Edge {
    std::uint32_t command, node;  // reads first, then writes, then kDone
  };
  struct Reading {
    Id mask = kNone;  // items that the output names, as an interned set
    bool failed = false;
  };

  static void set(Known& k, std::size_t bit) { k[bit / 32] |= 1u << (bit % 32); }

  [[nodiscard]] bool known_from_start(std::string_view value) const {
    return instruction_.names(value) || tools_.names(value);
  }

  void item(Id atom) {
    if (atom == kNone || item_index_.contains(atom)) return;
    item_index_.emplace(atom, items_.size());
    items_.push_back(atom);
  }

  void prepare_items() {
    const auto arguments = [&](const Call& call) {
      const Verb& verb = machine_.world().verbs[call.verb];
      for (std::size_t p = 0; p < call.args.size(); ++p) {
        if (verb.params[p].role != Role::kFree) item(call.args[p]);
      }
    };
    for (const Call& call : candidates_.reads) arguments(call);
    for (const Call& call : candidates_.writes) arguments(call);
    for (const Option& option : task_.contract.options) {
      answers_.push_back(option.answer ? answer_item(option.answer->value) : kNone);
    }
    words_ = (items_.size() + 1) / 32 + 1;
    const auto needs = [&](const Call& call) {
      Known k(words_, 0);
      const Verb& verb = machine_.world().verbs[call.verb];
      for (std::size_t p = 0; p < call.args.size(); ++p) {
        if (verb.params[p].role != Role::kFree && call.args[p] != kNone) {
          set(k, item_index_.at(call.args[p]) + 1);
        }
      }
      return k;
    };
    for (const Call& call : candidates_.reads) needs_.push_back(needs(call));
    for (const Call& call : candidates_.writes) {
      needs_.push_back(needs(call));
      set(needs_.back(), 0);
    }
    for (const Call& call : candidates_.reads) tables_read_.push_back(tables_of(call));
  }

  // A text answer must be known like any argument; structured ones are composed by the agent.
  Id answer_item(const std::string& json) {
    if (json.empty() || json.front() != '"') return kNone;
    simdjson::dom::parser parser;
    simdjson::dom::element value;
    if (core::parse_json(parser, json).get(value) != simdjson::SUCCESS) return kNone;
    const Id atom = store_.atoms.string(std::string_view(value));
    item(atom);
    return atom;
  }

  [[nodiscard]] std::vector<Id> tables_of(const Call& call) const {
    std::vector<Id> out;
    const Verb& verb = machine_.world().verbs[call.verb];
    for (const Piece& p : verb.out.pieces) {
      if (p.table != kNone) out.push_back(p.table);
    }
    for (const Guard& g : verb.guards) {
      if (g.path.table != kNone) out.push_back(g.path.table);
    }
    return out;
  }

  void compare_with_twin() {
    Result here, there;
    for (const Call& call : candidates_.reads) {
      machine_.run(task_.initial, call, 0, here);
      machine_.run(*task_.twin, call, 0, there);
      differs_.push_back(here.exit != there.exit || here.out != there.out);
    }
  }

  // What a read shows depends only on the tables it reads, so states that agree there share it.
  const Reading& reading(std::size_t read, Id state) {
    reading_key_.assign(1, static_cast<Id>(read));
    for (const Id t : tables_read_[read]) reading_key_.push_back(store_.table_id(state, t));
    const Id id = reading_keys_.intern(reading_key_);
    if (id < readings_.size()) return readings_[id];
    Result result;
    machine_.run(state, candidates_.reads[read], 0, result);
    Reading& r = readings_.emplace_back();
    r.failed = result.exit != 0;
    if (!r.failed) {
      const SeenText seen(result.out);
      Known mask(words_, 0);
      for (std::size_t i = 0; i < items_.size(); ++i) {
        if (seen.names(store_.atoms.text(items_[i]))) set(mask, i + 1);
      }
      r.mask = known_sets_.intern(mask);
    }
    return r;
  }

  // The node's index, new or known; an edge to it is worth keeping only at the next depth.
  std::uint32_t node(Id state, Id known, int depth) {
    const Id pair[2] = {state, known};
    const Id id = node_keys_.intern(pair);
    if (id == nodes_.size()) nodes_.push_back({state, known, depth});
    return id;
  }

  [[nodiscard]] bool has(Id known, const Known& needed) const {
    const auto k = known_sets_[known];
    for (std::size_t w = 0; w < words_; ++w) {
      if ((needed[w] & ~k[w]) != 0) return false;
    }
    return true;
  }

  void search() {
    // All nodes of one depth are expanded before the next; the level of the first goal is
    // completed so that every shortest plan is there.
    for (std::uint32_t at = 0; at < nodes_.size(); ++at) {
      if (goal_depth_ >= 0 && nodes_[at].depth > goal_depth_) break;
      if (is_goal(at)) {
        if (states_ == 0) states_ = nodes_.size();
        goal_depth_ = nodes_[at].depth;
        goals_.push_back(at);
        continue;
      }
      if (goal_depth_ >= 0 && nodes_[at].depth >= goal_depth_) continue;
      if (nodes_.size() > options_.max_states) {
        limit_ = true;
        return;
      }
      ++expanded_;
      expand(at);
    }
  }

  // A node is a goal when its state is right and no answer is asked, or right after `done`.
  [[nodiscard]] bool is_goal(std::uint32_t at) {
    if (nodes_[at].state == kNone) return true;
    if (!has_evidence(at)) return false;
    return (right(nodes_[at].state) & 1) != 0;
  }

  [[nodiscard]] bool has_evidence(std::uint32_t at) const {
    return (known_sets_[nodes_[at].known][0] & 1) != 0;
  }

  // Bit 0: right without an answer. Bit 1 + i: right for option i with its answer.
  std::uint64_t right(Id state) {
    const auto known = right_.find(state);
    if (known != right_.end()) return known->second;
    std::uint64_t bits = 0;
    const auto& options = task_.contract.options;
    for (std::size_t i = 0; i < options.size() && i < 63; ++i) {
      const bool holds =
          std::all_of(options[i].require.begin(), options[i].require.end(),
                      [&](const Clause& c) { return judge_.clause_holds(c, state); }) &&
          judge_.frame_holds(i, state);
      if (holds) bits |= options[i].answer ? 2ull << i : 1;
    }
    right_.emplace(state, bits);
    return bits;
  }

  [[nodiscard]] bool in_frame(Id state) {
    const auto known = in_frame_.find(state);
    if (known != in_frame_.end()) return known->second;
    bool ok = false;
    for (std::size_t i = 0; i < task_.contract.options.size() && !ok; ++i) {
      ok = judge_.frame_holds(i, state);
    }
    in_frame_.emplace(state, ok);
    return ok;
  }

  void edge(std::uint32_t from, std::uint32_t command, std::uint32_t to) {
    if (nodes_[to].depth != nodes_[from].depth + 1) return;
    if (nodes_[from].edges == 0)
      nodes_[from].first_edge = static_cast<std::uint32_t>(edges_.size());
    ++nodes_[from].edges;
    edges_.push_back({command, to});
  }

  void expand(std::uint32_t at) {
    const Node from = nodes_[at];
    expand_done(at, from);
    // Pack order over reads and writes together keeps the reference unique.
    std::size_t r = 0, w = 0;
    const auto& reads = candidates_.reads;
    const auto& writes = candidates_.writes;
    while (r < reads.size() || w < writes.size()) {
      if (w == writes.size() || (r < reads.size() && reads[r].verb < writes[w].verb)) {
        expand_read(at, from, r++);
      } else {
        expand_write(at, from, w++);
      }
    }
  }

  void expand_done(std::uint32_t at, const Node& from) {
    if (!has_evidence(at)) return;
    const std::uint64_t bits = right(from.state);
    for (std::size_t i = 0; i < answers_.size() && i < 63; ++i) {
      if ((bits & (2ull << i)) == 0) continue;
      if (answers_[i] != kNone) {
        Known needed(words_, 0);
        set(needed, item_index_.at(answers_[i]) + 1);
        if (!has(from.known, needed)) continue;
      }
      Known last(words_, 0);
      last[0] = static_cast<Id>(i);
      edge(at, kSearchDone, node(kNone, known_sets_.intern(last), from.depth + 1));
      return;
    }
  }

  void expand_read(std::uint32_t at, const Node& from, std::size_t read) {
    if (!has(from.known, needs_[read])) return;
    const Reading r = reading(read, from.state);
    const bool tells = from.state == task_.initial && read < differs_.size() && differs_[read];
    if (r.failed && !tells) return;
    const auto before = known_sets_[from.known];
    Known& after = after_;
    after.assign(before.begin(), before.end());
    if (!r.failed) {
      const auto mask = known_sets_[r.mask];
      for (std::size_t w = 0; w < words_; ++w) after[w] |= mask[w];
    }
    if (tells) set(after, 0);
    if (std::equal(after.begin(), after.end(), before.begin())) return;
    const Id known = known_sets_.intern(after);
    edge(at, static_cast<std::uint32_t>(read), node(from.state, known, from.depth + 1));
  }

  void expand_write(std::uint32_t at, const Node& from, std::size_t write) {
    const std::size_t command = candidates_.reads.size() + write;
    if (!has(from.known, needs_[command])) return;
    const Id next = written(write, from.state);
    if (next == kNone) return;
    edge(at, static_cast<std::uint32_t>(command), node(next, from.known, from.depth + 1));
  }

  // Where a write leads, kNone when it is not worth trying. What is known makes no difference to
  // that, so nodes that share a state share it, as long as there is room to remember it.
  [[nodiscard]] Id written(std::size_t write, Id state) {
    static constexpr std::size_t kRemembered = 1u << 16;
    static constexpr Id kUntried = kNone - 1;
    auto known = written_.find(state);
    if (known == written_.end()) {
      if (written_.size() == kRemembered) return try_write(write, state);
      known = written_.emplace(state, std::vector<Id>(candidates_.writes.size(), kUntried)).first;
    }
    Id& next = known->second[write];
    if (next == kUntried) next = try_write(write, state);
    return next;
  }

  [[nodiscard]] Id try_write(std::size_t write, Id state) {
    machine_.run(state, candidates_.writes[write], 0, result_);
    const bool useful = result_.exit == 0 && result_.state != state &&
                        (!options_.prune || candidates_.enables[write] || in_frame(result_.state));
    return useful ? result_.state : kNone;
  }

  [[nodiscard]] SearchResult finish() {
    SearchResult out;
    out.states = states_ == 0 ? nodes_.size() : states_;
    out.expanded = expanded_;
    out.end = !goals_.empty() ? SearchEnd::kSolved
              : limit_        ? SearchEnd::kLimit
                              : SearchEnd::kUnsolvable;
    if (goals_.empty()) return out;
    out.steps = goal_depth_;
    mark_useful();
    std::vector<Call> path;
    collect(0, path, {}, out);
    return out;
  }

  // Nodes from which a goal is reached along shortest edges.
  void mark_useful() {
    useful_.assign(nodes_.size(), false);
    for (const std::uint32_t g : goals_) useful_[g] = true;
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      for (std::uint32_t e = 0; e < nodes_[i].edges && !useful_[i]; ++e) {
        useful_[i] = useful_[edges_[nodes_[i].first_edge + e].node];
      }
    }
  }

  // Plans in order of their commands, so that the first is the reference.
  void collect(std::uint32_t at, std::vector<Call>& path, const std::string& answer,
               SearchResult& out) const {
    if (out.plans.size() >= options_.all_shortest) return;
    if (std::find(goals_.begin(), goals_.end(), at) != goals_.end()) {
      Plan plan;
      for (const Call& call : path) plan.push_back(machine_.text(call));
      if (!answer.empty()) plan.push_back("done " + answer);
      if (out.plans.empty()) out.answer = answer;
      out.plans.push_back(std::move(plan));
      out.calls.push_back(path);
      return;
    }
    for (std::uint32_t e = 0; e < nodes_[at].edges; ++e) {
      const Edge& edge = edges_[nodes_[at].first_edge + e];
      if (!useful_[edge.node]) continue;
      if (edge.command == kSearchDone) {
        const std::size_t option = known_sets_[nodes_[edge.node].known][0];
        collect(edge.node, path, task_.contract.options[option].answer->value, out);
        continue;
      }
      const std::size_t reads = candidates_.reads.size();
      path.push_back(edge.command < reads ? candidates_.reads[edge.command]
                                          : candidates_.writes[edge.command - reads]);
      collect(edge.node, path, answer, out);
      path.pop_back();
    }
  }

  const Task& task_;
  Machine& machine_;
  Store& store_;
  const Judge& judge_;
  const SearchOptions& options_;
  SeenText instruction_{task_.instruction};
  SeenText tools_{machine_.world().public_tools_json};
  Candidates candidates_;
  std::vector<Id> items_, answers_;
  std::unordered_map<Id, std::size_t> item_index_;
  std::size_t words_ = 1;
  std::vector<Known> needs_;
  std::vector<std::vector<Id>> tables_read_;
  std::vector<bool> differs_, useful_;
  SequencePool known_sets_, node_keys_, reading_keys_;
  Known after_;                  // what is known after the read at hand
  std::vector<Id> reading_key_;  // of the read at hand
  std::vector<Reading> readings_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::unordered_map<Id, std::uint64_t> right_;
  std::unordered_map<Id, bool> in_frame_;
  std::unordered_map<Id, std::vector<Id>> written_;  // by state: where each write leads
  Result result_;
  std::vector<std::uint32_t> goals_;
  int goal_depth_ = -1;
  std::uint64_t expanded_ = 0, states_ = 0;
  bool limit_ = false;
};

}  // namespace

namespace {

// A family that finds its optimum in its own way needs no search.
SearchResult own_plans(const FamilyCheck& check, Machine& machine, const SearchOptions& options) {
  SearchResult out;
  for (const std::vector<std::string>& plan : check.plans()) {
    if (out.plans.size() >= options.all_shortest) break;
    std::vector<Call> calls;
    std::string error;
    for (const std::string& line : plan) {
      if (line.starts_with("done ")) {
        if (out.plans.empty()) out.answer = line.substr(5);
      } else if (machine.parse(line, calls.emplace_back(), error) != 0) {
        return out;
      }
    }
    out.plans.push_back(plan);
    out.calls.push_back(std::move(calls));
  }
  if (out.plans.empty()) return out;
  out.end = SearchEnd::kSolved;
  out.steps = static_cast<int>(out.plans.front().size());
  return out;
}

}  // namespace

SearchResult solve(const Task& task, Machine& machine, const Judge& judge,
                   const SearchOptions& options) {
  if (task.contract.options.front().check) {
    return own_plans(*task.contract.options.front().check, machine, options);
  }
  // Without hidden state everything is known, and a world of few values can be searched as bits.
  const bool answers = std::any_of(task.contract.options.begin(), task.contract.options.end(),
                                   [](const Option& o) { return o.answer.has_value(); });
  if (options.prune && !task.twin && !answers) {
    const auto packed = PackedSystem::compile(*task.world, machine.store(), task.initial);
    if (packed) return search_packed(*packed, judge, machine, options);
  }
  return Search(task, machine, judge, options).run();
}

}  // namespace stateutils::bench
