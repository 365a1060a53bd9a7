#include "sbus/packed_ori.hpp"

#include <algorithm>

namespace stateutils::sbus {
namespace {

template <class W>
W word(int value) {
  return static_cast<W>(static_cast<unsigned>(value));
}

}  // namespace

template <class W>
PackedOri<W>::Layout::Layout(const ModelParams& p) : width(ori_widths(p)) {
  row = p.shards * width.version;
  local = row + width.retries + 1 + width.pending;
  local_total = p.agents * local;
  entry = width.code + (needs_snapshots(p) ? row : 0);
  entries = p.history == History::kFull ? p.shards * p.max_version : 0;
  reg_shift = local_total + entries * entry;
  total = reg_shift + row;
}

template <class W>
void PackedOri<W>::decode(W context_word, Context& context) const {
  context.word = context_word;
  context.reg_row = context_word >> (l_.reg_shift - l_.local_total);
  context.length = 0;
  for (int s = 0; s < p_.shards; ++s) {
    context.reg[at(s)] = static_cast<std::uint16_t>(field(context.reg_row, s));
    context.length += context.reg[at(s)];
  }
  context.named = p_.symmetry == Symmetry::kNone ? p_.agents : 0;
  if (!has_history() || context.named != 0) return;
  for (int i = 0; i < context.length; ++i) {
    const W entry = context_word >> ((l_.entries - 1 - i) * l_.entry);
    const W code = (entry >> (l_.entry - l_.width.code)) & mask(l_.width.code);
    context.named = std::max(context.named, static_cast<int>(code) / p_.shards + 1);
  }
}

template <class W>
W PackedOri<W>::write(const Context& context, const Locals& local, int a, int k) const {
  const W own = local[at(a)];
  W changed = own;
  if (!mutated(kNoOwnRefresh)) {
    changed = set_field(own, k, static_cast<W>(context.reg[at(k)]) + 1);
  }
  changed &= mask(pending_shift_);
  const W reg_row = context.reg_row + (W{1} << (k * l_.width.version));
  W out = reg_row << l_.reg_shift;
  int place = a;  // the agent's number in the successor
  if (has_history()) {
    if (a >= context.named) place = context.named;  // its first commit names it
    const W history_mask = mask(l_.reg_shift - l_.local_total);
    out |= (context.word & history_mask) << l_.local_total;
    W entry = word<W>(place * p_.shards + k);
    if (needs_snapshots(p_)) entry = (entry << l_.row) | (own & row_mask_);
    out |= entry << (l_.local_total + (l_.entries - 1 - context.length) * l_.entry);
  } else if (a >= context.named) {
    while (place > 0 && local[at(place - 1)] > changed) --place;
    while (place + 1 < p_.agents && local[at(place + 1)] < changed) ++place;
  }
  // Agents between the old and the new place move by one.
  for (int i = 0; i < p_.agents; ++i) {
    int from = i;
    if (place < a && i > place && i <= a) from = i - 1;
    if (place > a && i >= a && i < place) from = i + 1;
    const W value = i == place ? changed : local[at(from)];
    out |= value << (i * l_.local);
  }
  return out;
}

template <class W>
W PackedOri<W>::pack(const OriState& state) const {
  W out = 0;
  W reg_row = 0;
  for (int s = 0; s < p_.shards; ++s) reg_row = set_field(reg_row, s, state.reg[at(s)]);
  const auto row = [&](const VersionRow& values) {
    W packed = 0;
    for (int s = 0; s < p_.shards; ++s) packed = set_field(packed, s, values[at(s)]);
    return packed;
  };
  out = reg_row << l_.reg_shift;
  for (int i = 0; i < static_cast<int>(state.history.size()); ++i) {
    const HistoryEntry& from = state.history[at(i)];
    W entry = word<W>(from.agent * p_.shards + from.shard);
    if (needs_snapshots(p_)) entry = (entry << l_.row) | row(from.delivered);
    out |= entry << (l_.local_total + (l_.entries - 1 - i) * l_.entry);
  }
  for (int a = 0; a < p_.agents; ++a) {
    const OriAgent& agent = state.agent[at(a)];
    W local = row(agent.delivered) | (static_cast<W>(agent.retries) << l_.row);
    if (agent.alive) local |= alive_bit_;
    if (l_.width.pending != 0) local |= static_cast<W>(agent.pending) << pending_shift_;
    out |= local << (a * l_.local);
  }
  return out;
}

template <class W>
OriState PackedOri<W>::unpack(W w) const {
  OriState state;
  Context context;
  decode(context_word(w), context);
  state.reg = context.reg;
  const auto row = [&](W packed) {
    VersionRow values{};
    for (int s = 0; s < p_.shards; ++s) {
      values[at(s)] = static_cast<std::uint16_t>(field(packed, s));
    }
    return values;
  };
  VersionRow reg{};
  for (int i = 0; has_history() && i < context.length; ++i) {
    const W entry = (context.word >> ((l_.entries - 1 - i) * l_.entry)) & mask(l_.entry);
    const int code = static_cast<int>(entry >> (l_.entry - l_.width.code));
    state.history.push_back({static_cast<std::uint8_t>(code / p_.shards),
                             static_cast<std::uint8_t>(code % p_.shards),
                             needs_snapshots(p_) ? row(entry) : reg, reg});
    ++reg[at(code % p_.shards)];
  }
  for (int a = 0; a < p_.agents; ++a) {
    const W local = (w >> (a * l_.local)) & local_mask_;
    OriAgent& agent = state.agent[at(a)];
    agent.delivered = row(local);
    agent.retries = static_cast<std::uint8_t>((local & retry_mask_) >> l_.row);
    agent.alive = (local & alive_bit_) != 0;
    if (l_.width.pending != 0) agent.pending = static_cast<std::uint8_t>(local >> pending_shift_);
  }
  return state;
}

template class PackedOri<Word64>;
template class PackedOri<Word128>;

}  // namespace stateutils::sbus
