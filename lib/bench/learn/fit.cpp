#include "bench/learn/fit.hpp"

#include <algorithm>
#include <cmath>

#include "bench/learn/merge_graph.hpp"
#include "core/error.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint32_t kTested = 10;   // states with fewer strings are not compared
constexpr double kPooled = 5;           // expected counts below this share one category
constexpr std::uint32_t kDecided = 50;  // blue states with fewer strings wait until the end

// n ln n for counts, computed once.
class LogTable {
 public:
  double operator()(std::uint64_t n) {
    if (n >= table_.size()) extend(n);
    return table_[n];
  }

 private:
  void extend(std::uint64_t n) {
    std::uint64_t i = table_.size();
    table_.resize(std::max<std::uint64_t>(n + 1, 2 * table_.size()));
    for (; i < table_.size(); ++i) {
      table_[i] = static_cast<double>(i) * std::log(static_cast<double>(i));
    }
  }
  std::vector<double> table_{0.0};
};

struct LikelihoodRatio {
  double two_llr = 0;
  double df = 0;
};

class RedBlue {
 public:
  RedBlue(const Strings& sample, const FitOptions& options)
      : sample_(sample), options_(options), graph_(sample), red_index_(graph_.size(), kNoState) {
    promote(0);
  }

  StateMachine run() {
    for (;;) {
      find_blue();
      if (blue_.empty()) break;
      switch (options_.score) {
        case MergeScore::kRpni:
          first_fit([&](EdgeId e, StateId r) { return agreements(e, r) >= 0; });
          break;
        case MergeScore::kAlergia:
          first_fit([&](EdgeId e, StateId r) { return alike(e, r); });
          break;
        case MergeScore::kEdsm:
          best_agreement();
          break;
        case MergeScore::kLikelihood:
          most_likely();
          break;
      }
    }
    return machine();
  }

 private:
  void promote(StateId s) {
    red_index_[s] = static_cast<std::uint32_t>(red_.size());
    red_.push_back(s);
  }

  // Transitions from red states into trees, in shortlex order of the trees' roots.
  void find_blue() {
    blue_.clear();
    for (const StateId r : red_) {
      for (EdgeId e = graph_.state(r).first; e != kNoState; e = graph_.transition(e).next) {
        if (red_index_[graph_.transition(e).target] == kNoState) blue_.push_back(e);
      }
    }
    std::sort(blue_.begin(), blue_.end(), [&](EdgeId a, EdgeId b) {
      return graph_.transition(a).target < graph_.transition(b).target;
    });
  }

  [[nodiscard]] StateId root(EdgeId blue) const { return graph_.transition(blue).target; }
  [[nodiscard]] std::uint32_t visits(EdgeId blue) const { return graph_.state(root(blue)).visits; }

  void merge(EdgeId blue, StateId red) {
    (void)graph_.fold(
        blue, red, [](StateId, StateId) { return true; }, [](StateId) { return true; });
    graph_.commit();
  }

  // Largest first; ties by shortlex order, in which `blue_` stands.
  [[nodiscard]] EdgeId largest() const {
    return *std::max_element(blue_.begin(), blue_.end(),
                             [&](EdgeId a, EdgeId b) { return visits(a) < visits(b); });
  }

  template <class Fits>
  void first_fit(const Fits& fits) {
    const EdgeId blue = blue_.front();
    for (const StateId r : red_) {
      if (fits(blue, r)) return merge(blue, r);
    }
    promote(root(blue));
  }

  // How many joined pairs have the same label; -1 when two labels differ.
  [[nodiscard]] std::int64_t agreements(EdgeId blue, StateId red) {
    std::int64_t score = 0;
    const auto visit = [&](StateId s, StateId t) {
      const MergeState &a = graph_.state(s), &b = graph_.state(t);
      if ((a.accepted != 0 && b.rejected != 0) || (a.rejected != 0 && b.accepted != 0))
        return false;
      score += (a.accepted != 0 && b.accepted != 0) || (a.rejected != 0 && b.rejected != 0);
      return true;
    };
    const bool agree = graph_.fold(blue, red, visit, [](StateId) { return true; });
    graph_.undo(0);
    return agree ? score : -1;
  }

  // Evidence-driven: the pair with most agreements; a blue state that fits nowhere turns red.
  void best_agreement() {
    std::vector<EdgeId> tried = blue_;
    if (options_.largest_blue) tried = {largest()};
    std::int64_t best = -1;
    EdgeId best_blue = kNoState;
    StateId best_red = kNoState;
    for (const EdgeId blue : tried) {
      bool fits = false;
      for (const StateId r : red_) {
        const std::int64_t score = agreements(blue, r);
        fits = fits || score >= 0;
        if (score > best) best = score, best_blue = blue, best_red = r;
      }
      if (!fits) return promote(root(blue));
    }
    merge(best_blue, best_red);
  }

  // Hoeffding's bound on every symbol and the end (Carrasco, Oncina, ICGI'94).
  [[nodiscard]] bool close(const MergeState& a, const MergeState& b, double factor) const {
    const double n1 = a.visits, n2 = b.visits;
    const double bound = factor * (1 / std::sqrt(n1) + 1 / std::sqrt(n2));
    const auto near = [&](double c1, double c2) { return std::abs(c1 / n1 - c2 / n2) < bound; };
    bool all = near(a.stops, b.stops);
    each_symbol(a, b, [&](std::uint32_t c1, std::uint32_t c2) { all = all && near(c1, c2); });
    return all;
  }

  template <class Use>
  void each_symbol(const MergeState& a, const MergeState& b, const Use& use) const {
    EdgeId x = a.first, y = b.first;
    while (x != kNoState || y != kNoState) {
      const std::uint32_t left = x == kNoState ? kNoState : graph_.transition(x).symbol;
      const std::uint32_t right = y == kNoState ? kNoState : graph_.transition(y).symbol;
      use(left <= right ? graph_.transition(x).count : 0,
          right <= left ? graph_.transition(y).count : 0);
      if (left <= right) x = graph_.transition(x).next;
      if (right <= left) y = graph_.transition(y).next;
    }
  }

  // Folds what is worth comparing, asks `compare` about each pair and takes everything back.
  template <class Compare>
  bool probe(EdgeId blue, StateId red, const Compare& compare) {
    const bool all = graph_.fold(
        blue, red,
        [&](StateId s, StateId t) {
          const MergeState &a = graph_.state(s), &b = graph_.state(t);
          return a.visits < kTested || b.visits < kTested || compare(a, b);
        },
        [&](StateId tree) { return graph_.state(tree).visits >= kTested; });
    graph_.undo(0);
    return all;
  }

  [[nodiscard]] bool alike(EdgeId blue, StateId red) {
    const double factor = std::sqrt(std::log(2 / options_.alpha.value_or(0.05)) / 2);
    return probe(blue, red,
                 [&](const MergeState& a, const MergeState& b) { return close(a, b, factor); });
  }

  // 2 LLR of "two distributions" against "one" on one pair, by G = sum of n ln n terms.
  void add_ratio(const MergeState& a, const MergeState& b, LikelihoodRatio& sum) {
    const std::uint64_t n1 = a.visits, n2 = b.visits;
    const double share = static_cast<double>(std::min(n1, n2)) / static_cast<double>(n1 + n2);
    std::uint64_t rare1 = 0, rare2 = 0;
    int categories = 0;
    double llr = 0;
    const auto term = [&](std::uint64_t c1, std::uint64_t c2) {
      ++categories;
      llr += x_log_x_(c1) + x_log_x_(c2) - x_log_x_(c1 + c2);
    };
    const auto count = [&](std::uint32_t c1, std::uint32_t c2) {
      const std::uint64_t both = std::uint64_t{c1} + c2;
      if (share * static_cast<double>(both) < kPooled) {
        rare1 += c1, rare2 += c2;
      } else {
        term(c1, c2);
      }
    };
    count(a.stops, b.stops);
    each_symbol(a, b, count);
    if (rare1 + rare2 > 0) term(rare1, rare2);
    llr -= x_log_x_(n1) + x_log_x_(n2) - x_log_x_(n1 + n2);
    sum.two_llr += 2 * llr;
    sum.df += categories - 1;
  }

  [[nodiscard]] LikelihoodRatio ratio(EdgeId blue, StateId red) {
    LikelihoodRatio sum;
    (void)probe(blue, red, [&](const MergeState& a, const MergeState& b) {
      add_ratio(a, b, sum);
      return true;
    });
    return sum;
  }

  void most_likely() {
    const EdgeId blue = largest();
    const bool small = visits(blue) < kDecided;
    double best = small ? -1e300 : options_.alpha.value_or(1e-5);
    StateId into = kNoState;
    for (const StateId r : red_) {
      const LikelihoodRatio found = ratio(blue, r);
      const double value =
          small ? 2 * found.df - found.two_llr : chi_square_tail(found.two_llr, found.df);
      if (value > best || (value >= best && into == kNoState)) best = value, into = r;
    }
    if (into == kNoState) return promote(root(blue));
    merge(blue, into);
  }

  [[nodiscard]] StateMachine machine() const {
    StateMachine m;
    m.states = static_cast<std::uint32_t>(red_.size());
    m.alphabet = sample_.alphabet;
    m.symbol_names = sample_.symbol_names;
    const bool generates =
        options_.score == MergeScore::kAlergia || options_.score == MergeScore::kLikelihood;
    const std::size_t cells = std::size_t{m.states} * m.alphabet;
    m.delta.assign(cells, StateMachine::kNowhere);
    m.accept.assign(m.states, 0);
    if (generates) m.symbol_p.assign(cells, 0);
    for (std::uint32_t i = 0; i < m.states; ++i) {
      const MergeState& s = graph_.state(red_[i]);
      const std::size_t row = std::size_t{i} * m.alphabet;
      // Laplace: every symbol and the end are seen once more than they were.
      const double all = static_cast<double>(s.visits) + m.alphabet + 1;
      m.accept[i] = generates || s.accepted > s.rejected;
      if (generates) {
        m.end_p.push_back((s.stops + 1.0) / all);
        std::fill_n(m.symbol_p.begin() + static_cast<std::ptrdiff_t>(row), m.alphabet, 1 / all);
      }
      for (EdgeId e = s.first; e != kNoState; e = graph_.transition(e).next) {
        const Transition& t = graph_.transition(e);
        m.delta[row + t.symbol] = static_cast<std::int32_t>(red_index_[t.target]);
        if (generates) m.symbol_p[row + t.symbol] = (t.count + 1.0) / all;
      }
    }
    return m;
  }

  const Strings& sample_;
  const FitOptions& options_;
  MergeGraph graph_;
  std::vector<StateId> red_;
  std::vector<std::uint32_t> red_index_;
  std::vector<EdgeId> blue_;
  LogTable x_log_x_;
};

}  // namespace

// Regularised upper incomplete gamma function Q(df/2, x/2): series below, continued fraction above
// a + 1 (Numerical Recipes, section 6.2).
double chi_square_tail(double x, double df) {
  if (df <= 0 || x <= 0) return 1;
  const double a = df / 2, z = x / 2;
  const double front = std::exp(a * std::log(z) - z - std::lgamma(a));
  if (z < a + 1) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < 10000 && term > sum * 1e-16; ++n) {
      term *= z / (a + n);
      sum += term;
    }
    return std::max(0.0, 1 - front * sum);
  }
  double b = z + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int n = 1; n < 10000; ++n) {
    const double an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return front * h;
}

StateMachine fit(const Strings& sample, const FitOptions& options) {
  const bool wants_labels =
      options.score == MergeScore::kRpni || options.score == MergeScore::kEdsm;
  const bool labelled = std::any_of(sample.labels.begin(), sample.labels.end(),
                                    [](std::int8_t label) { return label >= 0; });
  if (wants_labels && !labelled) throw core::usage_error("rpni and edsm need labelled strings");
  return RedBlue(sample, options).run();
}

}  // namespace stateutils::bench
