// A partial order of events that lie on a few chains (sessions), closed under "comes before": per
// event and chain, how many of the chain's events come before it and which is the first after it.
// Memory is events times chains; where all pairs would not fit, this does.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace stateutils::sbus {

// Events are numbered chain by chain, each chain in its order.
class ChainClocks {
 public:
  using Edge = std::pair<std::uint32_t, std::uint32_t>;
  // Since the last look, chain `chain` had `before` events before `event` and now has more.
  struct Change {
    std::uint32_t event, chain, before;
  };
  struct Mark {
    std::size_t raised, lowered;
  };

  explicit ChainClocks(std::span<const std::uint32_t> chain_sizes);

  [[nodiscard]] std::uint32_t events() const { return first_.back(); }
  [[nodiscard]] std::uint32_t chains() const { return static_cast<std::uint32_t>(width_); }
  [[nodiscard]] std::uint32_t chain(std::uint32_t event) const { return chain_[event]; }
  [[nodiscard]] std::uint32_t place(std::uint32_t event) const {
    return event - first_[chain_[event]];
  }
  [[nodiscard]] std::uint32_t event(std::uint32_t chain, std::uint32_t place) const {
    return first_[chain] + place;
  }
  [[nodiscard]] std::uint32_t size(std::uint32_t chain) const {
    return first_[chain + 1] - first_[chain];
  }
  // By chain: how many of its events come before `event`.
  [[nodiscard]] std::span<const std::uint32_t> before(std::uint32_t event) const {
    return {&before_[event * width_], width_};
  }
  // By chain: the place of its first event after `event`, its size where there is none.
  [[nodiscard]] std::span<const std::uint32_t> after(std::uint32_t event) const {
    return {&after_[event * width_], width_};
  }
  [[nodiscard]] bool precedes(std::uint32_t from, std::uint32_t to) const {
    return before(to)[chain_[from]] > place(from);
  }

  // All events at once, for many edges: `edges` are all that were ever given here. False on a
  // cycle.
  bool rebuild(std::span<const Edge> edges);
  // One more edge. False when it closes a cycle; the order is as it was then.
  bool insert(std::uint32_t from, std::uint32_t to);
  // What rebuild() and insert() have changed, for the caller to empty.
  [[nodiscard]] std::vector<Change>& changes() { return changes_; }

  // insert() can be taken back to a mark made since the last rebuild() or forget().
  [[nodiscard]] Mark mark() const { return {raised_.size(), lowered_.size()}; }
  void undo(const Mark& mark);
  void forget();
  [[nodiscard]] std::size_t remembered() const { return raised_.size() + lowered_.size(); }

 private:
  struct Old {
    std::size_t at;
    std::uint32_t value;
  };
  bool topological(std::span<const Edge> edges);
  bool raise(std::uint32_t event);
  bool lower(std::uint32_t event);

  std::size_t width_;
  std::vector<std::uint32_t> first_, chain_, before_, after_;
  std::vector<Change> changes_;
  std::vector<Old> raised_, lowered_;
  std::vector<std::uint32_t> row_before_, row_after_;  // of the edge at hand
  // Of rebuild(): edges by source, and the events so that all of them lead forward.
  std::vector<std::uint32_t> first_out_, out_, order_;
};

}  // namespace stateutils::sbus
