#include "kv/engine_semi_plain.hpp"

#include <algorithm>

#include "core/signals.hpp"

namespace stateutils::kv {
namespace semi_plain {

Loop::Loop(const Trace& trace, const RunConfig& config, const SimOptions& options)
    : trace_(trace),
      config_(config),
      options_(options),
      fleet_(trace, config),
      arrivals_(trace, config),
      out_(trace.size(), options.detail),
      jobs_(trace.size()),
      sticky_(trace.sessions.size(), kNone) {
  for (const InstanceSetup& setup : fleet_.instances) machines_.emplace_back(trace, config, setup);
  out_.admitted.resize(machines_.size());
  out_.count_from = first_counted(arrivals_, config);
}

std::int64_t Loop::pending(const Machine& m) const {
  std::int64_t tokens = 0;
  for (const auto* list : {&m.queued, &m.started}) {
    for (const std::uint32_t r : *list) tokens += jobs_[r].target - jobs_[r].computed;
  }
  return tokens;
}

std::uint32_t Loop::route(std::uint32_t r) {
  const std::uint32_t session = session_of(trace_, r);
  const bool sticky = config_.router == Router::kSession && session != kNone;
  if (config_.router == Router::kRoundRobin) {
    return static_cast<std::uint32_t>(turn_++ % machines_.size());
  }
  if (sticky && sticky_[session] != kNone) return sticky_[session];
  std::uint32_t best = 0;
  std::int64_t least = 0;
  for (const Machine& m : machines_) {
    auto score = static_cast<std::int64_t>(m.queued.size() + m.started.size() + m.decodes.size());
    if (config_.router == Router::kTokenJsq) {
      score = pending(m) + static_cast<std::int64_t>(m.decodes.size());
    } else if (config_.router == Router::kPrefix) {
      const std::uint32_t most = fleet_.shareable(trace_, config_, r, trace_.in[r]);
      score = pending(m) - std::int64_t{m.cache.match(r, most).total} * fleet_.block;
    }
    if (number(m) > 0 && score >= least) continue;
    best = number(m);
    least = score;
  }
  if (sticky) sticky_[session] = best;
  return best;
}

void Loop::arrive(std::uint32_t r, std::int64_t now) {
  const std::uint64_t tokens = std::uint64_t{trace_.in[r]} + outputs_of(trace_, r) - 1;
  bool served = std::ranges::all_of(
      machines_, [&](const Machine& m) { return units(tokens) <= m.setup.units; });
  const std::uint32_t to = served ? route(r) : 0;
  Machine& m = machines_[to];
  if (served && config_.admit_by_slo) {
    const auto ahead = static_cast<std::uint64_t>(pending(m)) + trace_.in[r];
    served = prefill_ns(*m.setup.cost, config_, ahead, 0) <= slo_ttft(trace_, config_, r);
  }
  if (!served) {
    ++out_.rejected;
    arrivals_.finished(r, now);
    return;
  }
  jobs_[r].target = trace_.in[r];
  m.waiting.joined(r);
  enqueue(m, r);
  m.build_at = now;
}

void Loop::enqueue(Machine& m, std::uint32_t r) {
  Job& job = jobs_[r];
  job.key = wait_key(config_, trace_, arrivals_, r, job.target, false);
  m.waiting.push(job.key);
  m.queued.push_back(r);
}

void Loop::build(Machine& m, std::int64_t now) {
  m.build_at = kNoTime;
  if (m.shares.adjust(now)) {
    for (Phase& phase : m.phases) phase.switching = true;
  }
  if (!m.phases[kDecodes].busy && start_decodes(m)) begin(m, kDecodes, now);
  if (!m.phases[kPrefills].busy && start_prefills(m, now)) begin(m, kPrefills, now);
}

std::uint32_t Loop::latest(const std::vector<std::uint32_t>& requests) const {
  std::uint32_t last = requests[0];
  for (const std::uint32_t r : requests) {
    const std::int64_t at = arrivals_.time_of(r), than = arrivals_.time_of(last);
    if (at > than || (at == than && r > last)) last = r;
  }
  return last;
}

bool Loop::start_decodes(Machine& m) {
  Phase& phase = m.phases[kDecodes];
  const Phase& prefills = m.phases[kPrefills];
  while (!m.decodes.empty()) {
    std::uint64_t need = 0;
    for (const std::uint32_t r : m.decodes) {
      if (jobs_[r].computed % config_.block == 0) ++need;
    }
    if (need <= available(m)) {
      allocate(m, need);
      phase.requests = m.decodes;
      phase.shape = {};
      phase.shape.decodes = static_cast<std::uint32_t>(m.decodes.size());
      phase.context = 0;
      for (const std::uint32_t r : m.decodes) phase.context += jobs_[r].computed;
      return true;
    }
    std::vector<std::uint32_t> running = m.decodes;
    running.insert(running.end(), m.started.begin(), m.started.end());
    const std::uint32_t last = latest(running);
    // What is being prefilled cannot go: decodes wait for the end of that.
    if (prefills.busy && std::ranges::count(prefills.requests, last) > 0) return false;
    preempt(m, last);
  }
  return false;
}

bool Loop::start_prefills(Machine& m, std::int64_t now) {
  Phase& phase = m.phases[kPrefills];
  for (;;) {
    phase.requests.clear();
    phase.shape = {};
    std::uint32_t budget = config_.max_tokens;
    for (const std::uint32_t r : m.started) {
      const Job& job = jobs_[r];
      const std::uint32_t left = job.target - job.computed;
      const std::uint32_t tokens = config_.chunked ? std::min(left, budget) : left;
      const std::uint64_t need =
          own_units(job, job.computed + tokens) - own_units(job, job.computed);
      if (tokens == 0 || need > available(m)) break;
      allocate(m, need);
      take(m, r, tokens, budget);
    }
    while (!m.queued.empty() && budget > 0 &&
           m.started.size() + m.decodes.size() < config_.max_seqs) {
      if (!admit(m, m.waiting.best().request, budget, now)) break;
    }
    if (!phase.requests.empty()) return true;
    if (!m.decodes.empty() || m.started.empty()) return false;
    preempt(m, latest(m.started));  // started prefills fill the memory
  }
}

bool Loop::admit(Machine& m, std::uint32_t r, std::uint32_t& budget, std::int64_t now) {
  Job& job = jobs_[r];
  const KvTree::Match match = m.cache.match(r, fleet_.shareable(trace_, config_, r, job.target));
  const std::uint32_t hit = match.blocks[0], left = job.target - hit * fleet_.block;
  const std::uint32_t tokens = config_.chunked ? std::min(left, budget) : left;
  if (tokens > budget && !m.phases[kPrefills].requests.empty()) return false;
  const std::uint64_t need =
      units(std::uint64_t{hit} * fleet_.block + tokens) - std::uint64_t{hit} * fleet_.per_block;
  if (need > available(m) - std::uint64_t{match.unlocked} * fleet_.per_block) return false;
  m.cache.lock(r, hit, true);
  job.chain = hit;
  job.computed = hit * fleet_.block;
  allocate(m, need);
  if (job.admitted) {
    out_.recomputed += left;
  } else {
    job.admitted = true;
    out_.admit(trace_, r, number(m), job.key.arrival, {hit}, fleet_.block);
    out_.start[r] = now;
    m.waiting.serve(r, trace_.in[r]);
  }
  m.waiting.erase(job.key);
  std::erase(m.queued, r);
  m.started.push_back(r);
  take(m, r, tokens, budget);
  return true;
}

void Loop::take(Machine& m, std::uint32_t r, std::uint32_t tokens, std::uint32_t& budget) {
  Phase& phase = m.phases[kPrefills];
  Job& job = jobs_[r];
  job.chunk = tokens;
  budget -= std::min(budget, tokens);
  phase.requests.push_back(r);
  phase.shape.prefill_tokens += tokens;
  phase.shape.prefill_context += job.computed;
  phase.shape.prefill_attention += 1.0 * tokens * (job.computed + tokens / 2.0);
}

void Loop::allocate(Machine& m, std::uint64_t wanted) {
  while (m.free < wanted && m.cache.evict_one(0)) m.free += fleet_.per_block;
  m.free -= wanted;
}

void Loop::begin(Machine& m, Which which, std::int64_t now) {
  Phase &phase = m.phases[which], &other = m.phases[1 - which];
  const CostModel& cost = *m.setup.cost;
  phase.lengths = which == kPrefills ? m.shares.prefill(cost, phase.shape)
                                     : m.shares.decode(cost, phase.shape, phase.context);
  phase.busy = true;
  phase.start = phase.switching ? now + config_.semi.t_switch : now;
  phase.switching = false;
  phase.end = phase.start + phase.lengths.of(other.busy);
  if (!other.busy) m.busy_since = now;
  change_pace(other, true, now);
}

void Loop::change_pace(Phase& phase, bool beside, std::int64_t now) {
  if (!phase.busy) return;
  const std::int64_t from = std::max(now, phase.start);
  phase.end = from + phase.lengths.rest(phase.end - from, beside);
}

void Loop::end(Machine& m, Which which, std::int64_t now) {
  Phase& phase = m.phases[which];
  phase.busy = false;
  log(m, which, now);
  change_pace(m.phases[1 - which], false, now);
  const std::vector<std::uint32_t> requests = phase.requests;
  for (const std::uint32_t r : requests) {
    if (which == kPrefills) {
      end_chunk(m, r, now);
      continue;
    }
    ++jobs_[r].computed;
    token(m, r, now);
    if (jobs_[r].generated < outputs_of(trace_, r)) continue;
    std::erase(m.decodes, r);
    finish(m, r, now);
  }
  m.build_at = now;
}

void Loop::log(Machine& m, Which which, std::int64_t now) {
  const Phase& phase = m.phases[which];
  ++out_.iterations;
  if (!m.phases[0].busy && !m.phases[1].busy) {
    out_.busy += static_cast<Wide>(now - m.busy_since) << kFixedBits;
    out_.bound = out_.busy;
  }
  if (!options_.on_iteration) return;
  options_.on_iteration({phase.start, now - phase.start, number(m), phase.shape.decodes,
                         m.waiting.size(), m.preempted, phase.shape.prefill_tokens, phase.context,
                         m.setup.units - m.free});
  m.preempted = 0;
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
  }
  if (job.computed < job.target) return;
  std::erase(m.started, r);
  token(m, r, now);
  if (job.generated == outputs_of(trace_, r)) {
    finish(m, r, now);
  } else {
    job.decoding = true;
    m.decodes.push_back(r);
  }
}

void Loop::token(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  if (++job.generated == 1) {
    out_.first[r] = now;
    m.shares.first_token(now - arrivals_.time_of(r));
  } else {
    job.tbt_max = std::max(job.tbt_max, now - job.last_token);
  }
  job.last_token = now;
  m.waiting.serve(r, 2);
}

void Loop::finish(Machine& m, std::uint32_t r, std::int64_t now) {
  out_.finish[r] = now;
  out_.tbt_max[r] = jobs_[r].tbt_max;
  m.shares.last_token(now - out_.first[r], jobs_[r].generated);
  release(m, r);
  m.waiting.left(r);
  arrivals_.finished(r, now);
}

void Loop::release(Machine& m, std::uint32_t r) {
  Job& job = jobs_[r];
  m.free += own_units(job, job.computed);
  m.cache.unlock(r, job.chain, true);
  job.chain = 0;
}

void Loop::preempt(Machine& m, std::uint32_t r) {
  Job& job = jobs_[r];
  std::erase(m.decodes, r);
  std::erase(m.started, r);
  ++m.preempted;
  fleet_.check_progress(++out_.preempted);
  if (out_.detail) ++out_.preemptions[r];
  release(m, r);
  if (job.decoding) job.target = trace_.in[r] + job.generated;
  job.decoding = false;
  job.computed = 0;
  enqueue(m, r);
}

// The next end of an iteration, or batch to build: by time, then kind, machine and phase.
Loop::Next Loop::next_event() {
  Next next;
  const auto consider = [&next](std::int64_t time, EventKind kind, Machine& m, Which which) {
    const bool sooner = next.machine == nullptr || time < next.time;
    if (sooner || (time == next.time && kind < next.kind)) next = {time, kind, &m, which};
  };
  for (Machine& m : machines_) {
    for (const Which which : {kPrefills, kDecodes}) {
      const Phase& phase = m.phases[which];
      if (phase.busy) consider(phase.end, EventKind::kIteration, m, which);
    }
    if (m.build_at != kNoTime) consider(m.build_at, EventKind::kBuild, m, kPrefills);
  }
  return next;
}

SimResult Loop::run() {
  for (;;) {
    core::check_stop();
    std::int64_t at = 0;
    std::uint32_t r = 0;
    const bool arriving = arrivals_.peek(at, r);
    const Next next = next_event();
    if (!arriving && next.machine == nullptr) break;
    if (arriving && (next.machine == nullptr || at <= next.time)) {
      arrivals_.pop();
      if (!answered_at_once(arrivals_, out_, r, at)) arrive(r, at);
    } else if (next.kind == EventKind::kBuild) {
      build(*next.machine, next.time);
    } else {
      end(*next.machine, next.which, next.time);
    }
  }
  return {std::move(out_), arrivals_.take_times()};
}

}  // namespace semi_plain

SimResult simulate_semi_plainly(const Trace& trace, const RunConfig& config,
                                const SimOptions& options) {
  return semi_plain::Loop(trace, config, options).run();
}

}  // namespace stateutils::kv
