#include "kv/engine_semi.hpp"

#include <algorithm>
#include <utility>

namespace stateutils::kv {
namespace semi {

Loop::Loop(const Trace& trace, const RunConfig& config, const SimOptions& options)
    : trace_(trace),
      config_(config),
      options_(options),
      fleet_(trace, config),
      arrivals_(trace, config),
      out_(trace.size(), options.detail),
      jobs_(trace.size()),
      sticky_(trace.sessions.size(), kNone) {
  machines_.reserve(fleet_.instances.size());
  for (const InstanceSetup& setup : fleet_.instances) machines_.emplace_back(trace, config, setup);
  out_.admitted.resize(machines_.size());
  out_.count_from = first_counted(arrivals_, config);
}

std::uint32_t Loop::route(std::uint32_t r) {
  const auto least = [this](auto score) {
    std::vector<Machine>::iterator best = std::ranges::min_element(machines_, {}, score);
    return static_cast<std::uint32_t>(best - machines_.begin());
  };
  const auto requests = [](const Machine& m) {
    return m.waiting.size() + m.started.size() + m.decodes.size();
  };
  switch (config_.router) {
    case Router::kJsq:
      return least(requests);
    case Router::kTokenJsq:
      return least([](const Machine& m) { return m.pending + m.decodes.size(); });
    case Router::kPrefix: {
      const std::uint32_t most = fleet_.shareable(trace_, config_, r, trace_.in[r]);
      return least([&](const Machine& m) {
        return static_cast<std::int64_t>(m.pending) -
               static_cast<std::int64_t>(m.tree.match(r, most).total) * fleet_.block;
      });
    }
    case Router::kSession: {
      const std::uint32_t session = session_of(trace_, r);
      if (session == kNone) return least(requests);
      if (sticky_[session] == kNone) sticky_[session] = least(requests);
      return sticky_[session];
    }
    default:
      return static_cast<std::uint32_t>(turn_++ % machines_.size());
  }
}

void Loop::arrive(std::uint32_t r, std::int64_t now) {
  const std::uint64_t tokens = std::uint64_t{trace_.in[r]} + outputs_of(trace_, r) - 1;
  const auto fits = [&](const Machine& m) { return units(tokens) <= m.setup.units; };
  const std::uint32_t to = std::ranges::all_of(machines_, fits) ? route(r) : kNone;
  const bool late =
      to != kNone && config_.admit_by_slo &&
      prefill_ns(*machines_[to].setup.cost, config_, machines_[to].pending + trace_.in[r], 0) >
          slo_ttft(trace_, config_, r);
  if (to == kNone || late) {
    ++out_.rejected;
    arrivals_.finished(r, now);
    return;
  }
  Machine& m = machines_[to];
  Job& job = jobs_[r];
  job.target = trace_.in[r];
  m.pending += job.target;
  m.waiting.joined(r);
  job.key = wait_key(config_, trace_, arrivals_, r, job.target, false);
  m.waiting.push(job.key);
  wake(m, now);
}

void Loop::wake(Machine& m, std::int64_t now) {
  if (m.build_pending) return;
  m.build_pending = true;
  events_.push({now, EventKind::kBuild, number(m), 0, 0});
}

// Decodes go before prefills: they may need the memory that a prefill would take.
void Loop::build(Machine& m, std::int64_t now) {
  m.build_pending = false;
  if (m.shares.adjust(now)) m.prefill.switching = m.decode.switching = true;
  if (!m.decode.busy && start_decode(m)) begin(m, m.decode, now);
  if (!m.prefill.busy && start_prefill(m, now)) begin(m, m.prefill, now);
}

void Loop::allocate(Machine& m, std::uint64_t wanted) {
  const std::uint32_t per_block = fleet_.per_block;
  if (wanted > m.free) {
    m.free += m.tree.make_room((wanted - m.free + per_block - 1) / per_block) * per_block;
  }
  m.free -= wanted;
}

void Loop::take(Machine& m, std::uint32_t r, std::uint32_t tokens, std::uint32_t& budget) {
  Job& job = jobs_[r];
  job.chunk = tokens;
  budget -= std::min(budget, tokens);
  m.batch.push_back(r);
  m.prefill_shape.prefill_tokens += tokens;
  m.prefill_shape.prefill_context += job.computed;
  m.prefill_shape.prefill_attention += 1.0 * tokens * (job.computed + tokens / 2.0);
}

bool Loop::admit(Machine& m, std::uint32_t r, std::uint32_t& budget, std::int64_t now) {
  Job& job = jobs_[r];
  const KvTree::Match match = m.tree.match(r, fleet_.shareable(trace_, config_, r, job.target));
  const std::uint32_t hit = match.blocks[0], left = job.target - hit * fleet_.block;
  const std::uint32_t tokens = config_.chunked ? std::min(left, budget) : left;
  if (tokens == 0 || (tokens > budget && !m.batch.empty())) return false;
  const std::uint64_t need =
      units(std::uint64_t{hit} * fleet_.block + tokens) - std::uint64_t{hit} * fleet_.per_block;
  if (need > available(m) - std::uint64_t{match.unlocked} * fleet_.per_block) return false;
  job.lock = m.tree.lock(r, hit);
  job.chain = hit;
  job.computed = hit * fleet_.block;
  m.pending -= job.computed;
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
  m.started.push_back(r);
  take(m, r, tokens, budget);
  return true;
}

bool Loop::start_prefill(Machine& m, std::int64_t now) {
  m.batch.clear();
  m.prefill_shape = {};
  std::uint32_t budget = config_.max_tokens;
  for (const std::uint32_t r : m.started) {
    const Job& job = jobs_[r];
    const std::uint32_t left = job.target - job.computed;
    const std::uint32_t tokens = config_.chunked ? std::min(left, budget) : left;
    const std::uint64_t need = own_units(job, job.computed + tokens) - own_units(job, job.computed);
    if (tokens == 0 || need > available(m)) break;
    allocate(m, need);
    take(m, r, tokens, budget);
  }
  while (m.waiting.size() > 0 && budget > 0 &&
         m.started.size() + m.decodes.size() < config_.max_seqs) {
    if (!admit(m, m.waiting.best().request, budget, now)) break;
  }
  if (m.batch.empty() && m.decodes.empty() && !m.started.empty()) {
    // Started prefills fill the memory: the last to arrive makes way.
    const auto arrival = [this](std::uint32_t r) { return std::pair(arrivals_.time_of(r), r); };
    preempt(m, *std::ranges::max_element(m.started, {}, arrival));
    return start_prefill(m, now);
  }
  return !m.batch.empty();
}

// While blocks are short the request that arrived last goes; if it is being prefilled, decodes wait
// for the end of that.
bool Loop::start_decode(Machine& m) {
  const auto arrival = [this](std::uint32_t r) { return std::pair(arrivals_.time_of(r), r); };
  for (;;) {
    if (m.decodes.empty()) return false;
    std::uint64_t need = 0;
    for (const std::uint32_t r : m.decodes) need += jobs_[r].computed % config_.block == 0 ? 1 : 0;
    if (need <= available(m)) {
      allocate(m, need);
      break;
    }
    std::uint32_t last = *std::ranges::max_element(m.decodes, {}, arrival);
    for (const std::uint32_t r : m.started) last = std::ranges::max(last, r, {}, arrival);
    if (m.prefill.busy && std::ranges::count(m.batch, last) > 0) return false;
    preempt(m, last);
  }
  m.stepping = m.decodes;
  m.decode_shape = {};
  m.decode_shape.decodes = static_cast<std::uint32_t>(m.stepping.size());
  m.context = 0;
  for (const std::uint32_t r : m.stepping) m.context += jobs_[r].computed;
  return true;
}

// The other phase has started or ended at `now`: what is left takes longer or shorter.
void Loop::stretch(Machine& m, bool prefill, std::int64_t now) {
  Phase& phase = prefill ? m.prefill : m.decode;
  if (!phase.busy) return;
  const bool other = prefill ? m.decode.busy : m.prefill.busy;
  const std::int64_t from = std::max(now, phase.start);
  phase.end = from + phase.lengths.rest(phase.end - from, other);
  events_.push({phase.end, EventKind::kIteration, number(m), prefill ? 0 : 1, ++phase.version});
}

void Loop::begin(Machine& m, Phase& phase, std::int64_t now) {
  const bool prefill = &phase == &m.prefill;
  const Phase& other = prefill ? m.decode : m.prefill;
  const CostModel& cost = *m.setup.cost;
  phase.lengths = prefill ? m.shares.prefill(cost, m.prefill_shape)
                          : m.shares.decode(cost, m.decode_shape, m.context);
  phase.busy = true;
  phase.start = now + (phase.switching ? config_.semi.t_switch : 0);
  phase.switching = false;
  phase.end = phase.start + phase.lengths.of(other.busy);
  if (!other.busy) m.busy_since = now;
  events_.push({phase.end, EventKind::kIteration, number(m), prefill ? 0 : 1, ++phase.version});
  stretch(m, !prefill, now);
}

void Loop::log(Machine& m, const Phase& phase, std::int64_t now) {
  ++out_.iterations;
  const bool prefill = &phase == &m.prefill;
  if (!m.prefill.busy && !m.decode.busy) {
    const Wide busy = static_cast<Wide>(now - m.busy_since) << kFixedBits;
    out_.busy += busy;
    out_.bound += busy;
  }
  if (!options_.on_iteration) return;
  IterationLine line;
  line.t = phase.start;
  line.duration = now - phase.start;
  line.instance = number(m);
  line.waiting = m.waiting.size();
  line.preempted = std::exchange(m.preempted, 0u);
  line.kv_blocks = m.setup.units - m.free;
  if (prefill) line.prefill_tokens = m.prefill_shape.prefill_tokens;
  if (!prefill) line.decodes = m.decode_shape.decodes;
  if (!prefill) line.context = m.context;
  options_.on_iteration(line);
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

void Loop::end_prefill(Machine& m, std::int64_t now) {
  m.prefill.busy = false;
  log(m, m.prefill, now);
  stretch(m, false, now);
  for (const std::uint32_t r : m.batch) {
    Job& job = jobs_[r];
    job.computed += job.chunk;
    m.pending -= job.chunk;
    const std::uint32_t full = std::min(full_blocks(trace_, r), job.computed / fleet_.block);
    if (config_.share_prefixes && full > job.chain) {
      const std::uint32_t added = m.tree.insert(r, job.chain, full, now);
      job.lock = m.tree.relock(job.lock, r, full);
      m.free += std::uint64_t{full - job.chain - added} * fleet_.per_block;
      job.chain = full;
    }
    if (job.computed < job.target) continue;
    std::erase(m.started, r);
    token(m, r, now);
    if (job.generated == outputs_of(trace_, r)) {
      finish(m, r, now);
    } else {
      job.decoding = true;
      m.decodes.push_back(r);
    }
  }
  m.batch.clear();
  wake(m, now);
}

void Loop::end_decode(Machine& m, std::int64_t now) {
  m.decode.busy = false;
  log(m, m.decode, now);
  stretch(m, true, now);
  for (const std::uint32_t r : m.stepping) {
    ++jobs_[r].computed;
    token(m, r, now);
    if (jobs_[r].generated < outputs_of(trace_, r)) continue;
    std::erase(m.decodes, r);
    finish(m, r, now);
  }
  wake(m, now);
}

void Loop::release(Machine& m, Job& job) {
  m.free += own_units(job, job.computed);
  m.tree.unlock(job.lock);
  job.lock = kNone;
  job.chain = 0;
}

void Loop::finish(Machine& m, std::uint32_t r, std::int64_t now) {
  Job& job = jobs_[r];
  out_.finish[r] = now;
  out_.tbt_max[r] = job.tbt_max;
  m.shares.last_token(now - out_.first[r], job.generated);
  release(m, job);
  m.waiting.left(r);
  arrivals_.finished(r, now);
}

void Loop::preempt(Machine& m, std::uint32_t r) {
  Job& job = jobs_[r];
  std::erase(m.decodes, r);
  std::erase(m.started, r);
  ++m.preempted;
  fleet_.check_progress(++out_.preempted);
  if (out_.detail) ++out_.preemptions[r];
  release(m, job);
  m.pending += job.decoding ? trace_.in[r] + job.generated : job.computed;
  if (job.decoding) job.target = trace_.in[r] + job.generated;
  job.decoding = false;
  job.computed = 0;
  job.key = wait_key(config_, trace_, arrivals_, r, job.target, false);
  m.waiting.push(job.key);
}

void Loop::handle(const Event& event) {
  const auto& [now, kind, index, which, version] = event;
  Machine& m = machines_[index];
  if (kind == EventKind::kBuild) {
    build(m, now);
  } else if (version == (which == 0 ? m.prefill : m.decode).version) {
    which == 0 ? end_prefill(m, now) : end_decode(m, now);
  }
}

SimResult Loop::run() {
  in_order_of_time(
      arrivals_, out_, events_, [this](std::uint32_t r, std::int64_t now) { arrive(r, now); },
      [this](const Event& event) { handle(event); });
  return {std::move(out_), arrivals_.take_times()};
}

}  // namespace semi

SimResult simulate_semi_pd(const Trace& trace, const RunConfig& config, const SimOptions& options) {
  return semi::Loop(trace, config, options).run();
}

}  // namespace stateutils::kv
