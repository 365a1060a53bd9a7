#include "sbus/chain_clocks.hpp"

#include <algorithm>

namespace stateutils::sbus {

ChainClocks::ChainClocks(std::span<const std::uint32_t> chain_sizes)
    : width_(chain_sizes.size()), first_{0} {
  for (std::uint32_t c = 0; c < width_; ++c) {
    first_.push_back(first_.back() + chain_sizes[c]);
    chain_.resize(first_.back(), c);
  }
  before_.assign(chain_.size() * width_, 0);
  after_.resize(chain_.size() * width_);
  for (std::uint32_t e = 0; e < chain_.size(); ++e) {
    std::copy(chain_sizes.begin(), chain_sizes.end(), &after_[e * width_]);
    before_[e * width_ + chain_[e]] = place(e);
    after_[e * width_ + chain_[e]] = place(e) + 1;
  }
}

// Kahn's algorithm over chains and edges.
bool ChainClocks::topological(std::span<const Edge> edges) {
  const std::uint32_t n = events();
  first_out_.assign(n + 1, 0);
  std::vector<std::uint32_t> waits(n, 0);
  for (const auto& [from, to] : edges) {
    ++first_out_[from + 1];
    ++waits[to];
  }
  for (std::uint32_t e = 0; e < n; ++e) first_out_[e + 1] += first_out_[e];
  out_.resize(edges.size());
  std::vector<std::uint32_t> next(first_out_.begin(), first_out_.end() - 1);
  for (const auto& [from, to] : edges) out_[next[from]++] = to;
  order_.clear();
  for (std::uint32_t e = 0; e < n; ++e) {
    if (place(e) > 0) ++waits[e];
    if (waits[e] == 0) order_.push_back(e);
  }
  const auto pass = [&](std::uint32_t e) {
    if (--waits[e] == 0) order_.push_back(e);
  };
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const std::uint32_t e = order_[i];
    for (std::uint32_t o = first_out_[e]; o < first_out_[e + 1]; ++o) pass(out_[o]);
    if (place(e) + 1 < size(chain_[e])) pass(e + 1);
  }
  return order_.size() == n;
}

bool ChainClocks::rebuild(std::span<const Edge> edges) {
  forget();
  if (!topological(edges)) return false;
  const std::vector<std::uint32_t> old = before_;
  const auto raise_to = [&](std::uint32_t e, const std::uint32_t* row) {
    std::uint32_t* own = &before_[e * width_];
    for (std::size_t c = 0; c < width_; ++c) own[c] = std::max(own[c], row[c]);
  };
  for (const std::uint32_t e : order_) {
    std::uint32_t* own = &before_[e * width_];
    for (std::uint32_t o = first_out_[e]; o < first_out_[e + 1]; ++o) {
      raise_to(out_[o], own);
      std::uint32_t& at = before_[out_[o] * width_ + chain_[e]];
      at = std::max(at, place(e) + 1);
    }
    if (place(e) + 1 == size(chain_[e])) continue;
    raise_to(e + 1, own);
  }
  for (auto e = order_.rbegin(); e != order_.rend(); ++e) {
    std::uint32_t* own = &after_[*e * width_];
    const auto lower_to = [&](std::uint32_t other) {
      const std::uint32_t* row = &after_[other * width_];
      for (std::size_t c = 0; c < width_; ++c) own[c] = std::min(own[c], row[c]);
      own[chain_[other]] = std::min(own[chain_[other]], place(other));
    };
    for (std::uint32_t o = first_out_[*e]; o < first_out_[*e + 1]; ++o) lower_to(out_[o]);
    if (place(*e) + 1 < size(chain_[*e])) lower_to(*e + 1);
  }
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i] == before_[i]) continue;
    changes_.push_back(
        {static_cast<std::uint32_t>(i / width_), static_cast<std::uint32_t>(i % width_), old[i]});
  }
  return true;
}

// Makes the row at least row_before_; false when it is already.
bool ChainClocks::raise(std::uint32_t event) {
  std::uint32_t* own = &before_[event * width_];
  bool raised = false;
  for (std::size_t c = 0; c < width_; ++c) {
    if (own[c] >= row_before_[c]) continue;
    raised = true;
    raised_.push_back({event * width_ + c, own[c]});
    changes_.push_back({event, static_cast<std::uint32_t>(c), own[c]});
    own[c] = row_before_[c];
  }
  return raised;
}

bool ChainClocks::lower(std::uint32_t event) {
  std::uint32_t* own = &after_[event * width_];
  bool lowered = false;
  for (std::size_t c = 0; c < width_; ++c) {
    if (own[c] <= row_after_[c]) continue;
    lowered = true;
    lowered_.push_back({event * width_ + c, own[c]});
    own[c] = row_after_[c];
  }
  return lowered;
}

// Whatever comes after `to` now comes after what comes before `from`. On each chain the first event
// that knows of it already ends the walk: those behind it know too.
bool ChainClocks::insert(std::uint32_t from, std::uint32_t to) {
  if (precedes(from, to)) return true;
  if (from == to || precedes(to, from)) return false;
  row_before_.assign(before(from).begin(), before(from).end());
  row_before_[chain_[from]] = place(from) + 1;
  row_after_.assign(after(to).begin(), after(to).end());
  row_after_[chain_[to]] = place(to);
  for (std::uint32_t c = 0; c < width_; ++c) {
    for (std::uint32_t e = event(c, row_after_[c]); e < first_[c + 1] && raise(e);) ++e;
    for (std::uint32_t left = row_before_[c]; left > 0 && lower(event(c, left - 1));) --left;
  }
  return true;
}

void ChainClocks::undo(const Mark& mark) {
  for (; raised_.size() > mark.raised; raised_.pop_back()) {
    before_[raised_.back().at] = raised_.back().value;
  }
  for (; lowered_.size() > mark.lowered; lowered_.pop_back()) {
    after_[lowered_.back().at] = lowered_.back().value;
  }
  changes_.clear();
}

void ChainClocks::forget() {
  raised_.clear();
  lowered_.clear();
}

}  // namespace stateutils::sbus
