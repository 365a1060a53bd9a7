// States of the commit protocol as one machine word, and the steps between them.
//
// Layout, from the most significant bit: reg[S-1..0], then history entries (the first one highest,
// room for S*V of them), then per agent A-1..0 a local field: pending, alive, retries, D[S-1..0].
// The number of entries is the sum of reg, and the snapshot of reg in an entry is the number of
// earlier entries per shard, so neither is stored; the snapshot of D equals that of reg unless a
// mutant drops a check, and only then it is stored. The word is therefore the state itself and a
// set of words is exact.
//
// Words are canonical under permutation of agents: agents in the history are numbered by first
// appearance, the others are sorted by their local field. Steps keep that form directly.
#pragma once

#include <array>
#include <cstdint>

#include "sbus/bits.hpp"
#include "sbus/ori_state.hpp"

namespace stateutils::sbus {

__extension__ typedef unsigned __int128 Word128;
using Word64 = std::uint64_t;

template <class W>
class PackedOri {
 public:
  // One bit stays free, so that word + 1 marks a used slot of the set.
  static constexpr int kWordBits = static_cast<int>(sizeof(W)) * 8 - 1;
  [[nodiscard]] static bool fits(const ModelParams& p) { return Layout(p).total <= kWordBits; }

  explicit PackedOri(const ModelParams& params)
      : p_(params), l_(params), invariants_(checked_invariants(params)) {}

  // What all states with the same reg and history share; decoded once per run of them.
  struct Context {
    W word = ~W{0};
    W reg_row = 0;  // reg in the form of a D row
    std::array<std::uint16_t, kMaxShards> reg{};
    int length = 0;  // history entries
    int named = 0;   // agents 0 .. named-1 have fixed numbers, the others are interchangeable
  };

  [[nodiscard]] W context_word(W w) const { return l_.local_total == 0 ? w : w >> l_.local_total; }
  [[nodiscard]] bool has_history() const { return p_.history == History::kFull; }
  [[nodiscard]] W pack(const OriState& state) const;  // of a canonical state
  [[nodiscard]] OriState unpack(W w) const;

  // Calls emit(successor, same_context, broken) for every state one step away that differs from w;
  // `broken` holds the checked invariants that the step or the successor breaks. The predecessor
  // is taken to break none, so only what the step changes is looked at.
  template <class Emit>
  void expand(W w, Context& context, ActionCounts& counts, Emit&& emit) const;

 private:
  struct Layout {
    explicit Layout(const ModelParams& p);
    OriWidths width;
    int row = 0;          // bits of a D row
    int local = 0;        // bits of an agent's field
    int local_total = 0;  // bits of all agents
    int entry = 0;        // bits of a history entry
    int entries = 0;      // most history entries
    int reg_shift = 0;
    int total = 0;
  };
  using Locals = std::array<W, kMaxAgents>;

  static W mask(int bits) { return bits == 0 ? W{0} : (~W{0} >> (kWordBits + 1 - bits)); }
  [[nodiscard]] W field(W row, int s) const {
    return (row >> (s * l_.width.version)) & version_mask_;
  }
  [[nodiscard]] W set_field(W row, int s, W value) const {
    const int shift = s * l_.width.version;
    return (row & ~(version_mask_ << shift)) | (value << shift);
  }
  [[nodiscard]] bool mutated(unsigned m) const { return (p_.mutants & m) != 0; }

  void decode(W context_word, Context& context) const;
  // The word with agent a's field replaced; interchangeable agents are put back in order.
  [[nodiscard]] W replace(W w, const Locals& local, int a, W value, int named) const;
  // The successor in which agent a wrote shard k.
  [[nodiscard]] W write(const Context& context, const Locals& local, int a, int k) const;
  template <class Emit>
  void try_commits(W w, const Context& context, const Locals& local, int a, std::uint64_t times,
                   ActionCounts& counts, Emit&& emit) const;

  ModelParams p_;
  Layout l_;
  unsigned invariants_;
  W local_mask_ = mask(l_.local), row_mask_ = mask(l_.row), version_mask_ = mask(l_.width.version);
  W retry_one_ = W{1} << l_.row, retry_mask_ = mask(l_.width.retries) << l_.row;
  W alive_bit_ = W{1} << (l_.row + l_.width.retries);
  int pending_shift_ = l_.row + l_.width.retries + 1;
};

extern template class PackedOri<Word64>;
extern template class PackedOri<Word128>;

template <class W>
W PackedOri<W>::replace(W w, const Locals& local, int a, W value, int named) const {
  if (a < named) return w ^ ((local[static_cast<std::size_t>(a)] ^ value) << (a * l_.local));
  // Shift the sorted neighbours over the old place until the new value fits.
  const auto put = [&](int i, W from, W to) { w ^= (from ^ to) << (i * l_.local); };
  const auto get = [&](int i) { return local[static_cast<std::size_t>(i)]; };
  int i = a;
  for (; i + 1 < p_.agents && get(i + 1) < value; ++i) put(i, get(i), get(i + 1));
  for (; i > named && get(i - 1) > value; --i) put(i, get(i), get(i - 1));
  put(i, get(i), value);
  return w;
}

template <class W>
template <class Emit>
void PackedOri<W>::try_commits(W w, const Context& context, const Locals& local, int a,
                               std::uint64_t times, ActionCounts& counts, Emit&& emit) const {
  const W own = local[static_cast<std::size_t>(a)];
  const W stale = (own ^ context.reg_row) & row_mask_;
  const bool check_cross = !mutated(kNoCrossCheck), check_primary = !mutated(kNoPrimaryCheck);
  for (int k = 0; k < p_.shards; ++k) {
    if (context.reg[static_cast<std::size_t>(k)] >= p_.max_version) continue;
    const W primary_mask = version_mask_ << (k * l_.width.version);
    const bool cross_stale = (stale & ~primary_mask) != 0, own_stale = (stale & primary_mask) != 0;
    ActionKind action = ActionKind::kCommit;
    if (mutated(kSplitValidate)) {
      const W pending = own >> pending_shift_;
      if (pending == 0) {
        if (check_cross && cross_stale) continue;
        counts[static_cast<std::size_t>(ActionKind::kValidate)] += times;
        const W next = own | (static_cast<W>(static_cast<unsigned>(k + 1)) << pending_shift_);
        emit(replace(w, local, a, next, context.named), true, 0u);
        continue;
      }
      if (pending != static_cast<W>(static_cast<unsigned>(k + 1)) || (check_primary && own_stale))
        continue;
      action = ActionKind::kApply;
    } else if ((check_cross && cross_stale) || (check_primary && own_stale)) {
      continue;
    }
    counts[static_cast<std::size_t>(action)] += times;
    unsigned broken = 0;
    if (cross_stale) broken |= kHistoryOriLegal;
    if (own_stale) broken |= kNoLostUpdate;
    if (context.reg[static_cast<std::size_t>(k)] + 1 > p_.max_version)
      broken |= kVersionBound | kTypeOk;
    emit(write(context, local, a, k), false, broken & invariants_);
  }
}

template <class W>
template <class Emit>
void PackedOri<W>::expand(W w, Context& context, ActionCounts& counts, Emit&& emit) const {
  const W word = context_word(w);
  if (word != context.word) decode(word, context);
  const int agents = p_.agents, shards = p_.shards;
  Locals local;
  for (int a = 0; a < agents; ++a) {
    local[static_cast<std::size_t>(a)] = (w >> (a * l_.local)) & local_mask_;
  }
  bool any = false;
  std::uint64_t times = 1;
  for (int a = 0; a < agents; a += static_cast<int>(times)) {
    const W own = local[static_cast<std::size_t>(a)];
    times = 1;
    if (a >= context.named) {  // agents in the same local state have the same successors
      while (a + static_cast<int>(times) < agents &&
             local[static_cast<std::size_t>(a) + times] == own) {
        ++times;
      }
    }
    if ((own & alive_bit_) == 0) continue;
    any = true;
    counts[static_cast<std::size_t>(ActionKind::kRead)] +=
        times * static_cast<std::uint64_t>(shards);
    counts[static_cast<std::size_t>(ActionKind::kTimeout)] += times;
    emit(replace(w, local, a, own & (alive_bit_ - 1), context.named), true, 0u);
    const W stale = (own ^ context.reg_row) & row_mask_;
    const bool ahead = mutated(kReadAhead);
    if (stale != 0 || ahead) {
      std::uint64_t stale_shards = 0;
      for (int s = 0; s < shards; ++s) {
        const W old = field(own, s), reg = context.reg[static_cast<std::size_t>(s)];
        if (old != reg) ++stale_shards;
        const W read = ahead ? reg + 1 : reg;
        if (read == old) continue;
        unsigned broken = 0;
        if (read > reg) broken |= kReadSetSoundness;
        if (read > static_cast<W>(static_cast<unsigned>(p_.max_version))) broken |= kTypeOk;
        emit(replace(w, local, a, set_field(own, s, read), context.named), true,
             broken & invariants_);
      }
      if (stale_shards > 0 && ((own & retry_mask_) >> l_.row) <
                                  static_cast<W>(static_cast<unsigned>(p_.retry_budget))) {
        counts[static_cast<std::size_t>(ActionKind::kCommitFails)] +=
            times * stale_shards * static_cast<std::uint64_t>(shards);
        emit(replace(w, local, a, own + retry_one_, context.named), true, 0u);
      }
    }
    if (stale == 0 || p_.mutants != 0) try_commits(w, context, local, a, times, counts, emit);
  }
  if (!any) ++counts[static_cast<std::size_t>(ActionKind::kStutter)];
}

}  // namespace stateutils::sbus
