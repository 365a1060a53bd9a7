#include "sbus/packed_search.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/signals.hpp"
#include "sbus/byte_spec.hpp"
#include "sbus/packed_ori.hpp"
#include "sbus/spill_store.hpp"
#include "sbus/word_set.hpp"

namespace stateutils::sbus {
namespace {

constexpr int kPartitionBits = 12;
constexpr std::size_t kPartitions = std::size_t{1} << kPartitionBits;
// Below this many states a level is expanded on the calling thread.
constexpr std::uint64_t kParallelFrom = 4096;

template <class W>
struct Partition {
  WordSet<W> set;
  Buffer<W> frontier, next;
  bool spilled = false;     // the set is in a file
  std::size_t on_disk = 0;  // states in that file
  std::size_t stored = 0;   // states of `next` that the file holds already
};

// The step that breaks an invariant, smallest successor first, then smallest predecessor.
template <class W>
struct PackedBreach {
  W successor, predecessor;
  friend auto operator<=>(const PackedBreach&, const PackedBreach&) = default;
};

template <class W>
struct Worker {
  typename PackedOri<W>::Context context;
  ActionCounts counts{};
  std::vector<Buffer<W>> queue{kPartitions};
  std::size_t queued = 0;  // states in the queues, with --spill
  std::vector<bool> queue_spilled = std::vector<bool>(kPartitions);  // a part is in a file
  std::array<std::optional<PackedBreach<W>>, kInvariantCount> breach{};

  void report(unsigned broken, W successor, W predecessor) {
    const PackedBreach<W> found{successor, predecessor};
    for (int i = 0; i < kInvariantCount; ++i) {
      auto& best = breach[static_cast<std::size_t>(i)];
      if ((broken >> i & 1u) != 0 && (!best || found < *best)) best = found;
    }
  }
};

template <class W>
class PackedSearch {
 public:
  PackedSearch(const ModelParams& params, const ModelLimits& limits)
      : params_(params), limits_(limits), model_(params), partition_(kPartitions) {
    meter_.limit = static_cast<std::int64_t>(
        std::min<std::uint64_t>(limits.memory, static_cast<std::uint64_t>(INT64_MAX)));
    workers_.resize(static_cast<std::size_t>(std::max(1, limits.threads)));
    if (!limits.spill.empty()) spill_ = std::make_unique<SpillStore>(limits.spill);
  }

  ModelResult run() {
    const W first = model_.pack(ori_canonical(params_, ori_initial(params_)));
    Partition<W>& home = partition_[place(first)];
    home.set.insert(first, mix(first), meter_);
    home.frontier.push(first, meter_);
    result_.levels.push_back(1);
    result_.distinct = 1;
    while (result_.levels.back() != 0 && result_.complete && !violated()) level();
    if (result_.levels.back() == 0) result_.levels.pop_back();
    finish();
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::size_t place(W w) const {
    const std::uint64_t hash = model_.has_history() ? mix(model_.context_word(w)) : mix(w);
    return hash >> (64 - kPartitionBits);
  }
  [[nodiscard]] bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool violated() const {
    return std::any_of(breach_.begin(), breach_.end(), [](const auto& b) { return b.has_value(); });
  }

  void level();
  void expand(Worker<W>& worker, std::size_t p);
  void absorb(std::size_t p);
  // Spilling: sets go to files once three quarters of the memory are in use, and from then on come
  // back for the time of absorbing; queues follow when that does not suffice.
  [[nodiscard]] bool crowded() const {
    return spill_ != nullptr && meter_.used.load(std::memory_order_relaxed) > meter_.limit / 4 * 3;
  }
  void load_set(std::size_t p);
  void put_away(std::size_t p);
  void spill_queues(std::size_t worker);
  void take_spilled_queue(std::size_t worker, std::size_t p);
  static std::string set_name(std::size_t p) { return "set-" + std::to_string(p); }
  static std::string queue_name(std::size_t worker, std::size_t p) {
    return "queue-" + std::to_string(worker) + "-" + std::to_string(p);
  }
  void check_limits(std::size_t added);
  template <class Body>
  void over_partitions(bool parallel, Body&& body);
  void merge_level();
  void finish();
  [[nodiscard]] std::vector<std::string> path_to(const PackedBreach<W>& breach);

  ModelParams params_;
  ModelLimits limits_;
  PackedOri<W> model_;
  MemoryMeter meter_;  // outlives the buffers below
  std::vector<Partition<W>> partition_;
  std::vector<Worker<W>> workers_;
  std::unique_ptr<SpillStore> spill_;
  std::vector<Buffer<W>> kept_levels_;  // for traces
  std::array<std::optional<PackedBreach<W>>, kInvariantCount> breach_{};
  std::uint64_t breach_depth_ = 0;
  std::atomic<std::uint64_t> level_states_{0};
  std::atomic<bool> stop_{false}, out_of_memory_{false};
  ModelResult result_;
};

template <class W>
template <class Body>
void PackedSearch<W>::over_partitions(bool parallel, Body&& body) {
  std::atomic<std::size_t> claimed{0};
  std::atomic<bool> no_memory{false};
  const auto work = [&](std::size_t t) {
    constexpr std::size_t kChunk = 8;
    try {
      while (!stopped()) {
        const std::size_t begin = claimed.fetch_add(kChunk, std::memory_order_relaxed);
        if (begin >= kPartitions) return;
        for (std::size_t p = begin; p < begin + kChunk && !stopped(); ++p) body(workers_[t], p);
        if (core::stop_signal() != 0) stop_ = true;
      }
    } catch (const std::bad_alloc&) {
      no_memory = true;
      stop_ = true;
    }
  };
  if (!parallel || workers_.size() == 1) {
    work(0);
  } else {
    std::vector<std::jthread> threads;
    for (std::size_t t = 1; t < workers_.size(); ++t) threads.emplace_back(work, t);
    work(0);
  }
  if (no_memory) out_of_memory_ = true;
  core::check_stop();
}

template <class W>
void PackedSearch<W>::expand(Worker<W>& worker, std::size_t p) {
  Partition<W>& own = partition_[p];
  if (own.frontier.size() == 0) return;
  const bool by_context = model_.has_history() && !own.spilled;
  const std::size_t before = own.next.size();
  for (const W w : own.frontier.items()) {
    model_.expand(w, worker.context, worker.counts,
                  [&](W successor, bool same_context, unsigned broken) {
                    if (broken != 0) worker.report(broken, successor, w);
                    if (same_context && by_context) {
                      if (own.set.insert(successor, mix(successor), meter_)) {
                        own.next.push(successor, meter_);
                      }
                      return;
                    }
                    ++worker.queued;
                    worker.queue[place(successor)].push(successor, meter_);
                  });
  }
  if (spill_ != nullptr) own.frontier.release();
  // Not before a part of the memory is in them: many small writes would cost more than they free.
  const auto queued = static_cast<std::int64_t>(worker.queued * sizeof(W) * workers_.size());
  if (crowded() && queued > meter_.limit / 8) {
    spill_queues(static_cast<std::size_t>(&worker - workers_.data()));
  }
  if (crowded() && !own.spilled) put_away(p);
  check_limits(own.next.size() - before);
}

template <class W>
void PackedSearch<W>::load_set(std::size_t p) {
  Partition<W>& own = partition_[p];
  own.set.reserve(own.on_disk, meter_);
  spill_->read(set_name(p), sizeof(W), [&](const char* data, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += sizeof(W)) {
      W w;
      std::memcpy(&w, data + at, sizeof(W));
      (void)own.set.insert(w, mix(w), meter_);
    }
  });
}

// Writes what the file of the partition does not hold yet and frees the table.
template <class W>
void PackedSearch<W>::put_away(std::size_t p) {
  Partition<W>& own = partition_[p];
  if (own.spilled) {
    const auto added = own.next.items().subspan(own.stored);
    spill_->append(set_name(p), added.data(), added.size_bytes());
    own.on_disk += added.size();
  } else {
    std::vector<W> all;
    all.reserve(own.set.size());
    own.set.for_each([&](W w) { all.push_back(w); });
    spill_->append(set_name(p), all.data(), all.size() * sizeof(W));
    own.on_disk = all.size();
    own.spilled = true;
  }
  own.stored = own.next.size();
  own.set.release();
}

template <class W>
void PackedSearch<W>::spill_queues(std::size_t worker) {
  Worker<W>& own = workers_[worker];
  own.queued = 0;
  for (std::size_t p = 0; p < kPartitions; ++p) {
    const auto items = own.queue[p].items();
    if (items.empty()) continue;
    spill_->append(queue_name(worker, p), items.data(), items.size_bytes());
    own.queue_spilled[p] = true;
    own.queue[p].release();
  }
}

template <class W>
void PackedSearch<W>::take_spilled_queue(std::size_t worker, std::size_t p) {
  Worker<W>& from = workers_[worker];
  if (!from.queue_spilled[p]) return;
  Partition<W>& own = partition_[p];
  spill_->read(queue_name(worker, p), sizeof(W), [&](const char* data, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += sizeof(W)) {
      W w;
      std::memcpy(&w, data + at, sizeof(W));
      if (own.set.insert(w, mix(w), meter_)) own.next.push(w, meter_);
    }
  });
  spill_->remove(queue_name(worker, p));
}

template <class W>
void PackedSearch<W>::absorb(std::size_t p) {
  Partition<W>& own = partition_[p];
  const std::size_t before = own.next.size();
  if (spill_ != nullptr) {
    const bool wanted = std::any_of(workers_.begin(), workers_.end(), [&](const Worker<W>& w) {
      return w.queue_spilled[p] || w.queue[p].size() != 0;
    });
    if (own.spilled && wanted) load_set(p);
    for (std::size_t t = 0; t < workers_.size(); ++t) take_spilled_queue(t, p);
  }
  for (Worker<W>& worker : workers_) {
    for (const W w : worker.queue[p].items()) {
      if (own.set.insert(w, mix(w), meter_)) own.next.push(w, meter_);
    }
    if (spill_ != nullptr) {
      worker.queue[p].release();
    } else {
      worker.queue[p].clear();
    }
  }
  if (spill_ != nullptr && (own.spilled || crowded())) put_away(p);
  check_limits(own.next.size() - before);
}

template <class W>
void PackedSearch<W>::check_limits(std::size_t added) {
  const std::uint64_t states =
      result_.distinct + (level_states_.fetch_add(added, std::memory_order_relaxed) + added);
  if (limits_.max_states != 0 && states > limits_.max_states) stop_ = true;
  if (meter_.exceeded()) {
    out_of_memory_ = true;
    stop_ = true;
  }
}

template <class W>
void PackedSearch<W>::level() {
  const bool parallel = result_.levels.back() >= kParallelFrom;
  if (limits_.trace) {
    Buffer<W> kept;
    kept.reserve(result_.levels.back(), meter_);
    for (const Partition<W>& part : partition_) {
      for (const W w : part.frontier.items()) kept.push(w, meter_);
    }
    kept_levels_.push_back(std::move(kept));
  }
  level_states_ = 0;
  over_partitions(parallel, [this](Worker<W>& worker, std::size_t p) { expand(worker, p); });
  if (!stopped()) {
    over_partitions(parallel, [this](Worker<W>&, std::size_t p) { absorb(p); });
  }
  if (stopped()) {  // a part of a level depends on the order of work: it is left out of the counts
    result_.complete = false;
    result_.cut_by = out_of_memory_ ? "mem" : "max-states";
    return;
  }
  merge_level();
}

template <class W>
void PackedSearch<W>::merge_level() {
  for (Worker<W>& worker : workers_) {
    for (std::size_t i = 0; i < kActionKinds; ++i) result_.actions[i] += worker.counts[i];
    worker.counts = {};
    worker.queued = 0;
    worker.queue_spilled.assign(kPartitions, false);
    for (std::size_t i = 0; i < kInvariantCount; ++i) {
      const auto& found = worker.breach[i];
      if (found && (!breach_[i] || *found < *breach_[i])) breach_[i] = found;
    }
  }
  for (Partition<W>& part : partition_) {
    part.frontier.swap(part.next);
    part.next.clear();
    part.stored = 0;
  }
  // Without the history in the state a bad commit may end in a state of an earlier level.
  breach_depth_ = result_.levels.size() + 1;
  result_.levels.push_back(level_states_);
  result_.distinct += level_states_;
}

template <class W>
std::vector<std::string> PackedSearch<W>::path_to(const PackedBreach<W>& breach) {
  std::vector<W> backwards{breach.successor, breach.predecessor};
  typename PackedOri<W>::Context context;
  ActionCounts ignored{};
  for (std::size_t l = kept_levels_.size() - 1; l-- > 0;) {
    std::optional<W> best;
    for (const W w : kept_levels_[l].items()) {
      if (best && *best <= w) continue;
      model_.expand(w, context, ignored, [&](W successor, bool, unsigned) {
        if (successor == backwards.back()) best = w;
      });
    }
    backwards.push_back(best.value());
  }
  std::vector<std::string> path;
  for (auto w = backwards.rbegin(); w != backwards.rend(); ++w) {
    path.push_back(ori_bytes(params_, model_.unpack(*w)));
  }
  return path;
}

template <class W>
void PackedSearch<W>::finish() {
  result_.generated = 1;
  for (const std::uint64_t count : result_.actions) result_.generated += count;
  std::size_t used = 0, capacity = 0;
  for (const Partition<W>& part : partition_) {
    used += part.set.size();
    capacity += part.set.capacity();
  }
  result_.table_load =
      capacity == 0 ? 0 : static_cast<double>(used) / static_cast<double>(capacity);
  result_.memory_peak = static_cast<std::uint64_t>(meter_.peak.load());
  for (int i = 0; i < kInvariantCount; ++i) {
    const auto& breach = breach_[static_cast<std::size_t>(i)];
    if (!breach) continue;
    ModelViolation violation{1u << i, breach_depth_, {}};
    if (limits_.trace) {
      violation.trace = make_trace(*make_ori_spec(params_), path_to(*breach), violation.invariant);
    }
    result_.violations.push_back(std::move(violation));
  }
}

}  // namespace

bool packed_search_applies(const ModelParams& params) {
  return params.spec == Spec::kOri && params.symmetry != Symmetry::kAgentsShards &&
         PackedOri<Word128>::fits(params);
}

ModelResult packed_search(const ModelParams& params, const ModelLimits& limits) {
  if (PackedOri<Word64>::fits(params)) return PackedSearch<Word64>(params, limits).run();
  return PackedSearch<Word128>(params, limits).run();
}

}  // namespace stateutils::sbus
