#include "statesmix/cm/counter_bank.hpp"

#include <algorithm>
#include <stdexcept>

namespace stateutils::statesmix {

std::size_t CounterBank::memory(const NgramConfig& config) {
  const auto r = [](std::size_t bytes) { return Arena::rounded(bytes); };
  std::size_t sum = 0;
  for (const Context c : config.contexts) sum += r(sizeof(Bucket) << config.bits(c));
  sum += r(config.counters() * counter_states().size() * 4);
  sum += r((65536 + 256) * sizeof(Slot));
  return sum + config.runs.size() * r(kRunCells * 4);
}

CounterBank::CounterBank(const NgramConfig& config, Arena& arena)
    : t_(logistic_tables()),
      states_(counter_states()),
      contexts_(config.contexts.size()),
      counters_(config.counters()),
      runs_(config.runs.size()),
      linear_(config.linear) {
  if (counters_ > kMaxCounters || runs_ > kMaxContexts)
    throw std::logic_error("too many contexts for the counter bank");
  for (std::size_t i = 0; i < contexts_; ++i) {
    const Context c = context_[i] = config.contexts[i];
    tables_[i].attach(arena.take<Bucket>(std::size_t{1} << config.bits(c)), config.bits(c));
    if ((c <= Context::kOrder6 || c == Context::kOrder8 || c == Context::kOrder11) && orders_ < 7)
      order_index_[orders_++] = i;
  }
  maps_ = arena.take<std::uint32_t>(counters_ * states_.size());
  for (std::size_t i = 0; i < counters_; ++i) {
    std::uint32_t* const map = maps_ + i * states_.size();
    map[0] = kFrozenHalf;
    for (std::size_t s = 1; s < states_.size(); ++s) map[s] = make_cell(states_.start[s]);
  }
  order1_ = arena.take<Slot>(65536 + 256);
  tree_[contexts_ + 1] = order1_ + 65536;  // order 0, where there is one
  for (std::size_t k = 0; k < runs_; ++k) {
    const auto at = std::find(config.contexts.begin(), config.contexts.end(), config.runs[k]);
    if (at == config.contexts.end()) throw std::logic_error("a run without its context");
    run_[k].context = static_cast<std::size_t>(at - config.contexts.begin());
    run_[k].cells = arena.take<std::uint32_t>(kRunCells);
    for (std::uint32_t n = 0; n <= kMostRuns; ++n) {
      for (std::uint32_t b = 0; b < 8; ++b)
        run_[k].cells[n * 8 + b] = make_cell((1u << 22) - (1u << 22) / (n + 2));
    }
  }
}

void CounterBank::note_runs(std::uint32_t byte) {
  for (std::size_t k = 0; k < runs_; ++k) {
    Bucket& b = *first_[run_[k].context];
    if (b.run != 0 && b.byte == byte) {
      if (b.run < kMostRuns) ++b.run;
    } else {
      b.byte = static_cast<std::uint8_t>(byte);
      b.run = 1;
    }
  }
}

void CounterBank::prefetch_byte(const TextState& text) {
  for (std::size_t i = 0; i < contexts_; ++i) {
    hash_[i] = text.hash(context_[i]);
    tables_[i].prefetch_one(tables_[i].index(hash_[i]));
  }
}

void CounterBank::start_byte(std::uint32_t last_byte) {
  for (std::size_t i = 0; i < contexts_; ++i) {
    first_[i] = tables_[i].find(tables_[i].index(hash_[i]), static_cast<std::uint16_t>(hash_[i]));
    tree_[i] = first_[i]->first;
  }
  tree_[contexts_] = order1_ + 256 * last_byte;
  start_runs();
}

// The second nibble's bucket, where it needs one, depends on the first nibble. With three of its
// bits known there are two candidates, neighbours by construction: both are asked for one bit
// ahead.
void CounterBank::prefetch_nibble(std::uint32_t c0) {
  const std::uint64_t salt = c0 * 0x9E3779B97F4A7C15ull;
  for (std::size_t i = 0; i < contexts_; ++i) {
    const std::uint64_t hash = (hash_[i] ^ salt) * 0xD6E8FEB86659FD93ull;
    index_[i] = tables_[i].index(hash);
    check_[i] = static_cast<std::uint16_t>(hash >> 20);
    if (first_[i]->second[0] != 0 && std::uint32_t{first_[i]->nibble} >> 1 != (c0 & 7))
      tables_[i].prefetch(index_[i]);
  }
}

void CounterBank::start_nibble(std::uint32_t c0) {
  const std::uint32_t last_bit = c0 & 1;
  for (std::size_t i = 0; i < contexts_; ++i) {
    tree_[i] = first_[i]->inside(c0);
    if (tree_[i] != nullptr) continue;
    const auto check = static_cast<std::uint16_t>(check_[i] ^ (last_bit * 0x5A5A));
    tree_[i] = tables_[i].find(index_[i] ^ last_bit, check)->first;
  }
}

// Inputs in groups: stretch of the mapped histories, and with Linear the mapped probabilities
// themselves.
template <bool Linear>
void CounterBank::predict_counters(std::uint32_t c0, int bit_index, std::int16_t* x) {
  const std::uint32_t first = 1u << (bit_index & 3);
  const std::uint32_t node = (c0 & (first - 1)) + first - 1;
  const std::size_t n = contexts_, all = counters_, stride = states_.size();
  const std::uint32_t* const next = states_.next.data();
  const LogisticTables& t = t_;
  std::uint32_t* map = maps_;
  const auto read = [&](std::size_t i, Slot* slot) {
    const std::uint32_t state = *slot;
    std::uint32_t* const cell = map + state;
    map += stride;
    const std::uint32_t value = *cell;
    slot_[i] = slot;
    cell_[i] = cell;
    next_[i] = next[state];
    lanes_.cell[i] = value;
    lanes_.rate[i] = t.map_rate[value & kHitMask];
    // Entry 0 of a map, the empty history, stays at 1/2: its inputs are 0.
    x[i] = static_cast<std::int16_t>(stretch(t, cell_p16(value)));
    if constexpr (Linear)
      x[all + i] =
          static_cast<std::int16_t>(((static_cast<int>(cell_p16(value)) - 32768) * 3) >> 8);
  };
  for (std::size_t i = 0; i < n; ++i) read(i, tree_[i] + node);
  for (std::size_t i = n; i < all; ++i) read(i, tree_[i] + c0);
}

// Runs take part from a byte's start until a bit contradicts them.
void CounterBank::start_runs() {
  active_ = 0;
  for (std::size_t k = 0; k < runs_; ++k) {
    const Bucket& b = *first_[run_[k].context];
    if (b.run == 0) continue;
    active_run_[active_++] = {run_[k].cells + b.run * 8, static_cast<std::uint8_t>(k), b.byte};
  }
}

void CounterBank::predict_runs(int bit_index, std::int16_t* x) {
  std::fill_n(x, runs_, std::int16_t{0});
  ones_ = 0;
  for (std::size_t j = 0; j < active_; ++j) {
    const ActiveRun& r = active_run_[j];
    const std::uint32_t one = (r.byte >> (7 - bit_index)) & 1u;
    const int st = stretch(t_, cell_p16(r.cells[bit_index]));
    x[r.input] = static_cast<std::int16_t>(one != 0 ? st : -st);
    ones_ += one;
  }
}

void CounterBank::update_runs(int bit, int bit_index) {
  std::size_t still = 0;
  for (std::size_t j = 0; j < active_; ++j) {
    const ActiveRun r = active_run_[j];
    const bool agrees = ((r.byte >> (7 - bit_index)) & 1) == bit;
    update_cell(r.cells[bit_index], agrees ? 1 : 0, t_.map_rate);
    active_run_[still] = r;
    still += agrees ? 1 : 0;
  }
  active_ = still;
}

std::uint32_t CounterBank::run_votes() const {
  const auto group = [](std::size_t n) {
    return n < 4 ? static_cast<std::uint32_t>(n)
                 : (n < 6 ? 4u : (n < 10 ? 5u : (n < 16 ? 6u : 7u)));
  };
  return group(active_ - ones_) * 8 + group(ones_);
}

void CounterBank::predict(std::uint32_t c0, int bit_index, std::int16_t* x) {
  if (linear_) {
    predict_counters<true>(c0, bit_index, x);
    predict_runs(bit_index, x + 2 * counters_);
  } else {
    predict_counters<false>(c0, bit_index, x);
    predict_runs(bit_index, x + counters_);
  }
}

// What update_cell does, for all counters side by side.
void CounterBank::Lanes::advance(std::size_t n, int bit) {
  const std::int32_t one = bit << kCellBits;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t gap = one - static_cast<std::int32_t>(cell[i] >> 10);
    const auto moved = static_cast<std::uint32_t>((gap >> 3) * rate[i]);
    cell[i] += (moved & ~kHitMask) + ((cell[i] & kHitMask) < kMostHits ? 1u : 0u);
  }
}

void CounterBank::update(int bit, std::uint32_t c0, int bit_index) {
  lanes_.advance((counters_ + 3) / 4 * 4, bit);
  const int shift = 16 * bit;
  for (std::size_t i = 0; i < counters_; ++i) {
    *slot_[i] = static_cast<Slot>(next_[i] >> shift);
    *cell_[i] = lanes_.cell[i];
  }
  update_runs(bit, bit_index);
  const std::uint32_t next = (c0 << 1) | static_cast<std::uint32_t>(bit);
  if (bit_index == 2) prefetch_nibble(next);
  if (bit_index == 3) start_nibble(next);
  if (bit_index == 7) note_runs(next & 255);
}

std::uint32_t CounterBank::confident_order() const {
  std::uint32_t order = 0;
  for (std::size_t k = 0; k < orders_; ++k) {
    if (*slot_[order_index_[k]] != 0) order = static_cast<std::uint32_t>(k + 1);
  }
  return order;
}

}  // namespace stateutils::statesmix
