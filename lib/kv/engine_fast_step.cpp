// The end of an iteration or stretch: tokens out, requests done, blocks cached; and preemption.
#include <algorithm>

#include "kv/engine_fast.hpp"

namespace stateutils::kv::fast {

std::uint64_t Instance::held(const Active& a) const {
  if (a.state != State::kDecode) return a.computed;
  return loop_.trace.in[a.request] + a.generated + (step_ - a.joined) - 1;
}

std::uint32_t Instance::private_units(const Active& a, std::uint64_t tokens) const {
  return loop_.fleet.units_of(tokens, loop_.config.block) - a.chain * loop_.fleet.per_block;
}

bool Instance::is_current(const Finish& finish) const {
  const auto [request, slot] = finish.second;
  const Active& a = loop_.actives[slot];
  return a.state == State::kDecode && a.request == request &&
         a.joined + outputs_of(loop_.trace, request) - a.generated == finish.first;
}

void Instance::enqueue(std::uint32_t slot) {
  Active& a = active(slot);
  const std::uint32_t session = session_of(loop_.trace, a.request);
  a.state = State::kWaiting;
  a.key = wait_key(loop_.config, loop_.trace, loop_.arrivals, a.request, a.target - a.computed,
                   session != kNone && pinned(session));
  if (loop_.config.swap.every > 0) a.key.rank = changing_priority(loop_.config, a.request, epoch_);
  a.key.slot = slot;
  waiting_.push(a.key);
  if (loop_.config.scheduler == Scheduler::kContinuum && session != kNone) {
    waiting_of_.emplace(session, slot);
  }
}

void Instance::dequeue(const WaitKey& key) {
  waiting_.erase(key);
  if (loop_.config.scheduler != Scheduler::kContinuum) return;
  const auto range = waiting_of_.equal_range(session_of(loop_.trace, key.request));
  for (auto it = range.first; it != range.second; ++it) {
    if (it->second != key.slot) continue;
    waiting_of_.erase(it);
    return;
  }
}

void Instance::arrive(std::uint32_t slot, std::int64_t now) {
  Active& a = active(slot);
  ++requests_;
  pending_prefill_ += a.target;
  waiting_.joined(a.request);
  enqueue(slot);
  wake(now);
}

void Instance::receive(std::uint32_t slot, std::uint32_t source, std::int64_t now) {
  ++requests_;
  waiting_.joined(active(slot).request);
  incoming_.emplace_back(slot, source);
  wake(now);
}

void Instance::landed(std::uint32_t slot, std::int64_t now) {
  --moving_in_;
  moving_tokens_ -= active(slot).target;
  joiners_.push_back(slot);
  wake(now);
}

void Instance::release_moved(std::uint32_t slot, std::int64_t now) {
  Active& a = active(slot);
  release(a, a.computed);
  wake(now);
}

// Something changed at `now`: the batch is built again at the next boundary.
void Instance::wake(std::int64_t now) {
  if (!busy_) {
    if (!build_pending_) loop_.push({now, EventKind::kBuild, index_, 0, 0});
    build_pending_ = true;
    return;
  }
  std::uint64_t low = 0, high = steps_;  // end_of(low) < now <= end_of(high)
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (end_of(middle) < now ? low : high) = middle;
  }
  if (high == steps_) return;
  steps_ = high;
  loop_.push({end_of(steps_), EventKind::kIteration, index_, 0, ++version_});
}

std::int64_t Instance::end_of(std::uint64_t steps) const {
  const Wide sum = batch_.empty() ? sum_steps(*setup_.cost, shape_.decodes, context_, steps).total
                                  : setup_.cost->cost(shape_, context_);
  return base_time_ + rounded_ns(base_sum_ + sum);
}

std::uint64_t Instance::held_tokens(std::int64_t now, bool after) const {
  std::uint64_t tokens = context_ + moving_tokens_;
  if (busy_ && steps_ > 1) {
    std::uint64_t low = 0, high = steps_;  // `low` steps have ended
    while (high - low > 1) {
      const std::uint64_t middle = low + (high - low) / 2;
      const std::int64_t end = end_of(middle);
      (end < now || (after && end == now) ? low : high) = middle;
    }
    tokens += low * decodes_.size();
  }
  for (const std::uint32_t slot : started_) tokens += loop_.actives[slot].computed;
  for (const auto& entry : incoming_) tokens += loop_.actives[entry.first].target;
  for (const std::uint32_t slot : joiners_) tokens += loop_.actives[slot].target;
  return tokens;
}

void Instance::add_gap(std::uint64_t step, std::int64_t gap) {
  while (!gaps_.empty() && gaps_.back().second <= gap) gaps_.pop_back();
  gaps_.emplace_back(step, gap);
}

std::int64_t Instance::longest_gap_since(std::uint64_t step) const {
  const auto found =
      std::ranges::upper_bound(gaps_, step, {}, &std::pair<std::uint64_t, std::int64_t>::first);
  return found == gaps_.end() ? 0 : found->second;
}

void Instance::finish_iteration(std::int64_t now) {
  busy_ = false;
  note_steps(steps_, now);
  while (!finishes_.empty() && finishes_.top().first <= step_) {
    const Finish done = finishes_.top();
    finishes_.pop();
    if (!is_current(done)) continue;
    leave_decodes(done.second.second, now);
    finish(done.second.second, now);
  }
  for (const Chunk& chunk : batch_) finish_chunk(chunk, now);
  if (decodes_.empty()) gaps_.clear();
  loop_.push({now, EventKind::kBuild, index_, 0, 0});
  build_pending_ = true;
}

// Accounts for the iteration, or the stretch of `steps`, that ends now.
void Instance::note_steps(std::uint64_t steps, std::int64_t now) {
  Outcomes& out = loop_.outcomes;
  if (loop_.options.on_iteration) log_iterations(steps, now);
  StretchSum sum;
  if (batch_.empty()) {
    sum = sum_steps(*setup_.cost, shape_.decodes, context_, steps);
  } else {
    const CostLine line = setup_.cost->line(shape_, context_);
    sum.total = sum.last = line.at(context_);
    sum.overhead = line.overhead;
    sum.extrapolated = line.extrapolated ? 1 : 0;
  }
  out.busy += sum.total;
  out.bound += sum.total - sum.overhead;
  out.iterations += steps;
  out.extrapolated += sum.extrapolated;
  base_sum_ += sum.total;
  free_ -= growth(step_ + 1, steps - 1);
  step_ += steps;
  context_ += steps * decodes_.size();
  waiting_.serve_decodes(steps);
  if (!decodes_.empty()) add_gap(step_, rounded_ns(sum.last) + delay_);
  for (const std::uint32_t slot : fresh_) {
    Active& a = active(slot);
    a.tbt_max = std::max(a.tbt_max, now - a.last_token);
  }
  fresh_.clear();
}

void Instance::log_iterations(std::uint64_t steps, std::int64_t now) const {
  IterationLine line;
  line.instance = index_;
  line.decodes = shape_.decodes;
  line.waiting = waiting_then_;
  line.preempted = preempted_now_;
  line.prefill_tokens = shape_.prefill_tokens;
  line.t = iteration_start_;
  if (steps > 1) line.t = base_time_ + rounded_ns(base_sum_);
  for (std::uint64_t k = 1; k <= steps; ++k) {
    const std::int64_t end = k == steps ? now : end_of(k);
    line.duration = end - line.t;
    line.context = context_ + (k - 1) * shape_.decodes;
    line.kv_blocks = units_then_ + growth(step_ + 1, k - 1);
    loop_.options.on_iteration(line);
    line.t = end;
    line.preempted = 0;
  }
}

void Instance::join_decodes(std::uint32_t slot, std::int64_t now) {
  Active& a = active(slot);
  a.state = State::kDecode;
  a.joined = step_;
  const std::uint64_t tokens = held(a), block = grows_.size();
  a.phase = static_cast<std::uint32_t>((step_ % block + block - tokens % block) % block);
  ++grows_[a.phase];
  context_ += tokens;
  finishes_.push({step_ + outputs_of(loop_.trace, a.request) - a.generated, {a.request, slot}});
  a.place = static_cast<std::uint32_t>(decodes_.size());
  decodes_.push_back(slot);
  if (a.last_token < now) fresh_.push_back(slot);
  waiting_.decoding(a.request, 1);
  changed_ = true;
}

void Instance::leave_decodes(std::uint32_t slot, std::int64_t now) {
  Active& a = active(slot);
  const std::uint64_t tokens = held(a);
  a.tbt_max = std::max(a.tbt_max, longest_gap_since(a.joined));
  a.generated += static_cast<std::uint32_t>(step_ - a.joined);
  a.computed = static_cast<std::uint32_t>(tokens);
  // A fresh decode that goes before its first step keeps the time of its last token.
  if (step_ > a.joined) a.last_token = now;
  std::erase(fresh_, slot);
  a.state = State::kPrefill;
  --grows_[a.phase];
  context_ -= tokens;
  const std::uint32_t moved = decodes_.back();
  decodes_[a.place] = moved;
  active(moved).place = a.place;
  decodes_.pop_back();
  waiting_.decoding(a.request, -1);
  changed_ = true;
}

void Instance::insert_blocks(Active& a, std::int64_t now) {
  if (!loop_.config.share_prefixes) return;
  const std::uint32_t full =
      std::min(full_blocks(loop_.trace, a.request), a.computed / loop_.fleet.block);
  if (full <= a.chain) return;
  const std::uint32_t added = tree_.insert(a.request, a.chain, full, now);
  a.lock = tree_.relock(a.lock, a.request, full);
  free_ += std::uint64_t{full - a.chain - added} * loop_.fleet.per_block;
  a.chain = full;
  note_use(a);
}

void Instance::finish_chunk(const Chunk& chunk, std::int64_t now) {
  Active& a = active(chunk.slot);
  a.computed += chunk.tokens;
  pending_prefill_ -= chunk.tokens;
  insert_blocks(a, now);
  const std::uint32_t outputs = outputs_of(loop_.trace, a.request);
  if (a.computed < a.target) {
    // Multi-Stream LLMs: a token is written in each pass that reads. Its KV is computed behind the
    // prompt's; the last token comes when all is read.
    if (!a.streams || a.generated + 1 == outputs) return;
    token_out(a, now);
    ++a.target;
    ++pending_prefill_;
    return;
  }
  std::erase(started_, chunk.slot);
  token_out(a, now);
  if (a.generated == outputs) {
    finish(chunk.slot, now);
  } else if (setup_.entry->role == Role::kPrefill) {
    a.state = State::kMoving;
    --requests_;
    waiting_.left(a.request);
    loop_.hand_over(chunk.slot, index_, now);
  } else {
    join_decodes(chunk.slot, now);
  }
}

void Instance::token_out(Active& a, std::int64_t now) {
  ++a.generated;
  if (a.generated == 1) {
    loop_.outcomes.first[a.request] = now;
  } else {
    a.tbt_max = std::max(a.tbt_max, now - a.last_token);
  }
  a.last_token = now;
  waiting_.serve(a.request, 2);
}

void Instance::release(Active& a, std::uint64_t tokens) {
  free_ += private_units(a, tokens);
  tree_.unlock(a.lock);
  a.lock = kNone;
  a.chain = 0;
}

void Instance::finish(std::uint32_t slot, std::int64_t now) {
  Active& a = active(slot);
  Outcomes& out = loop_.outcomes;
  out.finish[a.request] = now;
  out.tbt_max[a.request] = a.tbt_max;
  const std::uint32_t session = session_of(loop_.trace, a.request);
  if (loop_.retention.on() && session != kNone) {
    std::int64_t reload = recompute_ns(*setup_.cost, 0, a.computed);
    if (loop_.config.tiers.size() > 1) {
      const TierConfig& tier = loop_.config.tiers[1];
      reload = std::min(
          reload, tier.latency + transfer_ns(a.computed * loop_.fleet.token_bytes, tier.bandwidth));
    }
    const Retention::Grant grant = loop_.retention.finished(a.request, now, reload);
    if (out.detail) {
      out.ttl[a.request] = grant.ttl;
      out.benefit[a.request] = grant.benefit;
    }
    unpin(session);
    if (grant.ttl > 0 && a.lock != kNone) {
      tree_.pin(a.lock);
      pins_[session] = {a.lock, ++pin_version_, loop_.arrivals.job_start(a.request)};
      loop_.push({now + grant.ttl, EventKind::kTimer, index_, session, pin_version_});
      rekey(session);
    }
  }
  release(a, a.computed);
  if (a.reserved > 0) tree_.release(1, a.reserved);
  --requests_;
  waiting_.left(a.request);
  if (loop_.has_stepped(a.request)) prefetch(session, now);
  loop_.request_done(slot, now);
}

void Instance::unpin(std::uint32_t session) {
  const auto pin = pins_.find(session);
  if (pin == pins_.end()) return;
  tree_.unpin(pin->second.lock);
  pins_.erase(pin);
  rekey(session);
}

// Continuum serves pinned programs first: the place of a session's waiting turns has changed.
void Instance::rekey(std::uint32_t session) {
  if (loop_.config.scheduler != Scheduler::kContinuum) return;
  std::vector<std::uint32_t> slots;
  const auto range = waiting_of_.equal_range(session);
  for (auto it = range.first; it != range.second; ++it) slots.push_back(it->second);
  for (const std::uint32_t slot : slots) {
    dequeue(active(slot).key);
    enqueue(slot);
  }
}

void Instance::expire(std::uint32_t session, std::uint32_t version, std::int64_t now) {
  const auto pin = pins_.find(session);
  if (pin == pins_.end() || pin->second.version != version) return;
  unpin(session);
  if (waiting_.size() + incoming_.size() > 0) wake(now);
}

void Instance::preempt(std::uint32_t slot, std::int64_t now) {
  Active& a = active(slot);
  const bool decoding = a.state == State::kDecode || a.resumes;
  if (a.state == State::kDecode) {
    leave_decodes(slot, now);
  } else {
    std::erase(started_, slot);
  }
  free_ += a.spare;
  a.spare = 0;
  a.streams = false;
  ++preempted_now_;
  loop_.fleet.check_progress(++loop_.outcomes.preempted);
  if (loop_.outcomes.detail) ++loop_.outcomes.preemptions[a.request];
  const std::uint64_t tokens = a.computed;
  if (decoding) a.target = loop_.trace.in[a.request] + a.generated;
  a.swapped = loop_.config.swap.on && swap_out(a, tokens, now);
  release(a, tokens);
  if (a.swapped) {
    a.resumes = decoding;
  } else {
    a.resumes = false;
    pending_prefill_ += decoding ? a.target : a.computed;
    a.computed = 0;
    if (a.reserved > 0) tree_.release(1, a.reserved);
    a.reserved = a.clean = 0;
  }
  enqueue(slot);
}

// Takes room in the second tier for a copy of that many tokens.
bool Instance::reserve_copy(Active& a, std::uint64_t tokens) {
  const std::uint32_t blocks = loop_.fleet.units_of(tokens, loop_.fleet.block);
  if (blocks > a.reserved && !tree_.reserve(1, blocks - a.reserved)) return false;
  a.reserved = std::max(a.reserved, blocks);
  return true;
}

// Writes a request's KV to the second tier; false when that has no room.
bool Instance::swap_out(Active& a, std::uint64_t tokens, std::int64_t now) {
  if (!reserve_copy(a, tokens)) return false;
  const std::uint64_t dirty = tokens - (loop_.config.swap.reuse ? a.clean : 0);
  a.clean = static_cast<std::uint32_t>(tokens);
  const std::uint64_t bytes = dirty * loop_.fleet.token_bytes;
  const std::int64_t time =
      swap_ns(loop_.config, loop_.fleet.units_of(dirty, loop_.config.block), bytes);
  loop_.outcomes.swap_out_bytes += bytes;
  ++loop_.outcomes.transfers;
  if (loop_.config.swap.grouped) {
    outgoing_units_ = (now < outgoing_end_ ? outgoing_units_ : 0) + private_units(a, tokens);
    outgoing_end_ = std::max(now, outgoing_end_) + time;
  } else {
    delay_ += time;
  }
  return true;
}

}  // namespace stateutils::kv::fast
