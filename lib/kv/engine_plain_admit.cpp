// Which waiting requests start, and what is loaded for them.
#include <algorithm>

#include "kv/engine_plain.hpp"

namespace stateutils::kv::plain {

void Loop::land(Machine& m, std::int64_t now) {
  while (!m.incoming.empty() && running(m) < config_.max_seqs) {
    const std::uint32_t r = m.incoming.front();
    Job& job = jobs_[r];
    if (units(job.target) > available(m)) return;
    allocate(m, units(job.target), now);
    m.incoming.erase(m.incoming.begin());
    m.moving_in.push_back(r);
    const std::uint64_t bytes = job.target * fleet_.token_bytes;
    ++out_.transfers;
    push(now + handover_ns(config_, bytes, job.last_token - job.began), EventKind::kTransfer,
         number(m), r, 1);
  }
}

void Loop::admit_all(Machine& m, std::int64_t now) {
  while (m.waiting.size() > 0 && running(m) < config_.max_seqs) {
    const std::uint32_t r = next_waiting(m, now);
    if (!(jobs_[r].swapped ? admit_swapped(m, r, now) : admit(m, r, now))) return;
    dequeue(m, r);
  }
}

// When blocks of lower tiers would be up; `really`: occupies the channels for it.
std::int64_t Loop::load(Machine& m, const KvTree::Match& match, std::int64_t now, bool really) {
  std::int64_t at = now;
  std::uint64_t blocks = 0;
  for (std::size_t tier = kTiers - 1; tier > 0; --tier) {
    blocks += match.blocks[tier];
    if (blocks == 0) continue;
    const std::uint64_t bytes = blocks * fleet_.block * fleet_.token_bytes;
    const TierConfig& below = config_.tiers[tier];
    at = std::max(at, m.up_free[tier]) + below.latency + transfer_ns(bytes, below.bandwidth);
    if (!really) continue;
    m.up_free[tier] = at;
    out_.swap_in_bytes += bytes;
    ++out_.transfers;
  }
  return at;
}

bool Loop::admit(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  if (config_.chunked && m.budget == 0) return false;
  const KvTree::Match match = m.cache.match(r, fleet_.shareable(trace_, config_, r, job.target));
  const std::uint64_t lower = match.total - match.blocks[0];
  bool loads = lower > 0 && config_.reload != Reload::kNever;
  if (loads && config_.reload == Reload::kAuto) {
    const std::uint64_t block = fleet_.block;
    loads = load(m, match, now, false) - now <
            recompute_ns(*m.setup.cost, match.blocks[0] * block, lower * block);
  }
  const std::uint32_t hit = loads ? match.total : match.blocks[0];
  const std::uint32_t left = job.target - hit * fleet_.block;
  const bool later = loads || match.ready > now;
  std::uint32_t tokens = later ? 0 : std::min(left, m.budget);
  if (!config_.chunked && !later) {
    if (left > m.budget && !(m.decodes.empty() && m.batch.empty())) return false;
    tokens = left;
  }
  const std::uint64_t need = units(std::uint64_t{hit} * fleet_.block + tokens) -
                             std::uint64_t{match.blocks[0]} * fleet_.per_block;
  if (need > available(m) - std::uint64_t{match.unlocked} * fleet_.per_block) return false;
  m.cache.lock(r, match.blocks[0], true);
  job.chain = hit;
  allocate(m, need, now);
  job.ready = later ? match.ready : now;
  if (loads) {
    const std::int64_t at = load(m, match, now, true);
    m.cache.insert(r, match.blocks[0], hit, at);
    m.cache.unlock(r, match.blocks[0], false);
    m.cache.lock(r, hit, false);
    job.ready = std::max(match.ready, at);
  }
  note_use(m, job);
  job.computed = hit * fleet_.block;
  if (later) {
    push(job.ready, EventKind::kTransfer, number(m), r, 0);
    out_.stalled += job.ready - now;
    if (out_.detail) out_.stall[r] += job.ready - now;
  }
  const std::uint32_t session = session_of(trace_, r);
  if (job.admitted) {
    out_.recomputed += left;
  } else {
    job.admitted = true;
    std::array<std::uint32_t, kTiers> hits = match.blocks;
    if (!loads) hits = {match.blocks[0]};
    out_.admit(trace_, r, number(m), job.key.arrival, hits, fleet_.block);
    retention_.admitted(r, now - job.key.arrival, session != kNone && m.pins.contains(session));
    m.waiting.serve(r, trace_.in[r]);
  }
  if (session != kNone) unpin(m, session);
  m.prefills.push_back(r);
  if (tokens == 0) return true;
  m.budget -= std::min(m.budget, tokens);
  add_chunk(m, r, tokens);
  return true;
}

bool Loop::admit_swapped(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  const KvTree::Match match =
      m.cache.match(r, std::min(full_blocks(trace_, r), job.computed / fleet_.block));
  const std::uint32_t gpu = match.ready > now ? 0 : match.blocks[0];
  const std::uint64_t need = units(job.computed) - std::uint64_t{gpu} * fleet_.per_block;
  const std::uint64_t spare =
      fleet_.next_units(config_, job.computed, job.target - job.computed, job.resumes);
  const std::uint64_t unlocked = gpu == 0 ? 0 : match.unlocked;
  if (need + spare > available(m) - unlocked * fleet_.per_block) return false;
  m.cache.lock(r, gpu, true);
  job.chain = gpu;
  allocate(m, need, now);
  const std::uint64_t bytes =
      (job.computed - std::uint64_t{gpu} * fleet_.block) * fleet_.token_bytes;
  const std::int64_t time = swap_ns(config_, need, bytes);
  out_.swap_in_bytes += bytes;
  ++out_.transfers;
  if (!config_.swap.reuse) {
    m.cache.release(1, job.reserved);
    job.reserved = job.clean = 0;
  }
  note_use(m, job);
  job.swapped = false;
  job.ready = now;
  if (config_.swap.grouped || !job.resumes) {
    allocate(m, spare, now);
    job.spare = static_cast<std::uint32_t>(spare);
    job.ready = m.up_free[1] = std::max(now, m.up_free[1]) + time;
    push(job.ready, EventKind::kTransfer, number(m), r, 0);
  } else {
    m.delay += time;
  }
  out_.stalled += std::max(job.ready - now, time);
  if (out_.detail) out_.stall[r] += std::max(job.ready - now, time);
  if (job.resumes && job.ready == now) {
    if (job.spare == 0) allocate(m, spare, now);
    job.spare = 0;
    m.budget -= std::min(m.budget, 1u);
    decode_from(m, r);
  } else {
    m.prefills.push_back(r);
  }
  return true;
}

}  // namespace stateutils::kv::plain
