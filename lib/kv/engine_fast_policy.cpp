// What policies do beside the plain order of things: loads and prefetches between tiers, requests
// put off while their blocks are on the way, priorities that change, and who is preempted.
#include <algorithm>

#include "kv/engine_fast.hpp"

namespace stateutils::kv::fast {

// When blocks of lower tiers would be up, through one channel after the other, the deepest first;
// `free_at` becomes when each channel is free after that.
std::int64_t Instance::load_end(const KvTree::Match& match, std::int64_t now,
                                Channels& free_at) const {
  std::int64_t at = now;
  std::uint64_t blocks = 0;
  for (std::size_t tier = kTiers; tier-- > 1;) {
    blocks += match.blocks[tier];
    if (blocks == 0) continue;
    const TierConfig& below = loop_.config.tiers[tier];
    const std::uint64_t bytes = blocks * loop_.fleet.block * loop_.fleet.token_bytes;
    at = free_at[tier] =
        std::max(at, free_at[tier]) + below.latency + transfer_ns(bytes, below.bandwidth);
  }
  return at;
}

bool Instance::loading(std::int64_t now) const {
  return std::ranges::any_of(up_free_, [now](std::int64_t t) { return t > now; });
}

// Loads the matched blocks of lower tiers, for which there is room; returns when they are there.
std::int64_t Instance::bring_up(std::uint32_t request, const KvTree::Match& match,
                                std::int64_t now) {
  const std::int64_t at = load_end(match, now, up_free_);
  std::uint64_t blocks = 0;
  for (std::size_t tier = kTiers; tier-- > 1;) {
    blocks += match.blocks[tier];
    if (blocks == 0) continue;
    loop_.outcomes.swap_in_bytes += blocks * loop_.fleet.block * loop_.fleet.token_bytes;
    ++loop_.outcomes.transfers;
  }
  (void)tree_.insert(request, match.blocks[0], match.total, at);
  return at;
}

std::uint32_t Instance::shareable(std::uint32_t request, std::uint32_t target) const {
  return loop_.fleet.shareable(loop_.trace, loop_.config, request, target);
}

// KVFlow: requests whose blocks are being loaded are passed over while another one is ready.
WaitKey Instance::next_waiting(std::int64_t now) const {
  if (!loop_.steps) return waiting_.best();
  return waiting_.first([&](const WaitKey& key) {
    const Active& a = loop_.actives[key.slot];
    return a.swapped || tree_.match(a.request, shareable(a.request, a.target)).ready <= now;
  });
}

// KVFlow: the blocks that a request holds are used by its agent.
void Instance::note_use(const Active& a) {
  const Trace& trace = loop_.trace;
  const std::uint32_t session = session_of(trace, a.request);
  if (!loop_.steps || session == kNone || trace.agent.empty()) return;
  if (trace.agent[a.request] != kNone) tree_.use(a.lock, session, trace.agent[a.request]);
}

// KVFlow: loads the chains of the session's agents that run soon, as far as there is room that is
// free or holds what runs later, while no other load is under way.
void Instance::prefetch(std::uint32_t session, std::int64_t now) {
  const std::uint32_t per_block = loop_.fleet.per_block;
  if (!loop_.config.share_prefixes) return;
  for (const AgentSteps::Soon& next : loop_.steps->soon(session, loop_.config.ahead)) {
    const KvTree::Match all = tree_.match(next.request, full_blocks(loop_.trace, next.request));
    const std::uint32_t gpu = all.blocks[0];
    if (all.total == gpu || loading(now)) continue;
    const std::uint32_t held = tree_.relock(kNone, next.request, gpu);
    const std::uint64_t wanted = all.total - gpu, free = free_ / per_block;
    if (wanted > free) {
      free_ += tree_.make_room_for(wanted - free, next.steps) * per_block;
    }
    const auto room = static_cast<std::uint32_t>(std::min(wanted, free_ / per_block));
    // What made room may have pushed some of the chain out of the tier below.
    const KvTree::Match match = tree_.match(next.request, gpu + room);
    if (match.total > gpu) {
      free_ -= std::uint64_t{match.total - gpu} * per_block;
      (void)bring_up(next.request, match, now);
    }
    tree_.unpin(held);
  }
}

// A running request by its arrival.
WaitKey Instance::running_key(std::uint32_t slot) const {
  const std::uint32_t request = loop_.actives[slot].request;
  WaitKey key;
  key.arrival = loop_.arrivals.time_of(request);
  key.request = request;
  key.slot = slot;
  return key;
}

// FastSwitch: every so many iterations all requests get new priorities, and those that fit by them
// run; the others make way when one that waits is to run. None loses its work by that: one whose
// KV finds no room in the second tier goes on.
void Instance::change_priorities(std::int64_t now) {
  const std::uint32_t every = loop_.config.swap.every;
  if (every == 0 || step_ / every == epoch_) return;
  epoch_ = step_ / every;
  std::vector<WaitKey> all;
  for (const WaitKey& key : waiting_.keys()) {
    dequeue(key);
    enqueue(key.slot);
  }
  for (const WaitKey& key : waiting_.keys()) all.push_back(key);
  for (const std::uint32_t slot : decodes_) all.push_back(running_key(slot));
  for (const std::uint32_t slot : started_) {
    if (active(slot).ready <= now) all.push_back(running_key(slot));
  }
  for (WaitKey& key : all) key.rank = changing_priority(loop_.config, key.request, epoch_);
  std::ranges::sort(all);
  std::vector<std::uint64_t> units;
  for (const WaitKey& key : all) {
    const Active& a = active(key.slot);
    const std::uint64_t tokens = a.state == State::kDecode ? held(a) : a.target;
    units.push_back(loop_.fleet.units_of(tokens + 1, loop_.config.block));
  }
  const std::size_t fit = fitting(units, setup_.units, loop_.config.max_seqs);
  const auto waits = [this](const WaitKey& key) {
    return active(key.slot).state == State::kWaiting;
  };
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(fit);
  if (std::none_of(all.begin(), end, waits)) return;
  for (auto key = end; key != all.end(); ++key) {
    if (waits(*key)) continue;
    Active& a = active(key->slot);
    if (reserve_copy(a, a.state == State::kDecode ? held(a) : a.computed)) preempt(key->slot, now);
  }
}

// While the memory does not suffice the last one in order goes, but not for one that came later:
// rather than the last that computes, a load of a later one is given up.
void Instance::preempt_one(std::int64_t now) {
  std::vector<WaitKey> ready, loading;
  for (const std::uint32_t slot : decodes_) ready.push_back(running_key(slot));
  for (const std::uint32_t slot : started_) {
    (active(slot).ready <= now ? ready : loading).push_back(running_key(slot));
  }
  WaitKey last = *std::ranges::max_element(ready);
  if (ready.size() == 1 && !loading.empty()) {
    last = std::max(last, *std::ranges::max_element(loading));
  }
  preempt(last.slot, now);
}

std::int64_t Instance::predicted_ttft(std::uint32_t request) const {
  const std::uint32_t in = loop_.trace.in[request];
  const KvTree::Match match = tree_.match(request, shareable(request, in));
  const std::uint64_t hit = std::uint64_t{match.blocks[0]} * loop_.fleet.block;
  return prefill_ns(*setup_.cost, loop_.config, pending_prefill_ + in - hit,
                    static_cast<std::uint32_t>(decodes_.size()));
}

}  // namespace stateutils::kv::fast
