// The plain loop's policies: KVFlow's uses, prefetches and order, changing priorities, admission by
// SLO, and who is preempted.
#include <algorithm>

#include "kv/engine_plain.hpp"

namespace stateutils::kv::plain {

bool Loop::serves(const Machine& m, std::uint32_t r) const {
  if (!config_.admit_by_slo) return true;
  const std::uint32_t most = fleet_.shareable(trace_, config_, r, trace_.in[r]);
  const std::uint64_t hit = std::uint64_t{m.cache.match(r, most).blocks[0]} * fleet_.block;
  const std::uint64_t tokens = pending(m) + trace_.in[r] - hit;
  const auto decodes = static_cast<std::uint32_t>(m.decodes.size());
  return prefill_ns(*m.setup.cost, config_, tokens, decodes) <= slo_ttft(trace_, config_, r);
}

std::uint32_t Loop::next_waiting(const Machine& m, std::int64_t now) const {
  if (!steps_) return m.waiting.best().request;
  const auto ready = [&](const WaitKey& key) {
    const Job& job = jobs_[key.request];
    const std::uint32_t most = fleet_.shareable(trace_, config_, key.request, job.target);
    return job.swapped || m.cache.match(key.request, most).ready <= now;
  };
  return m.waiting.first(ready).request;
}

void Loop::note_use(Machine& m, const Job& job) {
  const std::uint32_t session = session_of(trace_, job.request);
  if (!steps_ || session == kNone || trace_.agent.empty()) return;
  if (trace_.agent[job.request] == kNone) return;
  m.cache.use(job.request, job.chain, session, trace_.agent[job.request]);
}

void Loop::prefetch(Machine& m, std::uint32_t session, std::int64_t now) {
  if (!config_.share_prefixes) return;
  for (const AgentSteps::Soon& next : steps_->soon(session, config_.ahead)) {
    const std::uint32_t r = next.request;
    const KvTree::Match all = m.cache.match(r, full_blocks(trace_, r));
    bool busy = false;
    for (const std::int64_t until : m.up_free) busy |= until > now;
    const std::uint32_t gpu = all.blocks[0];
    if (all.total == gpu || busy) continue;
    m.cache.lock(r, gpu, false);
    std::uint32_t room = 0;
    while (room < all.total - gpu) {
      if (m.free < std::uint64_t{room + 1} * fleet_.per_block) {
        if (!m.cache.evict_one(0, kNone, next.steps)) break;
        m.free += fleet_.per_block;
        continue;
      }
      ++room;
    }
    const KvTree::Match match = m.cache.match(r, gpu + room);
    if (match.total > gpu) {
      m.free -= std::uint64_t{match.total - gpu} * fleet_.per_block;
      const std::int64_t at = load(m, match, now, true);
      m.cache.insert(r, gpu, match.total, at);
    }
    m.cache.unlock(r, gpu, false);
  }
}

WaitKey Loop::running_key(std::uint32_t r) const {
  WaitKey key;
  key.arrival = arrivals_.time_of(r);
  key.request = r;
  return key;
}

void Loop::change_priorities(Machine& m, std::int64_t now) {
  const std::uint32_t every = config_.swap.every;
  if (every == 0 || m.iterations / every == m.epoch) return;
  m.epoch = m.iterations / every;
  const std::vector<std::uint32_t> queued = m.queued;
  for (const std::uint32_t r : queued) {
    dequeue(m, r);
    enqueue(m, r);
  }
  std::vector<WaitKey> all = m.waiting.keys();
  for (const std::uint32_t r : m.decodes) all.push_back(running_key(r));
  for (const std::uint32_t r : m.prefills) {
    if (jobs_[r].ready <= now) all.push_back(running_key(r));
  }
  for (WaitKey& key : all) key.rank = changing_priority(config_, key.request, m.epoch);
  std::ranges::sort(all);
  std::vector<std::uint64_t> need;
  for (const WaitKey& key : all) {
    const Job& job = jobs_[key.request];
    need.push_back(units((job.decoding ? job.computed : job.target) + 1));
  }
  const std::size_t fit = fitting(need, m.setup.units, config_.max_seqs);
  const auto waits = [&](const WaitKey& key) {
    return std::ranges::count(m.queued, key.request) > 0;
  };
  bool wanted = false;
  for (std::size_t i = 0; i < fit; ++i) wanted |= waits(all[i]);
  for (std::size_t i = fit; wanted && i < all.size(); ++i) {
    if (waits(all[i])) continue;
    Job& job = jobs_[all[i].request];
    if (reserve_copy(m, job)) preempt(m, job.request, now);
  }
}

void Loop::preempt_one(Machine& m, std::int64_t now) {
  std::vector<WaitKey> ready, loading;
  for (const std::uint32_t r : m.decodes) ready.push_back(running_key(r));
  for (const std::uint32_t r : m.prefills) {
    (jobs_[r].ready <= now ? ready : loading).push_back(running_key(r));
  }
  WaitKey last = *std::ranges::max_element(ready);
  if (ready.size() == 1 && !loading.empty()) {
    last = std::max(last, *std::ranges::max_element(loading));
  }
  preempt(m, last.request, now);
}

}  // namespace stateutils::kv::plain
