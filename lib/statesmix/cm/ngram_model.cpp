#include "statesmix/cm/ngram_model.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace stateutils::statesmix {
namespace {

constexpr std::int16_t kFirstWeight = 492;  // 0.03 with 14 fraction bits
constexpr std::int32_t kFinalRate = 1000;   // in 2^-20
// Errors up to this many 2^-20 move weights by less than is worth the memory traffic.
constexpr int kQuiet = 1;
constexpr std::uint32_t kRunCells = 32 * 8;

// A set has `parts` groups of rows; the row in a group is the partial byte or the bit's number.
struct SelectorShape {
  std::uint32_t parts;
  bool by_partial;  // 256 rows a group, else 8
  bool per_bit;     // the group may change from bit to bit

  [[nodiscard]] std::uint32_t rows() const { return parts * (by_partial ? 256u : 8u); }
};

constexpr SelectorShape selector_shape(Selector s) {
  switch (s) {
    case Selector::kPartial:
      return {1, true, false};
    case Selector::kMatchPartial:
      return {8, true, true};
    case Selector::kOrderBit:
      return {8 * 8, false, true};
    case Selector::kClassPartial:
      return {16, true, false};
    case Selector::kMatchBit:
      return {32, false, true};
    case Selector::kSsmTop:
      return {64, false, true};
    case Selector::kSsmPartial:
      return {8, true, true};
    case Selector::kByteBit:
    case Selector::kByte2Bit:
    case Selector::kClassesBit:
    case Selector::kAboveBit:
      return {256, false, false};
    case Selector::kInWordPartial:
      return {2, true, false};
    case Selector::kWordLength:
      return {16, true, false};
    case Selector::kColumnBit:
      return {64, false, false};
    case Selector::kExpected:
      return {257, false, true};
    case Selector::kBracketPartial:
      return {16, true, false};
    case Selector::kCount:
      break;
  }
  return {1, true, false};
}

int padded(int n) {
  return (n + kMixAlign - 1) / kMixAlign * kMixAlign;
}

// rate(i) = 0.002 + 0.0172 * 60000 / (60000 + 8 i) in 2^-20.
std::int32_t mixer_rate(std::size_t i) {
  const std::uint64_t decaying =
      std::uint64_t{18000} * 60000 / (60000 + 8 * static_cast<std::uint64_t>(i));
  return static_cast<std::int32_t>(2097 + decaying);
}

std::int16_t scaled_error(int bit, std::uint32_t p, std::int32_t rate) {
  const std::int32_t error = (bit << 16) - static_cast<std::int32_t>(p);
  const auto e = static_cast<std::int32_t>((static_cast<std::int64_t>(error) * rate + 32768) >> 16);
  return static_cast<std::int16_t>(e > 32767 ? 32767 : (e < -32768 ? -32768 : e));
}

}  // namespace

int NgramConfig::inputs() const {
  const auto n = static_cast<int>(runs.size() + 2 * match_lengths.size());
  return per_context() * static_cast<int>(contexts.size() + 2) + n + external + (lean ? 0 : 1);
}

// Contexts with few values: buckets that stay empty would cost page faults and cache.
int NgramConfig::bits(Context c) const {
  switch (c) {
    case Context::kOrder2:
    case Context::kSparse23:
    case Context::kSparse24:
    case Context::kNibbles:
      return std::min(16, table_bits);
    case Context::kOrder3:
    case Context::kWord:
    case Context::kColumn:
      return std::min(17, table_bits);
    default:
      return table_bits;
  }
}

std::vector<std::string> NgramConfig::components() const {
  std::vector<std::string> names;
  for (const Context c : contexts) names.emplace_back(context_name(c));
  names.emplace_back("order0");
  names.emplace_back("order1");
  for (const Context c : runs) names.push_back("run_" + std::string(context_name(c)));
  for (const std::uint32_t n : match_lengths) names.push_back("match" + std::to_string(n));
  return names;
}

std::size_t NgramConfig::memory() const {
  const auto r = [](std::size_t bytes) { return Arena::rounded(bytes); };
  std::size_t sum = 0;
  for (const Context c : contexts) sum += r(sizeof(Bucket) << bits(c));
  sum += (contexts.size() + 2) * r(counter_states().size() * 4);
  sum += r((65536 + 256) * sizeof(Slot));
  sum += runs.size() * (r(std::size_t{4} << run_bits) + r(kRunCells * 4));
  sum += match_lengths.size() * (r(std::size_t{4} << match_bits) + r(MatchModel::kCells * 4));
  for (const Selector s : selectors) {
    sum += r(selector_shape(s).rows() * static_cast<std::size_t>(padded(inputs())) * 4);
  }
  sum += static_cast<std::size_t>(finals) *
         r(256 * static_cast<std::size_t>(padded(static_cast<int>(selectors.size()))) * 4);
  const std::size_t hashed = r((std::size_t{Apm::kCells} << apm_bits) * 4);
  if (apms >= 2) sum += r(65536 * Apm::kCells * 4) + hashed;
  if (apms == 4) sum += r(256 * Apm::kCells * 4) + hashed;
  return sum;
}

NgramModel::NgramModel(const NgramConfig& config, Arena& arena, Isa isa)
    : t_(logistic_tables()),
      states_(counter_states()),
      kernels_(mixer_kernels(isa)),
      config_(config) {
  contexts_ = static_cast<int>(config.contexts.size());
  runs_ = static_cast<int>(config.runs.size());
  matches_ = static_cast<int>(config.match_lengths.size());
  sets_ = static_cast<int>(config.selectors.size());
  per_context_ = config.per_context();
  padded_ = padded(config.inputs());
  if (contexts_ > kMaxContexts || runs_ > kMaxRuns || matches_ > 2 || sets_ > kMaxSets ||
      padded_ > kMaxInputs || config.external > 8) {
    throw std::logic_error("n-gram model configuration is too large");
  }
  for (std::size_t i = 0; i < config.contexts.size(); ++i) {
    const Context c = config.contexts[i];
    tables_[i].attach(arena.take<Bucket>(std::size_t{1} << config.bits(c)), config.bits(c));
    if ((c <= Context::kOrder6 || c == Context::kOrder8 || c == Context::kOrder11) && orders_ < 7) {
      order_index_[static_cast<std::size_t>(orders_++)] = static_cast<int>(i);
    }
  }
  for (std::size_t i = 0; i < config.contexts.size() + 2; ++i) {
    maps_[i] = arena.take<std::uint32_t>(states_.size());
    for (std::size_t s = 0; s < states_.size(); ++s) maps_[i][s] = make_cell(states_.start[s]);
  }
  order1_ = arena.take<Slot>(65536 + 256);
  bucket_[config.contexts.size()] = order1_ + 65536;
  run_shift_ = 64 - config.run_bits;
  for (std::size_t i = 0; i < config.runs.size(); ++i) {
    run_tables_[i] = arena.take<std::uint32_t>(std::size_t{1} << config.run_bits);
    run_[i].cells = arena.take<std::uint32_t>(kRunCells);
    for (std::uint32_t n = 0; n < 32; ++n) {
      for (std::uint32_t b = 0; b < 8; ++b) {
        run_[i].cells[n * 8 + b] = make_cell((1u << 22) - (1u << 22) / (n + 2));
      }
    }
  }
  for (std::size_t i = 0; i < config.match_lengths.size(); ++i) {
    auto* positions = arena.take<std::uint32_t>(std::size_t{1} << config.match_bits);
    match_[i].attach(positions, config.match_bits, arena.take<std::uint32_t>(MatchModel::kCells),
                     config.match_lengths[i]);
  }
  for (std::size_t k = 0; k < config.selectors.size(); ++k) {
    const SelectorShape shape = selector_shape(config.selectors[k]);
    set_[k] = {config.selectors[k], shape.by_partial, shape.per_bit, 0,
               arena.take<std::int32_t>(shape.rows() * static_cast<std::size_t>(padded_))};
  }
  final_padded_ = padded(sets_);
  const std::size_t finals = 256 * static_cast<std::size_t>(final_padded_);
  for (int f = 0; f < config.finals; ++f) {
    final_weights_[static_cast<std::size_t>(f)] = arena.take<std::int32_t>(finals);
  }
  if (config.apms < 2) return;
  apm_[1].attach(arena.take<std::uint32_t>(65536 * Apm::kCells), t_);
  const std::size_t hashed = std::size_t{Apm::kCells} << config.apm_bits;
  apm_[2].attach(arena.take<std::uint32_t>(hashed), t_);
  if (config.apms < 4) return;
  apm_[0].attach(arena.take<std::uint32_t>(256 * Apm::kCells), t_);
  apm_[3].attach(arena.take<std::uint32_t>(hashed), t_);
}

void NgramModel::prepare_byte(const std::uint8_t* history, std::size_t position) {
  history_ = history;
  position_ = position;
  if (position > 0) {
    update_runs();
    text_.append(history, position);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(contexts_); ++i) {
    hash_[i] = text_.hash(config_.contexts[i]);
    tables_[i].prefetch_one(tables_[i].index(hash_[i]));
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(matches_); ++i)
    match_[i].prepare_byte(history, position);
  for (std::size_t i = 0; i < static_cast<std::size_t>(runs_); ++i) {
    run_[i].hash = hash64(text_.hash(config_.runs[i]) + 1);
    __builtin_prefetch(&run_tables_[i][run_[i].hash >> run_shift_]);
  }
}

void NgramModel::start_byte() {
  c0_ = 1;
  bit_ = 0;
  rate_ = mixer_rate(position_);
  for (std::size_t i = 0; i < static_cast<std::size_t>(matches_); ++i) {
    match_[i].start_byte(history_, position_);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(runs_); ++i) {
    // Entry: check (16 bits) | last byte | run count; two places, the shorter run gives way.
    std::uint32_t* table = run_tables_[i];
    const auto index = static_cast<std::size_t>(run_[i].hash >> run_shift_);
    const auto check = static_cast<std::uint32_t>(run_[i].hash & 0xFFFF) << 16;
    std::uint32_t* a = &table[index];
    std::uint32_t* b = &table[index ^ 1];
    const auto holds = [check](const std::uint32_t* e) { return (*e & 0xFFFF0000u) == check; };
    if (!holds(a) || (*a & 255) == 0) {
      if (holds(b) && (*b & 255) != 0) {
        a = b;
      } else {
        if ((*b & 255) < (*a & 255)) a = b;
        *a = check;
      }
    }
    run_[i].entry = a;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(contexts_); ++i) {
    bucket_[i] =
        tables_[i].find(tables_[i].index(hash_[i]), static_cast<std::uint16_t>(hash_[i]))->slot;
  }
  bucket_[static_cast<std::size_t>(contexts_) + 1] = order1_ + 256 * text_.byte(1);
  for (std::size_t k = 0; k < static_cast<std::size_t>(sets_); ++k) {
    if (!set_[k].per_bit) set_[k].part = part(set_[k].selector, {});
  }
}

// The second nibble's bucket depends on the first nibble. With three of its bits known there are
// two candidates, neighbours by construction: both are asked for one bit ahead.
void NgramModel::prefetch_nibble() {
  for (std::size_t i = 0; i < static_cast<std::size_t>(contexts_); ++i) {
    const std::uint64_t hash = hash64(hash_[i] + c0_ * 0x9E3779B97F4A7C15ull);
    index_[i] = tables_[i].index(hash);
    check_[i] = static_cast<std::uint16_t>(hash);
    tables_[i].prefetch(index_[i]);
  }
}

void NgramModel::start_nibble() {
  const std::size_t last = c0_ & 1;
  for (std::size_t i = 0; i < static_cast<std::size_t>(contexts_); ++i) {
    const auto check = static_cast<std::uint16_t>(check_[i] ^ (last * 0x5A5A));
    bucket_[i] = tables_[i].find(index_[i] ^ last, check)->slot;
  }
}

template <int Inputs>
void NgramModel::predict_counters() {
  const std::uint32_t node =
      bit_ < 4 ? c0_ - 1 : (c0_ & ((1u << (bit_ - 4)) - 1)) + (1u << (bit_ - 4)) - 1;
  const auto n = static_cast<std::size_t>(contexts_);
  const CounterStates::Entry* const entries = states_.entry.data();
  const LogisticTables& t = t_;
  std::int16_t* x = x_.data();
  for (std::size_t i = 0; i < n + 2; ++i, x += Inputs) {
    Slot* const s = bucket_[i] + (i < n ? node : c0_);
    slot_[i] = s;
    const std::uint32_t state = s->state;
    // Entry 0 of a map, the empty history, stays at 1/2: its inputs are 0.
    const std::uint32_t mapped = cell_p16(maps_[i][state]);
    x[0] = static_cast<std::int16_t>(stretch(t, mapped));
    x[1] =
        static_cast<std::int16_t>((stretch(t, s->p ^ 0x8000u) * entries[state].confidence) >> 16);
    if constexpr (Inputs == 3)
      x[2] = static_cast<std::int16_t>(((static_cast<int>(mapped) - 32768) * 3) >> 8);
  }
}

// The longest order that has seen anything here.
void NgramModel::find_confident() {
  confident_ = 0;
  for (int k = 0; k < orders_; ++k) {
    if (slot_[static_cast<std::size_t>(order_index_[static_cast<std::size_t>(k)])]->state != 0) {
      confident_ = static_cast<std::uint32_t>(k + 1);
    }
  }
}

void NgramModel::predict_runs() {
  std::int16_t* x = &x_[static_cast<std::size_t>(per_context_ * (contexts_ + 2))];
  for (std::size_t i = 0; i < static_cast<std::size_t>(runs_); ++i) {
    Run& r = run_[i];
    const std::uint32_t entry = *r.entry;
    const std::uint32_t count = entry & 255, byte = (entry >> 8) & 255;
    r.cell = nullptr;
    x[i] = 0;
    if (count == 0 || (byte | 256) >> (8 - bit_) != c0_) continue;
    r.expected_bit = static_cast<int>(byte >> (7 - bit_)) & 1;
    r.cell = &r.cells[(count < 31 ? count : 31) * 8 + static_cast<std::uint32_t>(bit_)];
    const int st = stretch(t_, cell_p16(*r.cell));
    x[i] = static_cast<std::int16_t>(r.expected_bit != 0 ? st : -st);
  }
}

std::uint32_t NgramModel::part(Selector s, const ExternalBit& external) const {
  const std::uint32_t long_match =
      matches_ > 1 && match_[1].length() != 0 ? match_[1].length_class() : match_[0].length_class();
  switch (s) {
    case Selector::kMatchPartial:
      return long_match;
    case Selector::kOrderBit:
      return confident_ * 8 + long_match;
    case Selector::kClassPartial:
      return text_.classes() & 15;
    case Selector::kMatchBit: {
      const std::uint32_t n = match_[0].length();
      return n < 16 ? n : (n < 32 ? 16 + (n - 16) / 2 : (n < 400 ? 24 + (n - 32) / 64 : 31));
    }
    case Selector::kSsmTop:
      return external.top_class;
    case Selector::kSsmPartial:
      return external.confidence;
    case Selector::kByteBit:
      return text_.byte(1);
    case Selector::kInWordPartial:
      return text_.letter_last() ? 1 : 0;
    case Selector::kByte2Bit:
      return text_.byte(2);
    case Selector::kClassesBit:
      return text_.classes() & 255;
    case Selector::kWordLength:
      return text_.word_length() < 15 ? text_.word_length() : 15;
    case Selector::kColumnBit:
      return text_.column() < 63 ? text_.column() : 63;
    case Selector::kAboveBit:
      return text_.above();
    case Selector::kExpected: {
      const int expected = match_[0].expected();
      return static_cast<std::uint32_t>(expected < 0 ? 256 : expected);
    }
    case Selector::kBracketPartial:
      return character_class(static_cast<std::uint8_t>(text_.above()));
    case Selector::kPartial:
    case Selector::kCount:
      break;
  }
  return 0;
}

void NgramModel::select_row(std::size_t k) {
  const Set& set = set_[k];
  const std::uint32_t row =
      set.by_partial ? set.part * 256 + c0_ : set.part * 8 + static_cast<std::uint32_t>(bit_);
  chosen_[k] = set.weights + std::size_t{row} * static_cast<std::size_t>(padded_);
  for (int i = 0; i < padded_; i += 16) __builtin_prefetch(chosen_[k] + i);
}

// Every set but those that the counters select: the rows are on their way meanwhile.
void NgramModel::select_early(const ExternalBit& external) {
  for (std::size_t k = 0; k < static_cast<std::size_t>(sets_); ++k) {
    Set& set = set_[k];
    if (set.per_bit) set.part = part(set.selector, external);
    select_row(k);
  }
  const std::uint32_t context[2] = {c0_, text_.byte(1)};
  for (std::size_t f = 0; f < static_cast<std::size_t>(config_.finals); ++f)
    final_chosen_[f] = final_weights_[f] + context[f] * static_cast<std::uint32_t>(final_padded_);
}

void NgramModel::select_late(const ExternalBit& external) {
  for (std::size_t k = 0; k < static_cast<std::size_t>(sets_); ++k) {
    if (set_[k].selector != Selector::kOrderBit) continue;
    find_confident();
    set_[k].part = part(Selector::kOrderBit, external);
    select_row(k);
  }
}

NgramModel::Inputs NgramModel::component_inputs(std::size_t component) const {
  const auto hashed = static_cast<std::size_t>(contexts_) + 2;
  const auto runs = static_cast<std::size_t>(runs_), each = static_cast<std::size_t>(per_context_);
  if (component < hashed) return {each * component, each};
  if (component < hashed + runs) return {(each - 1) * hashed + component, 1};
  return {each * hashed + runs + 2 * (component - hashed - runs), 2};
}

// Components that eval leaves out: their inputs stay 0, so their weights never move.
void NgramModel::silence() {
  for (std::size_t i = 0; i < config_.off.size(); ++i) {
    if (!config_.off[i]) continue;
    const Inputs in = component_inputs(i);
    for (std::size_t j = 0; j < in.count; ++j) x_[in.first + j] = 0;
  }
}

int NgramModel::component_stretch(std::size_t component) const {
  return x_[component_inputs(component).first];
}

Prob16 NgramModel::predict(const ExternalBit& external) {
  select_apms();
  select_early(external);
  if (config_.lean) {
    predict_counters<2>();
  } else {
    predict_counters<3>();
  }
  predict_runs();
  std::size_t at = static_cast<std::size_t>(per_context_ * (contexts_ + 2) + runs_);
  for (std::size_t i = 0; i < static_cast<std::size_t>(matches_); ++i, at += 2) {
    match_[i].predict(t_, c0_, bit_, &x_[at]);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(config_.external); ++i)
    x_[at++] = external.inputs[i];
  if (!config_.lean) x_[at] = 256;  // bias
  if (!config_.off.empty()) silence();
  select_late(external);

  std::array<std::int32_t, kMaxSets> sums;
  kernels_.dot(x_.data(), padded_, chosen_.data(), sets_, kFirstWeight, sums.data());
  for (std::size_t k = 0; k < static_cast<std::size_t>(sets_); ++k) {
    const int d = clamp_stretch((sums[k] + 32) >> 6);
    dots_[k] = static_cast<std::int16_t>(d);
    p_[k] = squash(t_, d);
  }
  return refine(mix_finals());
}

// The mean of the final mixers (or of the sets, where there is none) in the logistic domain; each
// learns from its own error.
int NgramModel::mix_finals() {
  if (config_.finals == 0) {
    int sum = 0;
    for (std::size_t k = 0; k < static_cast<std::size_t>(sets_); ++k) sum += dots_[k];
    return sum / sets_;
  }
  std::array<std::int32_t, 2> sums{};
  kernels_.dot(dots_.data(), final_padded_, final_chosen_.data(), config_.finals,
               static_cast<std::int16_t>(16384 / sets_), sums.data());
  int total = 0;
  for (std::size_t f = 0; f < static_cast<std::size_t>(config_.finals); ++f) {
    const int st = clamp_stretch((sums[f] + 32) >> 6);
    final_p_[f] = squash(t_, st);
    total += st;
  }
  return total / config_.finals;
}

void NgramModel::select_apms() {
  if (config_.apms < 2) return;
  const std::uint32_t pair = static_cast<std::uint32_t>(text_.last8()) & 0xFFFF;
  apm_context_[0] = c0_;
  apm_context_[1] = text_.byte(1) << 8 | c0_;
  apm_context_[2] = ((pair << 8 | c0_) * 0x9E3779B1u) >> (32 - config_.apm_bits);
  apm_[1].prefetch(apm_context_[1]);
  apm_[2].prefetch(apm_context_[2]);
  if (config_.apms < 4) return;
  apm_context_[3] =
      static_cast<std::uint32_t>(hash64(text_.word() + c0_) >> (64 - config_.apm_bits));
  apm_[3].prefetch(apm_context_[3]);
}

Prob16 NgramModel::refine(int st) {
  const std::uint32_t mixed = squash(t_, st);
  if (config_.apms < 2) return mixed;
  const std::uint32_t a1 = apm_[1].refine(st, apm_context_[1]);
  const std::uint32_t a2 = apm_[2].refine(st, apm_context_[2]);
  std::uint32_t p = (2 * mixed + a1 + a2) / 4;
  if (config_.apms == 4) {
    const std::uint32_t a0 = apm_[0].refine(st, apm_context_[0]);
    const std::uint32_t a3 = apm_[3].refine(st, apm_context_[3]);
    p = (8 * mixed + 2 * a0 + 4 * a1 + 3 * a2 + 3 * a3) / 20;
  }
  return p < 1 ? 1 : (p > 65535 ? 65535 : p);
}

void NgramModel::update_counters(int bit) {
  const CounterStates::Entry* entries = states_.entry.data();
  const int target = bit != 0 ? 65535 : 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(contexts_) + 2; ++i) {
    Slot* s = slot_[i];
    const std::uint32_t state = s->state;
    const CounterStates::Entry& e = entries[state];
    std::uint32_t* cell = state != 0 ? &maps_[i][state] : &scratch_cell_;
    update_cell(*cell, bit, t_.map_rate);
    const int p = s->p ^ 0x8000;
    const int moved = p + (((target - p) * static_cast<int>(e.step)) >> 16);
    s->p = static_cast<std::uint16_t>(moved ^ 0x8000);
    s->state = e.next[bit];
  }
}

void NgramModel::update_runs() {
  const std::uint32_t c = history_[position_ - 1];
  for (std::size_t i = 0; i < static_cast<std::size_t>(runs_); ++i) {
    std::uint32_t& e = *run_[i].entry;
    const std::uint32_t count = e & 255;
    if (count != 0 && ((e >> 8) & 255) == c) {
      if (count < 255) ++e;
    } else {
      e = (e & 0xFFFF0000u) | (c << 8) | 1;
    }
  }
}

void NgramModel::update(int bit) {
  // A set that is right enough stays as it is.
  std::array<std::int16_t, kMaxSets> errors;
  std::array<std::int32_t*, kMaxSets> moving;
  std::size_t moves = 0;
  for (std::size_t k = 0; k < static_cast<std::size_t>(sets_); ++k) {
    errors[moves] = scaled_error(bit, p_[k], rate_);
    moving[moves] = chosen_[k];
    moves += std::abs(errors[moves]) > kQuiet ? 1 : 0;
  }
  kernels_.train(x_.data(), padded_, moving.data(), static_cast<int>(moves), errors.data());
  std::array<std::int16_t, 2> final_errors{};
  for (std::size_t f = 0; f < static_cast<std::size_t>(config_.finals); ++f) {
    final_errors[f] = scaled_error(bit, final_p_[f], kFinalRate);
  }
  kernels_.train(dots_.data(), final_padded_, final_chosen_.data(), config_.finals,
                 final_errors.data());
  if (config_.apms >= 2) {
    apm_[1].update(bit);
    apm_[2].update(bit);
  }
  if (config_.apms == 4) {
    apm_[0].update(bit);
    apm_[3].update(bit);
  }
  update_counters(bit);
  for (std::size_t i = 0; i < static_cast<std::size_t>(runs_); ++i) {
    if (run_[i].cell != nullptr)
      update_cell(*run_[i].cell, bit == run_[i].expected_bit ? 1 : 0, t_.map_rate);
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(matches_); ++i) match_[i].update(bit, t_);
  c0_ = (c0_ << 1) | static_cast<std::uint32_t>(bit);
  ++bit_;
  if (bit_ == 3) prefetch_nibble();
  if (bit_ == 4) start_nibble();
}

}  // namespace stateutils::statesmix
