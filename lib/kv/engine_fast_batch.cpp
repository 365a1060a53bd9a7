// Building a batch: running requests first, then what has landed, then the waiting in their order.
#include <algorithm>

#include "kv/engine_fast.hpp"

namespace stateutils::kv::fast {

Instance::Instance(Loop& loop, std::uint32_t index, const InstanceSetup& setup)
    : loop_(loop),
      index_(index),
      setup_(setup),
      tree_(loop.trace, setup.tiers, loop.config.exclusive, loop.steps ? &*loop.steps : nullptr),
      waiting_(loop.trace, loop.config.scheduler == Scheduler::kVtc),
      free_(setup.units),
      grows_(loop.config.block, 0) {}

Active& Instance::active(std::uint32_t slot) {
  return loop_.actives[slot];
}

std::uint64_t Instance::available() const {
  return free_ + tree_.evictable() * loop_.fleet.per_block;
}

// Takes units that available() covers, evicting cached blocks when the free ones do not do.
void Instance::allocate(std::uint64_t units) {
  const std::uint32_t per_block = loop_.fleet.per_block;
  if (units > free_) {
    const std::uint64_t blocks = (units - free_ + per_block - 1) / per_block;
    free_ += tree_.make_room(blocks) * per_block;
  }
  free_ -= units;
  // Blocks that are still being written out can be filled once that has ended.
  if (now_ < outgoing_end_ && free_ < outgoing_units_) {
    delay_ = std::max(delay_, outgoing_end_ - now_);
  }
}

// What was moved here, or swapped in, decodes from now on.
void Instance::resume_loaded(std::int64_t now) {
  for (const std::uint32_t slot : joiners_) join_decodes(slot, now);
  joiners_.clear();
  std::erase_if(started_, [&](std::uint32_t slot) {
    Active& a = active(slot);
    if (a.ready > now) return false;
    free_ += a.spare;
    a.spare = 0;
    if (!a.resumes) return false;
    a.resumes = false;
    join_decodes(slot, now);
    return true;
  });
}

void Instance::build(std::int64_t now) {
  build_pending_ = false;
  if (busy_) return;
  batch_.clear();
  shape_ = {};
  delay_ = 0;
  preempted_now_ = 0;
  refused_ = false;
  now_ = now;
  resume_loaded(now);
  change_priorities(now);
  plan_running(now);
  land_incoming(now);
  admit_waiting(now);
  // Only retention can keep an idle instance from its work.
  while (batch_.empty() && decodes_.empty() && started_.empty() && moving_in_ == 0 &&
         waiting_.size() + incoming_.size() > 0 && unpin_latest()) {
    land_incoming(now);
    admit_waiting(now);
  }
  if (!batch_.empty() || !decodes_.empty()) start_iteration(now);
}

// Chunks of started prefills and a token of each decode; while their blocks do not suffice, the
// request that arrived last is preempted.
void Instance::plan_running(std::int64_t now) {
  const RunConfig& config = loop_.config;
  for (;;) {
    std::uint64_t need = decodes_.empty() ? 0 : grows_[step_ % config.block];
    bool enough = need <= available();
    const std::uint32_t most = std::max<std::uint32_t>(config.max_tokens, 1);
    budget_ = most - std::min<std::uint32_t>(most, static_cast<std::uint32_t>(decodes_.size()));
    std::vector<Chunk> chunks;
    for (const std::uint32_t slot : started_) {
      const Active& a = active(slot);
      if (!enough) break;
      if (a.ready > now || a.resumes) continue;
      const std::uint32_t left = a.target - a.computed;
      std::uint32_t tokens = std::min(left, budget_);
      if (!config.chunked) {
        const bool alone = decodes_.empty() && chunks.empty();
        if (left > budget_ && !alone) break;
        tokens = left;
      }
      if (tokens == 0) break;
      need += private_units(a, a.computed + tokens) - private_units(a, a.computed);
      enough = need <= available();
      budget_ -= std::min(budget_, tokens);
      chunks.push_back({slot, tokens});
    }
    if (!enough) {
      preempt_one(now);
      continue;
    }
    allocate(need);
    for (const Chunk& chunk : chunks) take_chunk(chunk.slot, chunk.tokens);
    return;
  }
}

// Adds a chunk, whose blocks are allocated, to the batch.
void Instance::take_chunk(std::uint32_t slot, std::uint32_t tokens) {
  const Active& a = active(slot);
  const double n = tokens, before = a.computed;
  batch_.push_back({slot, tokens});
  shape_.prefill_tokens += tokens;
  shape_.prefill_context += a.computed;
  shape_.prefill_attention += n * (before + n / 2);
}

// Requests whose KV waits elsewhere to be moved here, in order, while they fit.
void Instance::land_incoming(std::int64_t now) {
  std::size_t taken = 0;
  for (; taken < incoming_.size(); ++taken) {
    if (running() >= loop_.config.max_seqs) break;
    const auto [slot, source] = incoming_[taken];
    Active& a = active(slot);
    const std::uint64_t tokens = a.target;
    const std::uint32_t units = loop_.fleet.units_of(tokens, loop_.config.block);
    if (units > available()) break;
    allocate(units);
    ++moving_in_;
    moving_tokens_ += tokens;
    const std::uint64_t bytes = tokens * loop_.fleet.token_bytes;
    const std::int64_t end = now + handover_ns(loop_.config, bytes, a.last_token - a.began);
    ++loop_.outcomes.transfers;
    loop_.push({end, EventKind::kTransfer, index_, a.request, 1 + std::uint64_t{source}, slot});
  }
  incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void Instance::admit_waiting(std::int64_t now) {
  while (waiting_.size() > 0 && running() < loop_.config.max_seqs) {
    const WaitKey key = next_waiting(now);
    const bool swapped = active(key.slot).swapped;
    refused_ = !(swapped ? admit_swapped(key.slot, now) : admit(key.slot, now));
    if (refused_) return;
    dequeue(key);
    // Its own blocks are locked now: what retention held for it until now can go.
    const std::uint32_t session = session_of(loop_.trace, key.request);
    if (!swapped && session != kNone) unpin(session);
  }
}

bool Instance::worth_loading(const KvTree::Match& match, std::int64_t now) const {
  const std::uint64_t lower = match.total - match.blocks[0];
  if (lower == 0 || loop_.config.reload == Reload::kNever) return false;
  if (loop_.config.reload == Reload::kAlways) return true;
  const std::uint64_t block = loop_.fleet.block;
  std::array<std::int64_t, kTiers> channels = up_free_;
  return load_end(match, now, channels) - now <
         recompute_ns(*setup_.cost, match.blocks[0] * block, lower * block);
}

bool Instance::admit(std::uint32_t slot, std::int64_t now) {
  const RunConfig& config = loop_.config;
  const std::uint32_t block = loop_.fleet.block, per_block = loop_.fleet.per_block;
  Active& a = active(slot);
  const std::uint32_t r = a.request;
  if (config.chunked && budget_ == 0) return false;
  const KvTree::Match match = tree_.match(r, shareable(r, a.target));
  const bool load = worth_loading(match, now);
  const std::uint32_t gpu = match.blocks[0], hit = load ? match.total : gpu;
  const std::uint32_t left = a.target - hit * block;
  const bool later = load || match.ready > now;
  std::uint32_t tokens = later ? 0 : std::min(left, budget_);
  if (!config.chunked && !later) {
    if (left > budget_ && !(decodes_.empty() && batch_.empty())) return false;
    tokens = left;
  }
  const std::uint64_t loads = std::uint64_t{hit - gpu} * per_block;
  const std::uint64_t units =
      loop_.fleet.units_of(std::uint64_t{hit} * block + tokens, config.block) -
      std::uint64_t{hit} * per_block;
  if (loads + units > free_ + (tree_.evictable() - match.unlocked) * per_block) return false;
  a.lock = tree_.lock(r, gpu);
  a.chain = gpu;
  allocate(loads + units);
  a.ready = later ? match.ready : now;
  if (load) {
    a.ready = std::max(match.ready, bring_up(r, match, now));
    a.lock = tree_.relock(a.lock, r, hit);
    a.chain = hit;
  }
  note_use(a);
  a.state = State::kPrefill;
  a.computed = hit * block;
  pending_prefill_ -= a.computed;
  started_.push_back(slot);
  Outcomes& out = loop_.outcomes;
  if (later) {
    loop_.push({a.ready, EventKind::kTransfer, index_, r, 0});
    out.stalled += a.ready - now;
    if (out.detail) out.stall[r] += a.ready - now;
  }
  const std::uint32_t session = session_of(loop_.trace, r);
  if (a.admitted) {
    out.recomputed += left;
  } else {
    a.admitted = true;
    std::array<std::uint32_t, kTiers> hits = match.blocks;
    if (!load) hits = {gpu};
    out.admit(loop_.trace, r, index_, a.key.arrival, hits, block);
    loop_.retention.admitted(r, now - a.key.arrival, session != kNone && pinned(session));
    waiting_.serve(r, loop_.trace.in[r]);
  }
  if (tokens > 0) {
    budget_ -= std::min(budget_, tokens);
    take_chunk(slot, tokens);
  }
  return true;
}

// A request whose KV was swapped out: what the tree does not have of it is loaded back.
bool Instance::admit_swapped(std::uint32_t slot, std::int64_t now) {
  const RunConfig& config = loop_.config;
  Active& a = active(slot);
  const std::uint32_t per_block = loop_.fleet.per_block, block = loop_.fleet.block;
  const std::uint64_t tokens = a.computed;
  const KvTree::Match match =
      tree_.match(a.request, std::min<std::uint32_t>(full_blocks(loop_.trace, a.request),
                                                     static_cast<std::uint32_t>(tokens / block)));
  const std::uint32_t gpu = match.ready > now ? 0 : match.blocks[0];
  const std::uint64_t units =
      loop_.fleet.units_of(tokens, config.block) - std::uint64_t{gpu} * per_block;
  // Kept for it while the KV comes back.
  const std::uint64_t spare =
      loop_.fleet.next_units(config, tokens, a.target - a.computed, a.resumes);
  const std::uint32_t unlocked = gpu == 0 ? 0 : match.unlocked;
  if (units + spare > free_ + (tree_.evictable() - unlocked) * per_block) return false;
  a.lock = tree_.lock(a.request, gpu);
  a.chain = gpu;
  allocate(units);
  const std::uint64_t bytes = (tokens - std::uint64_t{gpu} * block) * loop_.fleet.token_bytes;
  const std::int64_t time = swap_ns(config, units, bytes);
  loop_.outcomes.swap_in_bytes += bytes;
  ++loop_.outcomes.transfers;
  if (!config.swap.reuse) {
    tree_.release(1, a.reserved);
    a.reserved = a.clean = 0;
  }
  note_use(a);
  a.swapped = false;
  a.state = State::kPrefill;
  a.ready = now;
  // What is not ready to decode joins a later batch in any case: it holds up none.
  if (config.swap.grouped || !a.resumes) {
    allocate(spare);
    a.spare = static_cast<std::uint32_t>(spare);
    a.ready = up_free_[1] = std::max(now, up_free_[1]) + time;
    loop_.push({a.ready, EventKind::kTransfer, index_, a.request, 0});
  } else {
    delay_ += time;
  }
  const std::int64_t stalled = std::max(a.ready - now, time);
  loop_.outcomes.stalled += stalled;
  if (loop_.outcomes.detail) loop_.outcomes.stall[a.request] += stalled;
  if (a.resumes && a.ready == now) {
    a.resumes = false;
    if (a.spare == 0) allocate(spare);
    a.spare = 0;
    budget_ -= std::min(budget_, 1u);
    join_decodes(slot, now);
  } else {
    started_.push_back(slot);
  }
  return true;
}

std::uint64_t Instance::growth(std::uint64_t from, std::uint64_t steps) const {
  const std::uint64_t block = grows_.size();
  std::uint64_t units = steps / block * decodes_.size();
  for (std::uint64_t k = 0; k < steps % block; ++k) units += grows_[(from + k) % block];
  return units;
}

// Decode steps until one ends a request or finds no free block; the first one has its blocks.
std::uint64_t Instance::undisturbed_steps() {
  while (!is_current(finishes_.top())) finishes_.pop();
  std::uint64_t steps = finishes_.top().first - step_;
  if (const std::uint32_t every = loop_.config.swap.every; every > 0) {
    steps = std::min<std::uint64_t>(steps, every - step_ % every);
  }
  if (growth(step_ + 1, steps - 1) <= free_) return steps;
  std::uint64_t low = 1;  // as many steps fit
  while (steps - low > 1) {
    const std::uint64_t middle = low + (steps - low) / 2;
    (growth(step_ + 1, middle - 1) <= free_ ? low : steps) = middle;
  }
  return low;
}

void Instance::start_iteration(std::int64_t now) {
  busy_ = true;
  waiting_then_ = waiting_.size();
  shape_.decodes = static_cast<std::uint32_t>(decodes_.size());
  if (!batch_.empty() || delay_ > 0) changed_ = true;
  if (changed_) {
    base_time_ = now + delay_;
    base_sum_ = 0;
  }
  changed_ = !batch_.empty() || delay_ > 0;
  iteration_start_ = now + delay_;
  // Under vtc every step moves the tenants' counters, which arrivals look at; blocks that are still
  // being written out may hold up the next step; and whether what was refused is to be loaded, or
  // computed, or goes behind another, depends on the loads that are under way.
  const bool stretch = batch_.empty() && delay_ == 0 && fresh_.empty() && now >= outgoing_end_ &&
                       !(refused_ && loading(now)) && loop_.config.scheduler != Scheduler::kVtc;
  steps_ = stretch ? undisturbed_steps() : 1;
  units_then_ = setup_.units - free_;
  for (const Chunk& chunk : batch_) {
    Active& a = active(chunk.slot);
    if (loop_.outcomes.start[a.request] == kNoTime) {
      loop_.outcomes.start[a.request] = a.began = iteration_start_;
    }
  }
  loop_.push({end_of(steps_), EventKind::kIteration, index_, 0, ++version_});
}

bool Instance::unpin_latest() {
  if (pins_.empty()) return false;
  const auto latest = std::ranges::max_element(
      pins_, [](const auto& a, const auto& b) { return a.second.program < b.second.program; });
  unpin(latest->first);
  return true;
}

}  // namespace stateutils::kv::fast
