#include "kv/engine_plain.hpp"

#include <algorithm>

namespace stateutils::kv {
namespace plain {

std::uint64_t Loop::pending(const Machine& m) const {
  std::uint64_t tokens = 0;
  for (const auto* list : {&m.queued, &m.prefills}) {
    for (const std::uint32_t r : *list) {
      if (!jobs_[r].resumes) tokens += jobs_[r].target - jobs_[r].computed;
    }
  }
  return tokens;
}

std::uint64_t Loop::held_tokens(const Machine& m) const {
  std::uint64_t tokens = 0;
  for (const auto* list : {&m.decodes, &m.prefills}) {
    for (const std::uint32_t r : *list) tokens += jobs_[r].computed;
  }
  for (const auto* list : {&m.incoming, &m.moving_in, &m.joiners}) {
    for (const std::uint32_t r : *list) tokens += jobs_[r].target;
  }
  return tokens;
}

std::uint32_t Loop::route(std::uint32_t r) {
  const auto load = [this](const Machine& m) {
    return m.queued.size() + running(m) + m.incoming.size() + m.joiners.size();
  };
  const auto least = [this](auto score) {
    std::uint32_t best = fleet_.front[0];
    for (const std::uint32_t i : fleet_.front) {
      if (score(machines_[i]) < score(machines_[best])) best = i;
    }
    return best;
  };
  const std::uint32_t session = session_of(trace_, r);
  switch (config_.router) {
    case Router::kTokenJsq:
      return least([this](const Machine& m) { return pending(m) + m.decodes.size(); });
    case Router::kPrefix: {
      const std::uint32_t most = fleet_.shareable(trace_, config_, r, trace_.in[r]);
      return least([&](const Machine& m) {
        return static_cast<std::int64_t>(pending(m)) -
               static_cast<std::int64_t>(m.cache.match(r, most).total) * fleet_.block;
      });
    }
    case Router::kSession:
      if (session == kNone) return least(load);
      if (!sticky_.contains(session)) sticky_[session] = least(load);
      return sticky_[session];
    case Router::kJsq:
      return least(load);
    default:
      return fleet_.front[turn_++ % fleet_.front.size()];
  }
}

void Loop::arrive(std::uint32_t r, std::int64_t now) {
  retention_.arrived(r, now);
  if (steps_) steps_->arrived(r);
  const std::uint64_t tokens = std::uint64_t{trace_.in[r]} + outputs_of(trace_, r) - 1;
  const bool fits = std::ranges::all_of(
      machines_, [&](const Machine& m) { return units(tokens) <= m.setup.units; });
  const std::uint32_t to = fits ? route(r) : 0;
  if (!fits || !serves(machines_[to], r)) {
    ++out_.rejected;
    arrivals_.finished(r, now);
    return;
  }
  jobs_[r].request = r;
  jobs_[r].target = trace_.in[r];
  jobs_[r].streams = config_.streams;
  Machine& m = machines_[to];
  m.waiting.joined(r);
  enqueue(m, r);
  wake(m, now);
}

void Loop::wake(Machine& m, std::int64_t now) {
  if (m.busy || m.build_pending) return;
  m.build_pending = true;
  push(now, EventKind::kBuild, number(m), 0, 0);
}

void Loop::enqueue(Machine& m, std::uint32_t r) {
  Job& job = jobs_[r];
  const std::uint32_t session = session_of(trace_, r);
  job.key = wait_key(config_, trace_, arrivals_, r, job.target - job.computed,
                     session != kNone && m.pins.contains(session));
  if (config_.swap.every > 0) job.key.rank = changing_priority(config_, r, m.epoch);
  m.waiting.push(job.key);
  m.queued.push_back(r);
}

void Loop::dequeue(Machine& m, std::uint32_t r) {
  m.waiting.erase(jobs_[r].key);
  std::erase(m.queued, r);
}

void Loop::build(Machine& m, std::int64_t now) {
  m.build_pending = false;
  if (m.busy) return;
  m.batch.clear();
  m.shape = {};
  m.delay = 0;
  m.preempted = 0;
  for (const std::uint32_t r : m.joiners) decode_from(m, r);
  m.joiners.clear();
  const std::vector<std::uint32_t> prefills = m.prefills;
  for (const std::uint32_t r : prefills) {
    if (jobs_[r].ready > now) continue;
    m.free += jobs_[r].spare;
    jobs_[r].spare = 0;
    if (!jobs_[r].resumes) continue;
    std::erase(m.prefills, r);
    decode_from(m, r);
  }
  change_priorities(m, now);
  plan(m, now);
  land(m, now);
  admit_all(m, now);
  while (m.batch.empty() && running(m) == 0 && !(m.queued.empty() && m.incoming.empty()) &&
         !m.pins.empty()) {
    auto latest = m.pins.begin();
    for (auto it = m.pins.begin(); it != m.pins.end(); ++it) {
      if (it->second.program > latest->second.program) latest = it;
    }
    unpin(m, latest->first);
    land(m, now);
    admit_all(m, now);
  }
  if (!m.batch.empty() || !m.decodes.empty()) begin(m, now);
}

void Loop::plan(Machine& m, std::int64_t now) {
  for (;;) {
    std::uint64_t need = 0;
    for (const std::uint32_t r : m.decodes) {
      if (jobs_[r].computed % config_.block == 0) ++need;
    }
    m.budget =
        config_.max_tokens -
        std::min<std::uint32_t>(config_.max_tokens, static_cast<std::uint32_t>(m.decodes.size()));
    std::vector<std::pair<std::uint32_t, std::uint32_t>> chunks;
    bool enough = need <= available(m);
    for (const std::uint32_t r : m.prefills) {
      const Job& job = jobs_[r];
      if (!enough) break;
      if (job.ready > now) continue;
      const std::uint32_t left = job.target - job.computed;
      std::uint32_t tokens = std::min(left, m.budget);
      if (!config_.chunked && left > m.budget && !(m.decodes.empty() && chunks.empty())) break;
      if (!config_.chunked) tokens = left;
      if (tokens == 0) break;
      need += own_units(job, job.computed + tokens) - own_units(job, job.computed);
      enough = need <= available(m);
      m.budget -= std::min(m.budget, tokens);
      chunks.emplace_back(r, tokens);
    }
    if (enough) {
      allocate(m, need, now);
      for (const auto& [r, tokens] : chunks) add_chunk(m, r, tokens);
      return;
    }
    preempt_one(m, now);
  }
}

void Loop::allocate(Machine& m, std::uint64_t wanted, std::int64_t now) {
  while (m.free < wanted && m.cache.evict_one(0)) m.free += fleet_.per_block;
  m.free -= wanted;
  if (now < m.outgoing_end && m.free < m.outgoing_units) {
    m.delay = std::max(m.delay, m.outgoing_end - now);
  }
}

void Loop::add_chunk(Machine& m, std::uint32_t r, std::uint32_t tokens) {
  Job& job = jobs_[r];
  job.chunk = tokens;
  m.batch.push_back(r);
  m.shape.prefill_tokens += tokens;
  m.shape.prefill_context += job.computed;
  m.shape.prefill_attention += 1.0 * tokens * (job.computed + tokens / 2.0);
}

void Loop::begin(Machine& m, std::int64_t now) {
  m.busy = true;
  m.waiting_then = m.waiting.size();
  m.shape.decodes = static_cast<std::uint32_t>(m.decodes.size());
  m.context = 0;
  for (const std::uint32_t r : m.decodes) m.context += jobs_[r].computed;
  const bool alone = m.batch.empty() && m.delay == 0;
  if (m.changed || !alone) {
    m.base_time = now + m.delay;
    m.base_sum = 0;
  }
  m.changed = !alone;
  m.start = now + m.delay;
  m.units_then = m.setup.units - m.free;
  const CostLine line = m.setup.cost->line(m.shape, m.context);
  m.cost = line.at(m.context);
  m.overhead = line.overhead;
  m.extrapolated = line.extrapolated;
  m.base_sum += m.cost;
  for (const std::uint32_t r : m.batch) {
    if (out_.start[r] == kNoTime) out_.start[r] = jobs_[r].began = m.start;
  }
  push(m.base_time + rounded_ns(m.base_sum), EventKind::kIteration, number(m), 0, 0);
}

void Loop::end(Machine& m, std::int64_t now) {
  m.busy = false;
  if (options_.on_iteration) {
    options_.on_iteration({m.start, now - m.start, number(m), m.shape.decodes, m.waiting_then,
                           m.preempted, m.shape.prefill_tokens, m.context, m.units_then});
  }
  out_.busy += m.cost;
  out_.bound += m.cost - m.overhead;
  ++out_.iterations;
  ++m.iterations;
  if (m.extrapolated) ++out_.extrapolated;
  m.waiting.serve_decodes(1);
  std::vector<std::uint32_t> done;
  for (const std::uint32_t r : m.decodes) {
    Job& job = jobs_[r];
    ++job.computed;
    ++job.generated;
    const std::int64_t gap = rounded_ns(m.cost) + m.delay;
    job.tbt_max = std::max(job.tbt_max, job.first_step ? std::max(gap, now - job.last_token) : gap);
    job.first_step = false;
    job.last_token = now;
    if (job.generated == outputs_of(trace_, r)) done.push_back(r);
  }
  std::ranges::sort(done);
  for (const std::uint32_t r : done) {
    std::erase(m.decodes, r);
    jobs_[r].decoding = false;
    m.waiting.decoding(r, -1);
    m.changed = true;
    finish(m, r, now);
  }
  const std::vector<std::uint32_t> batch = m.batch;
  for (const std::uint32_t r : batch) end_chunk(m, r, now);
  m.build_pending = true;
  push(now, EventKind::kBuild, number(m), 0, 0);
}

void Loop::end_chunk(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  job.computed += job.chunk;
  const std::uint32_t full = std::min(full_blocks(trace_, r), job.computed / fleet_.block);
  if (config_.share_prefixes && full > job.chain) {
    const std::uint32_t added = m.cache.insert(r, job.chain, full, now);
    m.cache.unlock(r, job.chain, false);
    m.cache.lock(r, full, false);
    m.free += std::uint64_t{full - job.chain - added} * fleet_.per_block;
    job.chain = full;
    note_use(m, job);
  }
  if (job.computed < job.target) {
    if (!job.streams || job.generated + 1 == outputs_of(trace_, r)) return;
    token_out(m, job, now);
    ++job.target;
    return;
  }
  std::erase(m.prefills, r);
  token_out(m, job, now);
  if (job.generated == outputs_of(trace_, r)) {
    finish(m, r, now);
  } else if (m.setup.entry->role == Role::kPrefill) {
    m.waiting.left(r);
    job.source = number(m);
    std::uint32_t to = fleet_.back[0];
    for (const std::uint32_t i : fleet_.back) {
      if (held_tokens(machines_[i]) < held_tokens(machines_[to])) to = i;
    }
    machines_[to].waiting.joined(r);
    machines_[to].incoming.push_back(r);
    wake(machines_[to], now);
  } else {
    decode_from(m, r);
  }
}

void Loop::token_out(Machine& m, Job& job, std::int64_t now) {
  if (++job.generated == 1) {
    out_.first[job.request] = now;
  } else {
    job.tbt_max = std::max(job.tbt_max, now - job.last_token);
  }
  job.last_token = now;
  m.waiting.serve(job.request, 2);
}

void Loop::decode_from(Machine& m, std::uint32_t r) {
  Job& job = jobs_[r];
  job.decoding = true;
  job.first_step = true;
  m.decodes.push_back(r);
  m.waiting.decoding(r, 1);
  m.changed = true;
}

void Loop::release(Machine& m, Job& job) {
  m.free += own_units(job, job.computed);
  m.cache.unlock(job.request, job.chain, true);
  job.chain = 0;
}

void Loop::finish(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  out_.finish[r] = now;
  out_.tbt_max[r] = job.tbt_max;
  const std::uint32_t session = session_of(trace_, r);
  if (retention_.on() && session != kNone) {
    std::int64_t reload = recompute_ns(*m.setup.cost, 0, job.computed);
    if (config_.tiers.size() > 1) {
      reload =
          std::min(reload, config_.tiers[1].latency + transfer_ns(job.computed * fleet_.token_bytes,
                                                                  config_.tiers[1].bandwidth));
    }
    const Retention::Grant grant = retention_.finished(r, now, reload);
    if (out_.detail) {
      out_.ttl[r] = grant.ttl;
      out_.benefit[r] = grant.benefit;
    }
    unpin(m, session);
    if (grant.ttl > 0 && job.chain > 0) {
      m.cache.lock(r, job.chain, false);
      m.pins[session] = {r, job.chain, ++versions_, arrivals_.job_start(r)};
      push(now + grant.ttl, EventKind::kTimer, number(m), session, versions_);
      rekey(m, session);
    }
  }
  release(m, job);
  if (job.reserved > 0) m.cache.release(1, job.reserved);
  m.waiting.left(r);
  if (steps_ && steps_->finished(r)) prefetch(m, session, now);
  arrivals_.finished(r, now);
}

void Loop::unpin(Machine& m, std::uint32_t session) {
  const auto pin = m.pins.find(session);
  if (pin == m.pins.end()) return;
  m.cache.unlock(pin->second.request, pin->second.blocks, false);
  m.pins.erase(pin);
  rekey(m, session);
}

void Loop::rekey(Machine& m, std::uint32_t session) {
  if (config_.scheduler != Scheduler::kContinuum) return;
  const std::vector<std::uint32_t> queued = m.queued;
  for (const std::uint32_t r : queued) {
    if (session_of(trace_, r) != session) continue;
    dequeue(m, r);
    enqueue(m, r);
  }
}

void Loop::preempt(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  const bool decoding = job.decoding || job.resumes;
  std::erase(m.decodes, r);
  std::erase(m.prefills, r);
  m.free += job.spare;
  job.spare = 0;
  job.streams = false;
  if (job.decoding) {
    m.waiting.decoding(r, -1);
    m.changed = true;
    job.target = trace_.in[r] + job.generated;
    job.decoding = false;
  }
  ++m.preempted;
  fleet_.check_progress(++out_.preempted);
  if (out_.detail) ++out_.preemptions[r];
  job.swapped = config_.swap.on && swap_out(m, job, now);
  release(m, job);
  if (job.swapped) {
    job.resumes = decoding;
  } else {
    job.computed = 0;
    job.resumes = false;
    if (job.reserved > 0) m.cache.release(1, job.reserved);
    job.reserved = job.clean = 0;
  }
  enqueue(m, r);
}

bool Loop::reserve_copy(Machine& m, Job& job) {
  const std::uint32_t blocks = fleet_.units_of(job.computed, fleet_.block);
  if (blocks > job.reserved && !m.cache.reserve(1, blocks - job.reserved)) return false;
  job.reserved = std::max(job.reserved, blocks);
  return true;
}

bool Loop::swap_out(Machine& m, Job& job, std::int64_t now) {
  if (!reserve_copy(m, job)) return false;
  const std::uint64_t dirty = job.computed - (config_.swap.reuse ? job.clean : 0);
  job.clean = job.computed;
  const std::uint64_t bytes = dirty * fleet_.token_bytes;
  const std::int64_t time = swap_ns(config_, units(dirty), bytes);
  out_.swap_out_bytes += bytes;
  ++out_.transfers;
  if (config_.swap.grouped) {
    m.outgoing_units = (now < m.outgoing_end ? m.outgoing_units : 0) + own_units(job, job.computed);
    m.outgoing_end = std::max(now, m.outgoing_end) + time;
  } else {
    m.delay += time;
  }
  return true;
}

void Loop::handle(const Event& event) {
  const auto& [now, kind, index, item, version] = event;
  Machine& m = machines_[index];
  if (kind == EventKind::kIteration) {
    end(m, now);
  } else if (kind == EventKind::kBuild) {
    build(m, now);
  } else if (kind == EventKind::kTimer) {
    const auto pin = m.pins.find(item);
    if (pin == m.pins.end() || pin->second.version != version) return;
    unpin(m, item);
    wake(m, now);
  } else {
    if (version > 0) {
      Machine& source = machines_[jobs_[item].source];
      release(source, jobs_[item]);
      wake(source, now);
      std::erase(m.moving_in, item);
      m.joiners.push_back(item);
    }
    wake(m, now);
  }
}

SimResult Loop::run() {
  in_order_of_time(
      arrivals_, out_, events_, [this](std::uint32_t r, std::int64_t now) { arrive(r, now); },
      [this](const Event& event) { handle(event); });
  for (const Machine& m : machines_) {
    out_.transfers += m.cache.moved_down();
    out_.swap_out_bytes += m.cache.moved_down() * fleet_.block * fleet_.token_bytes;
  }
  return {std::move(out_), arrivals_.take_times()};
}

}  // namespace plain

SimResult simulate_plainly(const Trace& trace, const RunConfig& config, const SimOptions& options) {
  return plain::Loop(trace, config, options).run();
}

}  // namespace stateutils::kv
