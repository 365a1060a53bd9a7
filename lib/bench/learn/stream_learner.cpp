#include "bench/learn/stream_learner.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kStreamDecided = 200;  // strings that a blue state waits for

// Finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA'14).
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace

void StreamLearner::Counts::add(const Counts& other) {
  visits += other.visits;
  stops += other.stops;
  for (std::size_t i = 0; i < sketch.size(); ++i) sketch[i] += other.sketch[i];
  for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] += other.symbols[i];
}

StreamLearner::StreamLearner(std::uint32_t alphabet, StreamOptions options)
    : alphabet_(alphabet), options_(options) {
  promote(add_node());
}

std::uint32_t StreamLearner::add_node() {
  Node& node = nodes_.emplace_back();
  node.own.sketch.assign(kCells, 0);
  node.own.symbols.assign(alphabet_, 0);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void StreamLearner::promote(std::uint32_t node) {
  nodes_[node].red = true;
  nodes_[node].children.assign(alphabet_, kNone);
  red_.push_back(node);
}

// One cell per row for each of the next 1 .. kFutures symbols (the end counts as one).
void StreamLearner::count_future(Counts& counts, std::span<const Symbol> rest) const {
  ++counts.visits;
  if (rest.empty()) {
    ++counts.stops;
  } else {
    ++counts.symbols[rest.front()];
  }
  std::uint64_t sequence = 0;
  std::uint64_t least[kDepth];
  std::fill_n(least, kDepth, std::numeric_limits<std::uint64_t>::max());
  for (std::size_t i = 0; i < kFutures; ++i) {
    if (i <= rest.size()) {
      const std::uint64_t symbol = i < rest.size() ? rest[i] : alphabet_;
      sequence = mix(sequence * 0x9E3779B97F4A7C15ull + symbol + 1);
      for (std::size_t d = 0; d < kDepth; ++d) {
        least[d] = std::min(least[d], mix((symbol + 1) * 0x9E3779B97F4A7C15ull + d));
      }
    }
    for (std::size_t d = 0; d < kDepth; ++d) {
      const std::uint64_t key = options_.min_hash ? least[d] : mix(sequence + d);
      ++counts.sketch[(i * kDepth + d) * kWidth + key % kWidth];
    }
  }
}

// The tree grows below red states only: a blue state is as far as a string is followed.
void StreamLearner::count(std::span<const Symbol> string) {
  std::uint32_t at = 0;
  for (std::size_t i = 0;; ++i) {
    count_future(nodes_[at].own, string.subspan(i));
    if (i == string.size() || !nodes_[at].red) return;
    std::uint32_t next = nodes_[at].children[string[i]];
    if (next == kNone) {
      next = add_node();
      nodes_[at].children[string[i]] = next;
    }
    at = next;
  }
}

bool StreamLearner::alike(const Counts& a, const Counts& b) const {
  if (a.visits == 0 || b.visits == 0) return true;
  const auto n1 = static_cast<double>(a.visits), n2 = static_cast<double>(b.visits);
  const double bound =
      std::sqrt(std::log(2 / options_.alpha) / 2) * (1 / std::sqrt(n1) + 1 / std::sqrt(n2));
  for (std::size_t i = 0; i < kCells; ++i) {
    if (std::abs(a.sketch[i] / n1 - b.sketch[i] / n2) >= bound) return false;
  }
  return true;
}

double StreamLearner::similarity(const Counts& a, const Counts& b) {
  double sum = 0;
  for (std::size_t row = 0; row < std::size_t{kFutures} * kDepth; ++row) {
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = row * kWidth; i < (row + 1) * kWidth; ++i) {
      const double x = a.sketch[i], y = b.sketch[i];
      xy += x * y, xx += x * x, yy += y * y;
    }
    if (xx > 0 && yy > 0) sum += xy / std::sqrt(xx * yy);
  }
  return sum;
}

StreamLearner::View StreamLearner::replay(const std::vector<Merge>& merges,
                                          std::vector<Merge>* held) const {
  View view;
  view.red = red_;
  view.represents.assign(nodes_.size(), kNone);
  for (std::uint32_t i = 0; i < red_.size(); ++i) {
    view.sums.push_back(nodes_[red_[i]].own);
    view.represents[red_[i]] = i;
  }
  for (const Merge& m : merges) {
    Counts& sum = view.sums[view.represents[m.red]];
    if (!alike(sum, nodes_[m.blue].own)) continue;
    sum.add(nodes_[m.blue].own);
    view.represents[m.blue] = view.represents[m.red];
    held->push_back(m);
  }
  return view;
}

// Children of red states that stand for nothing yet, largest first.
std::vector<std::uint32_t> StreamLearner::undecided(const View& view) const {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t r : view.red) {
    for (const std::uint32_t child : nodes_[r].children) {
      if (child != kNone && view.represents[child] == kNone) out.push_back(child);
    }
  }
  std::stable_sort(out.begin(), out.end(), [&](std::uint32_t a, std::uint32_t b) {
    return nodes_[a].own.visits > nodes_[b].own.visits;
  });
  return out;
}

std::uint32_t StreamLearner::most_similar(const View& view, const Counts& blue,
                                          bool must_be_alike) const {
  std::uint32_t into = kNone;
  double best = -1;
  for (std::uint32_t i = 0; i < view.red.size(); ++i) {
    if (must_be_alike && !alike(view.sums[i], blue)) continue;
    const double score = similarity(view.sums[i], blue);
    if (score > best) best = score, into = i;
  }
  return into;
}

void StreamLearner::search(View& view) {
  for (const std::uint32_t blue : undecided(view)) {
    const Counts& counts = nodes_[blue].own;
    if (counts.visits < kStreamDecided) continue;
    const bool full = view.red.size() >= options_.max_states;
    const std::uint32_t into = most_similar(view, counts, !full);
    if (into != kNone) {
      view.sums[into].add(counts);
      view.represents[blue] = into;
      merges_.push_back({blue, view.red[into]});
      continue;
    }
    promote(blue);
    view.represents[blue] = static_cast<std::uint32_t>(view.red.size());
    view.red.push_back(blue);
    view.sums.push_back(nodes_[blue].own);
  }
}

void StreamLearner::learn(const Strings& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) count(batch[i]);
  std::vector<Merge> held;
  View view = replay(merges_, &held);
  merges_ = std::move(held);
  search(view);
}

StateMachine StreamLearner::machine() const {
  std::vector<Merge> held;
  View view = replay(merges_, &held);
  for (const std::uint32_t blue : undecided(view)) {
    const std::uint32_t into = most_similar(view, nodes_[blue].own, false);
    view.sums[into].add(nodes_[blue].own);
    view.represents[blue] = into;
  }
  StateMachine m;
  m.states = static_cast<std::uint32_t>(view.red.size());
  m.alphabet = alphabet_;
  m.accept.assign(m.states, 1);
  for (std::uint32_t i = 0; i < m.states; ++i) {
    const Counts& sum = view.sums[i];
    const double all = static_cast<double>(sum.visits) + alphabet_ + 1;
    m.end_p.push_back((static_cast<double>(sum.stops) + 1) / all);
    for (std::uint32_t a = 0; a < alphabet_; ++a) {
      const std::uint32_t child = nodes_[view.red[i]].children[a];
      m.delta.push_back(child == kNone ? StateMachine::kNowhere
                                       : static_cast<std::int32_t>(view.represents[child]));
      m.symbol_p.push_back((sum.symbols[a] + 1.0) / all);
    }
  }
  return m;
}

}  // namespace stateutils::bench
