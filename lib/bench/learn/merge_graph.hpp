// The prefix tree of a sample, and the folding of one state into another with an undo log.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bench/learn/strings.hpp"

namespace stateutils::bench {

using StateId = std::uint32_t;
using EdgeId = std::uint32_t;
inline constexpr std::uint32_t kNoState = 0xFFFFFFFFu;

struct Transition {
  std::uint32_t symbol = 0;
  StateId target = kNoState;
  std::uint32_t count = 0;
  EdgeId next = kNoState;  // the same state's transition on a higher symbol
};

struct MergeState {
  EdgeId first = kNoState;
  std::uint32_t visits = 0, stops = 0;  // strings that pass here; that end here
  std::uint32_t accepted = 0, rejected = 0;
};

// Reached states ("red") form a graph; everything else hangs below it as trees ("blue" roots).
// States are numbered in shortlex order of their access words, so a lower id is a shallower state.
class MergeGraph {
 public:
  explicit MergeGraph(const Strings& sample);

  [[nodiscard]] const MergeState& state(StateId s) const { return states_[s]; }
  [[nodiscard]] const Transition& transition(EdgeId e) const { return edges_[e]; }
  [[nodiscard]] std::size_t size() const { return states_.size(); }

  // Turns `edge` to `into` and folds the tree it led to there. `visit(state, tree)` is asked before
  // each pair is joined: false stops, and the caller must undo. `descend(tree)` says whether what
  // is inside a subtree matters; a probe leaves out the others' insides, a merge leaves out
  // nothing.
  template <class Visit, class Descend>
  bool fold(EdgeId edge, StateId into, const Visit& visit, const Descend& descend) {
    stack_.clear();
    stack_.emplace_back(into, edges_[edge].target);
    write(edges_[edge].target, into);
    while (!stack_.empty()) {
      const auto [state, tree] = stack_.back();
      stack_.pop_back();
      if (!visit(state, tree)) return false;
      join(state, tree, descend);
    }
    return true;
  }

  [[nodiscard]] std::size_t mark() const { return log_.size(); }
  void undo(std::size_t mark);
  void commit() { log_.clear(); }

 private:
  struct Change {
    std::uint32_t* place;
    std::uint32_t old;
  };
  void write(std::uint32_t& place, std::uint32_t value) {
    log_.push_back({&place, place});
    place = value;
  }

  template <class Descend>
  void join(StateId state, StateId tree, const Descend& descend) {
    MergeState& s = states_[state];
    const MergeState& t = states_[tree];
    write(s.visits, s.visits + t.visits);
    if (t.stops != 0) write(s.stops, s.stops + t.stops);
    if (t.accepted != 0) write(s.accepted, s.accepted + t.accepted);
    if (t.rejected != 0) write(s.rejected, s.rejected + t.rejected);
    std::uint32_t* link = &s.first;
    for (EdgeId e = t.first, next = kNoState; e != kNoState; e = next) {
      Transition& from = edges_[e];
      next = from.next;
      while (*link != kNoState && edges_[*link].symbol < from.symbol) link = &edges_[*link].next;
      if (*link != kNoState && edges_[*link].symbol == from.symbol) {
        Transition& to = edges_[*link];
        write(to.count, to.count + from.count);
        if (descend(from.target)) stack_.emplace_back(to.target, from.target);
      } else {  // the tree's own edge moves over: its old state is gone
        write(from.next, *link);
        write(*link, e);
        link = &from.next;
      }
    }
  }

  void build(const Strings& sample);

  std::vector<MergeState> states_;
  std::vector<Transition> edges_;
  std::vector<Change> log_;
  std::vector<std::pair<StateId, StateId>> stack_;
};

}  // namespace stateutils::bench
