// The general search: states as byte strings. Slower than the packed one by two orders of
// magnitude, but for any specification, any width and symmetry over shards.
#include <algorithm>
#include <optional>
#include <thread>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/signals.hpp"
#include "sbus/byte_spec.hpp"
#include "sbus/packed_search.hpp"
#include "sbus/word_set.hpp"

namespace stateutils::sbus {
namespace {

// States up to this size are their own key; longer ones are represented by 128 bits of hash.
constexpr std::size_t kExactBytes = 14;
// States expanded between two rounds of insertion; bounds the memory of unsorted successors.
constexpr std::size_t kBlock = 8192;

struct Candidate {
  Word128 key;
  std::string state;
};

// Smallest successor first, then smallest predecessor.
struct Breach {
  std::string successor, predecessor;
  friend auto operator<=>(const Breach&, const Breach&) = default;
};
using Breaches = std::array<std::optional<Breach>, kOutcomeCount>;

void report(Breaches& breaches, unsigned broken, const std::string& successor,
            const std::string& predecessor) {
  Breach found{successor, predecessor};
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    if ((broken >> i & 1u) != 0 && (!breaches[i] || found < *breaches[i])) breaches[i] = found;
  }
}

Word128 key_of(const std::string& state) {
  if (state.size() <= kExactBytes) {
    Word128 key = state.size();
    for (const char c : state) key = key << 8 | static_cast<unsigned char>(c);
    return key;
  }
  const core::Hash128 hash = core::xxh3_128(state.data(), state.size());
  // The top bits keep hashes and exact keys apart, and word + 1 from wrapping.
  constexpr Word64 kHashed = Word64{1} << 62;
  const Word64 high = (hash.high & (kHashed - 1)) | kHashed;
  return static_cast<Word128>(high) << 64 | hash.low;
}

std::int64_t bytes_of(const std::string& state) {
  const std::size_t heap = state.capacity() > 15 ? state.capacity() + 17 : 0;
  return static_cast<std::int64_t>(sizeof(std::string) + heap);
}

class ByteSearch {
 public:
  ByteSearch(const ModelParams& params, const ModelLimits& limits)
      : limits_(limits),
        spec_(params.spec == Spec::kOri ? make_ori_spec(params) : make_distributed_spec(params)) {
    meter_.limit = static_cast<std::int64_t>(
        std::min<std::uint64_t>(limits.memory, static_cast<std::uint64_t>(INT64_MAX)));
  }

  ModelResult run() {
    const std::string first = spec_->canonical(spec_->initial());
    insert({key_of(first), first});
    frontier_.swap(next_);
    result_.levels.push_back(1);
    result_.distinct = 1;
    while (!frontier_.empty() && result_.complete && !stopped_by_breach()) level();
    finish();
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool stopped_by_breach() const {
    return std::any_of(breaches_.begin(), breaches_.end(),
                       [](const auto& b) { return b.has_value(); });
  }
  void insert(Candidate candidate) {
    if (!seen_.insert(candidate.key, mix(candidate.key), meter_)) return;
    if (candidate.state.size() > kExactBytes) result_.exact = false;
    meter_.add(bytes_of(candidate.state));
    next_.push_back(std::move(candidate.state));
  }
  void expand(std::span<const std::string> states, ActionCounts& counts, Breaches& breaches,
              std::vector<Candidate>& out) const;
  void expand_block(std::span<const std::string> states, ActionCounts& counts, Breaches& breaches);
  void level();
  void cut(const char* by) {
    result_.complete = false;
    result_.cut_by = by;
  }
  void finish();
  [[nodiscard]] std::vector<std::string> path_to(const Breach& breach) const;

  ModelLimits limits_;
  std::unique_ptr<ByteSpec> spec_;
  MemoryMeter meter_;
  WordSet<Word128> seen_;
  std::vector<std::string> frontier_, next_;
  std::vector<std::vector<std::string>> kept_levels_;
  Breaches breaches_{};
  std::uint64_t breach_depth_ = 0;
  ModelResult result_;
};

void ByteSearch::expand(std::span<const std::string> states, ActionCounts& counts,
                        Breaches& breaches, std::vector<Candidate>& out) const {
  for (const std::string& state : states) {
    spec_->steps(state, [&](const ByteStep& step, const std::string& successor) {
      counts[static_cast<std::size_t>(step.action)] += step.multiplicity;
      if (successor == state) return;
      std::string canonical = spec_->canonical(successor);
      if (step.broken != 0) report(breaches, step.broken, canonical, state);
      const Word128 key = key_of(canonical);
      out.push_back({key, std::move(canonical)});
    });
  }
}

void ByteSearch::expand_block(std::span<const std::string> states, ActionCounts& counts,
                              Breaches& breaches) {
  const std::size_t parts =
      states.size() < 64 ? 1 : static_cast<std::size_t>(std::max(1, limits_.threads));
  struct Part {
    ActionCounts counts{};
    Breaches breaches{};
    std::vector<Candidate> found{};
  };
  std::vector<Part> part(parts);
  const auto work = [&](std::size_t t) {
    const std::size_t begin = states.size() * t / parts, end = states.size() * (t + 1) / parts;
    expand(states.subspan(begin, end - begin), part[t].counts, part[t].breaches, part[t].found);
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 1; t < parts; ++t) threads.emplace_back(work, t);
    work(0);
  }
  for (Part& done : part) {
    for (std::size_t i = 0; i < kActionKinds; ++i) counts[i] += done.counts[i];
    for (std::size_t i = 0; i < kOutcomeCount; ++i) {
      if (!done.breaches[i]) continue;
      report(breaches, 1u << i, done.breaches[i]->successor, done.breaches[i]->predecessor);
    }
    for (Candidate& candidate : done.found) insert(std::move(candidate));
  }
}

void ByteSearch::level() {
  ActionCounts counts{};
  Breaches breaches{};
  for (std::size_t begin = 0; begin < frontier_.size(); begin += kBlock) {
    core::check_stop();
    const std::size_t size = std::min(kBlock, frontier_.size() - begin);
    expand_block(std::span(frontier_).subspan(begin, size), counts, breaches);
    // The counts of a level begun and not ended are left out.
    if (limits_.max_states != 0 && seen_.size() > limits_.max_states) return cut("max-states");
    if (meter_.exceeded()) return cut("mem");
  }
  for (std::size_t i = 0; i < kActionKinds; ++i) result_.actions[i] += counts[i];
  breaches_ = std::move(breaches);
  breach_depth_ = result_.levels.size() + 1;
  if (!next_.empty()) result_.levels.push_back(next_.size());
  result_.distinct += next_.size();
  if (limits_.trace) {
    kept_levels_.push_back(std::move(frontier_));
  } else {
    for (const std::string& state : frontier_) meter_.add(-bytes_of(state));
  }
  frontier_ = std::move(next_);
  next_.clear();
}

std::vector<std::string> ByteSearch::path_to(const Breach& breach) const {
  std::vector<std::string> path{breach.successor, breach.predecessor};
  for (std::size_t l = kept_levels_.size() - 1; l-- > 0;) {
    const std::string* best = nullptr;
    for (const std::string& state : kept_levels_[l]) {
      if (best != nullptr && *best <= state) continue;
      spec_->steps(state, [&](const ByteStep&, const std::string& successor) {
        if (successor != state && spec_->canonical(successor) == path.back()) best = &state;
      });
    }
    path.push_back(*best);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

void ByteSearch::finish() {
  result_.generated = 1;
  for (const std::uint64_t count : result_.actions) result_.generated += count;
  result_.table_load = static_cast<double>(seen_.size()) / static_cast<double>(seen_.capacity());
  result_.memory_peak = static_cast<std::uint64_t>(meter_.peak.load());
  if (!result_.exact) {
    // Birthday bound over 126 bits of hash.
    const auto n = static_cast<double>(seen_.size());
    result_.collision_bound = n * n / 2 / 8.507059173023462e37;
  }
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    if (!breaches_[i]) continue;
    ModelViolation found{1u << i, breach_depth_, {}};
    if (limits_.trace) found.trace = make_trace(*spec_, path_to(*breaches_[i]), found.invariant);
    if (found.invariant == kGoal) {
      result_.reached = true;
      result_.goal_depth = found.depth;
      result_.goal_trace = std::move(found.trace);
    } else {
      result_.violations.push_back(std::move(found));
    }
  }
}

}  // namespace

ModelResult byte_search(const ModelParams& params, const ModelLimits& limits) {
  return ByteSearch(params, limits).run();
}

ModelResult explore(const ModelParams& params, const ModelLimits& limits) {
  check_params(params);
  if (packed_search_applies(params)) return packed_search(params, limits);
  if (!limits.spill.empty()) {
    throw core::usage_error(
        "--spill needs a state of at most 127 bits and symmetry agents or none");
  }
  return byte_search(params, limits);
}

}  // namespace stateutils::sbus
