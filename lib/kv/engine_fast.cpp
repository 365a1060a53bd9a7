#include "kv/engine_fast.hpp"

#include <algorithm>

#include "core/signals.hpp"

namespace stateutils::kv {
namespace fast {

Loop::Loop(const Trace& the_trace, const RunConfig& the_config, const SimOptions& the_options)
    : trace(the_trace),
      config(the_config),
      options(the_options),
      fleet(the_trace, the_config),
      arrivals(the_trace, the_config),
      outcomes(the_trace.size(), the_options.detail),
      retention(the_config, the_trace) {
  outcomes.admitted.resize(fleet.instances.size());
  outcomes.count_from = first_counted(arrivals, config);
  if (config.retain == Retain::kKvflow) {
    steps.emplace(trace, known_steps(trace, config.steps), config.hold, config.ahead);
  }
  instances_.reserve(fleet.instances.size());
  for (std::uint32_t i = 0; i < fleet.instances.size(); ++i) {
    instances_.emplace_back(*this, i, fleet.instances[i]);
  }
}

void Instance::report(Outcomes& outcomes) const {
  outcomes.transfers += tree_.moved_down();
  outcomes.swap_out_bytes += tree_.moved_down() * loop_.fleet.block * loop_.fleet.token_bytes;
}

std::uint32_t Loop::new_slot() {
  if (free_slots_.empty()) {
    actives.emplace_back();
    return static_cast<std::uint32_t>(actives.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  actives[slot] = {};
  return slot;
}

std::uint32_t Loop::route(std::uint32_t request) {
  const std::vector<std::uint32_t>& front = fleet.front;
  // The instance with the least score, the first of equals.
  const auto least = [&](auto score) {
    return *std::ranges::min_element(front, {},
                                     [&](std::uint32_t i) { return score(instances_[i]); });
  };
  const auto shortest = [](const Instance& i) { return static_cast<std::int64_t>(i.requests()); };
  switch (config.router) {
    case Router::kJsq:
      return least(shortest);
    case Router::kTokenJsq:
      return least([](const Instance& i) { return static_cast<std::int64_t>(i.pending_tokens()); });
    case Router::kPrefix: {
      const std::uint32_t most = fleet.shareable(trace, config, request, trace.in[request]);
      return least([&](const Instance& i) {
        return static_cast<std::int64_t>(i.pending_prefill()) -
               static_cast<std::int64_t>(i.tree().match(request, most).total) * fleet.block;
      });
    }
    case Router::kSession: {
      const std::uint32_t session = session_of(trace, request);
      if (session == kNone) return least(shortest);
      if (session >= sticky_.size()) sticky_.resize(std::size_t{session} + 1, kNone);
      if (sticky_[session] == kNone) sticky_[session] = least(shortest);
      return sticky_[session];
    }
    default:
      return front[turn_++ % front.size()];
  }
}

void Loop::arrive(std::uint32_t request, std::int64_t now) {
  if (answered_at_once(arrivals, outcomes, request, now)) return;
  retention.arrived(request, now);
  if (steps) steps->arrived(request);
  const std::uint64_t tokens = std::uint64_t{trace.in[request]} + outputs_of(trace, request) - 1;
  for (const InstanceSetup& setup : fleet.instances) {
    if (fleet.units_of(tokens, config.block) <= setup.units) continue;
    reject(request, now);
    return;
  }
  const std::uint32_t to = route(request);
  if (config.admit_by_slo &&
      instances_[to].predicted_ttft(request) > slo_ttft(trace, config, request)) {
    reject(request, now);
    return;
  }
  const std::uint32_t slot = new_slot();
  actives[slot].request = request;
  actives[slot].target = trace.in[request];
  actives[slot].streams = config.streams;
  instances_[to].arrive(slot, now);
}

void Loop::reject(std::uint32_t request, std::int64_t now) {
  ++outcomes.rejected;
  arrivals.finished(request, now);
}

bool Loop::has_stepped(std::uint32_t request) {
  if (!steps || !steps->finished(request)) return false;
  for (Instance& instance : instances_) instance.reprice(trace.session[request]);
  return true;
}

void Loop::hand_over(std::uint32_t slot, std::uint32_t source, std::int64_t now) {
  const std::uint32_t to = *std::ranges::min_element(
      fleet.back, {}, [&](std::uint32_t i) { return instances_[i].held_tokens(now, i < source); });
  instances_[to].receive(slot, source, now);
}

void Loop::request_done(std::uint32_t slot, std::int64_t now) {
  arrivals.finished(actives[slot].request, now);
  actives[slot].state = State::kFree;
  free_slots_.push_back(slot);
}

void Loop::handle(const Event& event) {
  Instance& instance = instances_[event.instance];
  switch (event.kind) {
    case EventKind::kTransfer:
      if (event.version > 0) {
        instances_[event.version - 1].release_moved(event.slot, event.time);
        instance.landed(event.slot, event.time);
      } else {
        instance.wake(event.time);
      }
      break;
    case EventKind::kTimer:
      instance.expire(event.item, static_cast<std::uint32_t>(event.version), event.time);
      break;
    case EventKind::kIteration:
      if (event.version == instance.version()) instance.finish_iteration(event.time);
      break;
    default:
      instance.build(event.time);
      break;
  }
}

SimResult Loop::run() {
  std::int64_t at = 0;
  std::uint32_t request = 0;
  for (std::uint64_t events = 0;; ++events) {
    if (events % 4096 == 0) core::check_stop();
    const bool arriving = arrivals.peek(at, request);
    if (!arriving && events_.empty()) break;
    if (arriving && (events_.empty() || at <= events_.top().time)) {
      arrivals.pop();
      arrive(request, at);
      continue;
    }
    const Event event = events_.top();
    events_.pop();
    handle(event);
  }
  for (const Instance& instance : instances_) instance.report(outcomes);
  return {std::move(outcomes), arrivals.take_times()};
}

}  // namespace fast

SimResult simulate_stretches(const Trace& trace, const RunConfig& config,
                             const SimOptions& options) {
  return fast::Loop(trace, config, options).run();
}

}  // namespace stateutils::kv
