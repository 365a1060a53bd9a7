#include "kv/block_ids.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::kv {
namespace {

// Tables indexed by id may be this much larger than the references that fill them.
constexpr std::uint64_t kSlack = 2;

std::uint64_t mix(std::uint64_t id, std::uint32_t session) {
  std::uint64_t h = id + 0x9E3779B97F4A7C15ull * (std::uint64_t{session} + 1);
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ull;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBull;
  return h ^ (h >> 31);
}

}  // namespace

void BlockIds::rehash() {
  std::vector<Slot> old(std::max<std::size_t>(1024, table_.size() * 2));
  old.swap(table_);
  const std::size_t mask = table_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.dense == kNone) continue;
    std::size_t at = mix(slot.id, slot.session) & mask;
    while (table_[at].dense != kNone) at = (at + 1) & mask;
    table_[at] = slot;
  }
}

std::uint32_t BlockIds::dense_of(std::uint64_t id, std::uint32_t session) {
  if (std::uint64_t{used_} * 4 >= table_.size() * 3) rehash();
  const std::size_t mask = table_.size() - 1;
  std::size_t at = mix(id, session) & mask;
  while (table_[at].dense != kNone) {
    if (table_[at].id == id && table_[at].session == session) return table_[at].dense;
    at = (at + 1) & mask;
  }
  if (used_ == kNone - 1) throw core::environment_error("more than 2^32 distinct blocks");
  table_[at] = {id, session, used_};
  return used_++;
}

// Extends the chain's last run when the ids go on, so that runs are maximal.
void BlockIds::append(std::uint32_t first, std::uint32_t count) {
  const std::size_t chain_start = end_.empty() ? 0 : end_.back();
  if (runs_.size() > chain_start && runs_.back().first + runs_.back().count == first) {
    runs_.back().count += count;
  } else {
    if (runs_.size() >= kNone) throw core::environment_error("more than 2^32 runs in a trace");
    runs_.push_back({first, count});
  }
}

void BlockIds::append_hashed(std::uint64_t first, std::uint64_t count, std::uint32_t session) {
  for (std::uint64_t k = 0; k < count; ++k) append(dense_of(first + k, session), 1);
}

void BlockIds::add(std::span<const RawRun> chain, std::uint32_t session) {
  sessions_.push_back(session);
  for (const RawRun& run : chain) {
    references_ += run.count;
    if (!hashing_ && (run.first >= kNone || run.first + run.count >= kNone)) {
      // The chain under way is in end_ only once it is whole: close it for the conversion.
      end_.push_back(static_cast<std::uint32_t>(runs_.size()));
      start_hashing(sessions_);
      end_.pop_back();
    }
    if (hashing_) {
      append_hashed(run.first, run.count, session);
    } else {
      append(static_cast<std::uint32_t>(run.first), static_cast<std::uint32_t>(run.count));
    }
  }
  end_.push_back(static_cast<std::uint32_t>(runs_.size()));
}

void BlockIds::start_hashing(std::span<const std::uint32_t> session_of) {
  hashing_ = true;
  std::vector<Run> old_runs;
  std::vector<std::uint32_t> old_end;
  old_runs.swap(runs_);
  old_end.swap(end_);
  std::size_t at = 0;
  for (std::size_t i = 0; i < old_end.size(); ++i) {
    for (; at < old_end[i]; ++at)
      append_hashed(old_runs[at].first, old_runs[at].count, session_of[i]);
    end_.push_back(static_cast<std::uint32_t>(runs_.size()));
  }
}

// Where each session's ids start when ids are used as they are; false when that wastes memory.
bool BlockIds::offsets(std::span<const std::uint32_t> session_of, std::vector<std::uint32_t>& base,
                       std::uint64_t& total) const {
  struct Range {
    std::uint32_t low = kNone, high = 0;
  };
  std::vector<Range> ranges;
  std::size_t at = 0;
  for (std::size_t i = 0; i < end_.size(); ++i) {
    const std::size_t s = std::uint32_t(session_of[i] + 1);  // kNone is the common space 0
    if (s >= ranges.size()) ranges.resize(s + 1);
    for (; at < end_[i]; ++at) {
      ranges[s].low = std::min(ranges[s].low, runs_[at].first);
      ranges[s].high = std::max(ranges[s].high, runs_[at].first + runs_[at].count);
    }
  }
  total = 0;
  base.assign(ranges.size(), 0);
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    if (ranges[s].high == 0) continue;
    base[s] = static_cast<std::uint32_t>(total) - ranges[s].low;  // modulo 2^32
    total += ranges[s].high - ranges[s].low;
    if (total >= kNone || total > kSlack * references_ + 1024) return false;
  }
  return true;
}

// How many of the ids below `space` occur in a run.
std::uint32_t BlockIds::used_ids(std::uint64_t space) const {
  std::vector<std::int32_t> change(space + 1, 0);
  for (const Run& run : runs_) {
    ++change[run.first];
    --change[run.first + run.count];
  }
  std::uint32_t used = 0;
  std::int32_t open = 0;
  for (std::size_t id = 0; id < space; ++id) {
    open += change[id];
    if (open > 0) ++used;
  }
  return used;
}

void BlockIds::finish(Trace& trace, std::span<const std::uint32_t> session_of) {
  std::vector<std::uint32_t> base;
  std::uint64_t total = 0;
  if (!hashing_ && !offsets(session_of, base, total)) start_hashing(session_of);
  if (hashing_) {
    table_ = std::vector<Slot>();  // `= {}` would keep its room
    total = used_;
    trace.distinct = used_;
  } else {
    std::size_t at = 0;
    for (std::size_t i = 0; i < end_.size(); ++i) {
      const std::uint32_t shift = base[std::uint32_t(session_of[i] + 1)];
      for (; at < end_[i]; ++at) runs_[at].first += shift;
    }
    trace.id_shift = std::move(base);
    for (std::uint32_t& shift : trace.id_shift) shift = 0u - shift;
    trace.distinct = used_ids(total);
  }
  trace.runs = std::move(runs_);
  trace.run_end = std::move(end_);
  trace.id_space = static_cast<std::uint32_t>(total);
  trace.references = references_;
}

namespace {

// The first two requests that disagree about a parent of `block`.
LawBreak witnesses(const Trace& trace, std::uint32_t block) {
  bool have = false;
  std::uint32_t first = 0, parent = kNone;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    std::uint32_t before = kNone;
    for (const Run& run : trace.runs_of(i)) {
      if (block - run.first < run.count) {
        const std::uint32_t here = block == run.first ? before : block - 1;
        if (!have) {
          have = true;
          first = i;
          parent = here;
        } else if (here != parent) {
          return {i, first};
        }
      }
      before = run.first + run.count - 1;
    }
  }
  return {first, first};  // one chain holds the block twice
}

}  // namespace

// By runs: only a run's first block can have a parent other than the id before it, so it is enough
// to compare first blocks with each other and with the insides of all runs.
std::optional<LawBreak> find_law_break(const Trace& trace) {
  constexpr std::uint32_t kFree = kNone - 1;
  std::vector<std::uint32_t> parent(trace.id_space, kFree);
  std::vector<std::int32_t> inside(std::size_t{trace.id_space} + 1, 0);
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    std::uint32_t before = kNone;
    for (const Run& run : trace.runs_of(i)) {
      std::uint32_t& known = parent[run.first];
      if (known != kFree && known != before) return witnesses(trace, run.first);
      known = before;
      if (run.count > 1) {
        ++inside[run.first + 1];
        --inside[run.first + run.count];
      }
      before = run.first + run.count - 1;
    }
  }
  std::int32_t open = 0;
  for (std::uint32_t block = 0; block < trace.id_space; ++block) {
    open += inside[block];
    if (open > 0 && parent[block] != kFree) return witnesses(trace, block);
  }
  return std::nullopt;
}

}  // namespace stateutils::kv
