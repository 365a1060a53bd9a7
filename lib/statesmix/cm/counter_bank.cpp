#include "statesmix/cm/counter_bank.hpp"

#include <algorithm>
#include <stdexcept>

namespace stateutils::statesmix {

std::size_t CounterBank::memory(const NgramConfig& config) {
  const auto r = [](std::size_t bytes) { return Arena::rounded(bytes); };
  std::size_t sum = 0;
  for (const Context c : config.contexts) sum += r(sizeof(Bucket) << config.bits(c));
  sum += config.counters() * r(counter_states().size() * 4);
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
  if (contexts_ > kMaxContexts || runs_ > kMaxContexts)
    throw std::logic_error("too many contexts for the counter bank");
  for (std::size_t i = 0; i < contexts_; ++i) {
    const Context c = context_[i] = config.contexts[i];
    tables_[i].attach(arena.take<Bucket>(std::size_t{1} << config.bits(c)), config.bits(c));
    if ((c <= Context::kOrder6 || c == Context::kOrder8 || c == Context::kOrder11) && orders_ < 7)
      order_index_[orders_++] = i;
  }
  for (std::size_t i = 0; i < counters_; ++i) {
    maps_[i] = arena.take<std::uint32_t>(states_.size());
    for (std::size_t s = 0; s < states_.size(); ++s) maps_[i][s] = make_cell(states_.start[s]);
  }
  order1_ = arena.take<Slot>(65536 + 256);
  bucket_[contexts_ + 1] = order1_ + 65536;  // order 0, where there is one
  for (std::size_t k = 0; k < runs_; ++k) {
    const auto at = std::find(config.contexts.begin(), config.contexts.end(), config.runs[k]);
    if (at == config.contexts.end()) throw std::logic_error("a run without its context");
    run_[k].context = static_cast<std::size_t>(at - config.contexts.begin());
    run_[k].cells = arena.take<std::uint32_t>(kRunCells);
    for (std::uint32_t n = 0; n < 32; ++n) {
      for (std::uint32_t b = 0; b < 8; ++b)
        run_[k].cells[n * 8 + b] = make_cell((1u << 22) - (1u << 22) / (n + 2));
    }
  }
}

void CounterBank::end_byte(std::uint32_t byte) {
  for (std::size_t k = 0; k < runs_; ++k) {
    Bucket& b = *first_[run_[k].context];
    if (b.run != 0 && b.byte == byte) {
      if (b.run < 255) ++b.run;
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
    bucket_[i] = first_[i]->slot;
  }
  bucket_[contexts_] = order1_ + 256 * last_byte;
}

// The second nibble's bucket depends on the first nibble. With three of its bits known there are
// two candidates, neighbours by construction: both are asked for one bit ahead.
void CounterBank::prefetch_nibble(std::uint32_t c0) {
  const std::uint64_t salt = c0 * 0x9E3779B97F4A7C15ull;
  for (std::size_t i = 0; i < contexts_; ++i) {
    const std::uint64_t hash = (hash_[i] ^ salt) * 0xD6E8FEB86659FD93ull;
    index_[i] = tables_[i].index(hash);
    check_[i] = static_cast<std::uint16_t>(hash >> 20);
    tables_[i].prefetch(index_[i]);
  }
}

void CounterBank::start_nibble(std::size_t last_bit) {
  for (std::size_t i = 0; i < contexts_; ++i) {
    const auto check = static_cast<std::uint16_t>(check_[i] ^ (last_bit * 0x5A5A));
    bucket_[i] = tables_[i].find(index_[i] ^ last_bit, check)->slot;
  }
}

// Inputs in groups: stretch of the mapped histories; for hashed contexts that of the slots' own
// probabilities by what they have seen, and with Linear the mapped probabilities themselves.
template <bool Linear>
void CounterBank::predict_counters(std::uint32_t c0, int bit_index, std::int16_t* x) {
  const std::uint32_t node =
      bit_index < 4 ? c0 - 1 : (c0 & ((1u << (bit_index - 4)) - 1)) + (1u << (bit_index - 4)) - 1;
  const std::size_t n = contexts_, all = counters_;
  for (std::size_t i = 0; i < n; ++i) slot_[i] = bucket_[i] + node;
  for (std::size_t i = n; i < all; ++i) slot_[i] = bucket_[i] + c0;
  const CounterStates::Entry* const entries = states_.entry.data();
  const LogisticTables& t = t_;
  for (std::size_t i = 0; i < n; ++i) {
    const Slot s = *slot_[i];
    // Entry 0 of a map, the empty history, stays at 1/2: its inputs are 0.
    const std::uint32_t mapped = cell_p16(maps_[i][s.state]);
    x[i] = static_cast<std::int16_t>(stretch(t, mapped));
    x[all + i] = static_cast<std::int16_t>(
        (stretch(t, static_cast<std::uint32_t>(s.p + 32768)) * entries[s.state].confidence) >> 16);
    if constexpr (Linear)
      x[all + n + i] = static_cast<std::int16_t>(((static_cast<int>(mapped) - 32768) * 3) >> 8);
  }
  for (std::size_t i = n; i < all; ++i)
    x[i] = static_cast<std::int16_t>(stretch(t, cell_p16(maps_[i][slot_[i]->state])));
}

// A run whose byte disagrees with the bits so far is silent for the rest of the byte.
void CounterBank::predict_runs(std::uint32_t c0, int bit_index, std::int16_t* x) {
  if (bit_index == 0) {
    active_ = 0;
    for (std::size_t k = 0; k < runs_; ++k) {
      x[k] = 0;
      active_run_[active_] = static_cast<std::uint8_t>(k);
      active_ += first_[run_[k].context]->run != 0 ? 1 : 0;
    }
  }
  std::uint32_t votes[2] = {0, 0};
  std::size_t still = 0;
  for (std::size_t j = 0; j < active_; ++j) {
    const std::size_t k = active_run_[j];
    Run& r = run_[k];
    const Bucket& b = *first_[r.context];
    if ((b.byte | 256u) >> (8 - bit_index) != c0) {
      x[k] = 0;
      continue;
    }
    active_run_[still++] = static_cast<std::uint8_t>(k);
    const std::uint32_t one = (b.byte >> (7 - bit_index)) & 1u;
    r.expected_bit = static_cast<int>(one);
    r.cell = &r.cells[(b.run < 31 ? b.run : 31u) * 8 + static_cast<std::uint32_t>(bit_index)];
    const int st = stretch(t_, cell_p16(*r.cell));
    x[k] = static_cast<std::int16_t>(one != 0 ? st : -st);
    ++votes[one];
  }
  active_ = still;
  const auto group = [](std::uint32_t n) {
    return n < 4 ? n : (n < 6 ? 4u : (n < 10 ? 5u : (n < 16 ? 6u : 7u)));
  };
  votes_ = group(votes[0]) * 8 + group(votes[1]);
}

void CounterBank::predict(std::uint32_t c0, int bit_index, std::int16_t* x) {
  if (linear_) {
    predict_counters<true>(c0, bit_index, x);
    predict_runs(c0, bit_index, x + counters_ + 2 * contexts_);
  } else {
    predict_counters<false>(c0, bit_index, x);
    predict_runs(c0, bit_index, x + counters_ + contexts_);
  }
}

void CounterBank::update(int bit, std::uint32_t c0, int bit_index) {
  const CounterStates::Entry* const entries = states_.entry.data();
  const std::uint16_t* const map_rate = t_.map_rate;
  const int target = bit != 0 ? 32767 : -32768;
  const std::size_t all = counters_;
  Slot* const* const slots = slot_.data();
  std::uint32_t* const* const maps = maps_.data();
  for (std::size_t i = 0; i < all; ++i) {
    Slot* const slot = slots[i];
    std::uint32_t* const map = maps[i];
    const Slot s = *slot;
    const CounterStates::Entry& e = entries[s.state];
    update_cell(map[s.state], bit, map_rate);
    map[0] = kHalfCell;
    const int moved = s.p + (((target - s.p) * static_cast<int>(e.step)) >> 16);
    *slot = {static_cast<std::int16_t>(moved), e.next[bit]};
  }
  for (std::size_t j = 0; j < active_; ++j) {
    const Run& r = run_[active_run_[j]];
    update_cell(*r.cell, bit == r.expected_bit ? 1 : 0, map_rate);
  }
  const std::uint32_t next = (c0 << 1) | static_cast<std::uint32_t>(bit);
  if (bit_index == 2) prefetch_nibble(next);
  if (bit_index == 3) start_nibble(next & 1);
}

std::uint32_t CounterBank::confident_order() const {
  std::uint32_t order = 0;
  for (std::size_t k = 0; k < orders_; ++k) {
    if (slot_[order_index_[k]]->state != 0) order = static_cast<std::uint32_t>(k + 1);
  }
  return order;
}

}  // namespace stateutils::statesmix
