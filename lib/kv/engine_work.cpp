#include "kv/engine_work.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/units.hpp"

namespace stateutils::kv {
namespace {

// Gamma variates by Marsaglia and Tsang (2000), boosted below shape 1; for "gamma:RATE,CV".
double normal(core::Rng& rng) {
  const double r = std::sqrt(-2 * std::log1p(-rng.unit()));
  return r * std::cos(2 * M_PI * rng.unit());
}

double gamma_variate(core::Rng& rng, double shape) {
  if (shape < 1) {
    const double u = 1 - rng.unit();
    return gamma_variate(rng, shape + 1) * std::pow(u, 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(rng), cube = 1 + c * x;
    if (cube <= 0) continue;
    const double v = cube * cube * cube, u = 1 - rng.unit();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

// "poisson:RATE" or "gamma:RATE,CV": arrival times of n requests.
std::vector<std::int64_t> drawn_arrivals(const std::string& rule, std::uint32_t n,
                                         std::uint64_t seed) {
  const std::size_t colon = rule.find(':'), comma = rule.find(',');
  const std::string kind = rule.substr(0, colon);
  const auto number = [&rule](std::size_t from, std::size_t to) {
    return from == std::string::npos || from >= rule.size()
               ? 0.0
               : core::parse_double(rule.substr(from + 1, to - from - 1)).value_or(0);
  };
  const double rate = number(colon, comma);
  const double cv = kind == "gamma" ? number(comma, rule.size()) : 1;
  const bool known = (kind == "poisson" && comma == std::string::npos) || kind == "gamma";
  if (!known || !(rate > 0 && rate <= 1e9) || !(cv >= 0.01 && cv <= 100)) {
    throw core::usage_error("config: \"trace.arrival\": " + core::quoted(rule) +
                            " is neither poisson:RATE nor gamma:RATE,CV");
  }
  core::Rng rng(seed, 0xa221);
  const double shape = 1 / (cv * cv);
  std::vector<std::int64_t> times(n);
  double at = 0;
  for (std::int64_t& time : times) {
    time = std::llround(at * 1e9);
    at += kind == "gamma" ? gamma_variate(rng, shape) / (shape * rate)
                          : -std::log1p(-rng.unit()) / rate;
    if (at > 9e9) throw core::usage_error("config: \"trace.arrival\": arrivals past 285 years");
  }
  return times;
}

}  // namespace

std::vector<std::int64_t>& ArrivalTimes::own(std::uint32_t requests) {
  if (times_ != nullptr) {
    own_ = *times_;
    times_ = nullptr;
  }
  own_.resize(requests, kNoTime);
  return own_;
}

Arrivals::Arrivals(const Trace& trace, const RunConfig& config) : trace_(trace) {
  const std::uint32_t n = trace.size();
  job_start_.assign(trace.sessions.size(), kNoTime);
  small_ = config.funnel_time;
  if (config.funnel_share > 0) choose_answered(config);
  const bool closed = config.trace.replay == "closed";
  const bool scaled = config.trace.scale_rate != 1;
  const bool whole = !trace.t.empty() && std::ranges::count(trace.t, kNoTime) == 0;
  if (whole && !scaled && !closed && !config.trace.arrival && std::ranges::is_sorted(trace.t)) {
    time_ = ArrivalTimes(trace.t);
    in_order_ = true;
    return;
  }
  if (!trace.t.empty()) time_ = ArrivalTimes(trace.t);
  std::vector<std::int64_t>& time = time_.own(n);
  if (scaled) {
    for (std::int64_t& t : time) {
      if (t != kNoTime) t = std::llround(static_cast<double>(t) / config.trace.scale_rate);
    }
  }
  if (config.trace.arrival) time = drawn_arrivals(*config.trace.arrival, n, config.seed);
  if (closed || std::ranges::count(time, kNoTime) > 0) follow_sessions(trace, closed);
  order(time);
  link_children();
}

// Those with a time of their own by it; the others have none until what they follow has ended.
void Arrivals::order(std::vector<std::int64_t>& time) {
  for (std::uint32_t i = 0; i < trace_.size(); ++i) {
    if (parent_end_.empty() || parent_end_[i] == (i == 0 ? 0 : parent_end_[i - 1])) {
      if (time[i] == kNoTime) time[i] = 0;
      fixed_.push_back(i);
    } else {
      time[i] = kNoTime;
    }
  }
  std::ranges::stable_sort(fixed_, {}, [&time](std::uint32_t i) { return time[i]; });
}

// Exactly the share of the requests, rounded, at random places.
void Arrivals::choose_answered(const RunConfig& config) {
  const std::uint32_t n = trace_.size();
  core::Rng rng(config.seed, 0xf0e1);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(n);
  for (std::uint32_t i = 0; i < n; ++i) keys[i] = {rng.u64(), i};
  const auto count = std::llround(config.funnel_share * n);
  std::ranges::nth_element(keys, keys.begin() + count);
  answered_.assign(n, false);
  for (std::int64_t k = 0; k < count; ++k)
    answered_[keys[static_cast<std::size_t>(k)].second] = true;
}

// Which requests wait for which: given parents, else the record before of the session and agent,
// else of the session. Open replay keeps the time of a record that has one.
void Arrivals::follow_sessions(const Trace& trace, bool closed) {
  const std::uint32_t n = trace.size();
  std::vector<std::uint32_t> of_session(trace.sessions.size(), kNone);
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> of_agent;
  gap_.assign(n, 0);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t session = session_of(trace, i);
    const std::uint32_t agent = trace.agent.empty() ? kNone : trace.agent[i];
    std::uint32_t before = kNone;
    if (session != kNone) {
      const auto known = of_agent.find({session, agent});
      before = known != of_agent.end() ? known->second : of_session[session];
      of_session[session] = of_agent[{session, agent}] = i;
    }
    const std::uint32_t from = i == 0 || trace.parent_end.empty() ? 0 : trace.parent_end[i - 1];
    const std::uint32_t to = trace.parent_end.empty() ? 0 : trace.parent_end[i];
    if (closed ? before != kNone || to > from : time_[i] == kNoTime) {
      for (std::uint32_t k = from; k < to; ++k) parent_.push_back(trace.parents[k]);
      if (to == from && before != kNone) parent_.push_back(before);
      const std::uint32_t p = parent_.empty() ? kNone : parent_.back();
      if (!trace.gap.empty() && trace.gap[i] != kNoTime) {
        gap_[i] = trace.gap[i];
      } else if (closed && p != kNone && !trace.t.empty() && trace.t[i] != kNoTime &&
                 trace.t[p] != kNoTime) {
        const std::int64_t served = trace.api.empty() || trace.api[p] == kNoTime ? 0 : trace.api[p];
        gap_[i] = std::max<std::int64_t>(0, trace.t[i] - (trace.t[p] + served));
      }
    }
    parent_end_.push_back(static_cast<std::uint32_t>(parent_.size()));
  }
}

void Arrivals::link_children() {
  if (parent_.empty()) return;
  const std::uint32_t n = trace_.size();
  child_end_.assign(std::size_t{n} + 1, 0);
  waits_.assign(n, 0);
  latest_.assign(n, kNoTime);
  for (const std::uint32_t p : parent_) ++child_end_[p + 1];
  std::partial_sum(child_end_.begin(), child_end_.end(), child_end_.begin());
  std::vector<std::uint32_t> fill(child_end_.begin(), child_end_.end() - 1);
  child_.resize(parent_.size());
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t k = i == 0 ? 0 : parent_end_[i - 1]; k < parent_end_[i]; ++k) {
      child_[fill[parent_[k]]++] = i;
      ++waits_[i];
    }
  }
}

bool Arrivals::peek(std::int64_t& time, std::uint32_t& request) const {
  const bool has_fixed = next_fixed_ < all_fixed();
  if (!has_fixed && followers_.empty()) return false;
  Entry next{0, 0};
  if (has_fixed) next = {time_[fixed(next_fixed_)], fixed(next_fixed_)};
  if (!has_fixed || (!followers_.empty() && followers_.top() < next)) next = followers_.top();
  time = next.first + small_;
  request = next.second;
  return true;
}

void Arrivals::pop() {
  std::int64_t time = 0;
  std::uint32_t request = 0;
  if (!peek(time, request)) return;
  if (next_fixed_ < all_fixed() && fixed(next_fixed_) == request) {
    ++next_fixed_;
  } else {
    followers_.pop();
  }
  const std::uint32_t session = session_of(trace_, request);
  if (session != kNone && job_start_[session] == kNoTime) job_start_[session] = time - small_;
}

void Arrivals::finished(std::uint32_t request, std::int64_t now) {
  if (child_.empty()) return;
  for (std::uint32_t k = child_end_[request]; k < child_end_[request + 1]; ++k) {
    const std::uint32_t child = child_[k];
    latest_[child] = std::max(latest_[child], now);
    if (--waits_[child] > 0) continue;
    const std::int64_t at = latest_[child] + gap_[child];
    time_.own(trace_.size())[child] = at;
    followers_.push({at, child});
  }
}

std::int64_t Arrivals::job_start(std::uint32_t request) const {
  const std::uint32_t session = session_of(trace_, request);
  return session == kNone ? time_[request] : job_start_[session];
}

namespace {

// Doubles as integers of the same order.
std::int64_t ordered(double value) {
  const auto bits = std::bit_cast<std::int64_t>(value + 0.0);
  return bits < 0 ? std::numeric_limits<std::int64_t>::min() - bits : bits;
}

}  // namespace

WaitKey wait_key(const RunConfig& config, const Trace& trace, const Arrivals& arrivals,
                 std::uint32_t request, std::uint32_t tokens, bool pinned) {
  WaitKey key;
  key.request = request;
  key.arrival = arrivals.time_of(request);
  switch (config.scheduler) {
    case Scheduler::kPrio:
      key.rank = ordered(trace.prio.empty() ? 0.0 : -trace.prio[request]);
      break;
    case Scheduler::kSjf:
      key.rank = tokens;
      break;
    case Scheduler::kProgramFcfs:
      key.rank = arrivals.job_start(request);
      break;
    case Scheduler::kContinuum:
      // Times are not negative, so that pinned ones come before all others, program by program.
      key.rank = arrivals.job_start(request);
      if (pinned) key.rank += std::numeric_limits<std::int64_t>::min();
      break;
    case Scheduler::kEdf:
      key.rank = key.arrival + slo_ttft(trace, config, request);
      break;
    default:
      break;
  }
  return key;
}

std::int64_t changing_priority(const RunConfig& config, std::uint32_t request,
                               std::uint64_t epoch) {
  core::Rng rng(config.seed, 0xfa57'0000'0000ull + request);
  // Markov: a request keeps its priority from one epoch to the next with this chance.
  constexpr double kStays = 0.8;
  for (;; --epoch) {
    rng.seek(epoch);
    const std::uint32_t priority = rng.u32();
    if (config.swap.pattern == Pattern::kRandom || epoch == 0 || !rng.chance(kStays)) {
      return priority;
    }
  }
}

Outcomes::Outcomes(std::uint32_t requests, bool with_detail)
    : start(requests, kNoTime),
      first(requests, kNoTime),
      finish(requests, kNoTime),
      tbt_max(requests, 0),
      detail(with_detail) {
  if (!detail) return;
  stall.assign(requests, 0);
  ttl.assign(requests, kNoTime);
  benefit.assign(requests, kNoTime);
  instance.assign(requests, kNone);
  prefilled.assign(requests, 0);
  preemptions.assign(requests, 0);
  hits.assign(requests, {});
}

void Outcomes::answer(std::uint32_t request, std::int64_t arrival, std::int64_t now) {
  if (answered.empty()) answered.assign(start.size(), false);
  answered[request] = true;
  start[request] = arrival;
  first[request] = finish[request] = now;
}

void Outcomes::admit(const Trace& trace, std::uint32_t request, std::uint32_t where,
                     std::int64_t arrival, const std::array<std::uint32_t, kTiers>& blocks,
                     std::uint32_t block) {
  std::uint32_t hit = 0;
  for (std::size_t tier = 0; tier < kTiers; ++tier) hit += blocks[tier] * block;
  if (detail) {
    for (std::size_t tier = 0; tier < kTiers; ++tier) hits[request][tier] = blocks[tier] * block;
    prefilled[request] = trace.in[request] - hit;
    instance[request] = where;
  }
  if (trace.has_blocks()) admitted[where].push_back(request);
  if (arrival < count_from) return;
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    hit_blocks[tier] += blocks[tier];
    hit_tokens[tier] += std::uint64_t{blocks[tier]} * block;
  }
  prefilled_tokens += trace.in[request] - hit;
  in_tokens += trace.in[request];
  if (trace.has_blocks()) references += trace.blocks_of(request);
}

std::int64_t first_counted(const Arrivals& arrivals, const RunConfig& config) {
  std::int64_t time = 0;
  std::uint32_t request = 0;
  return arrivals.peek(time, request) ? time + config.warmup - config.funnel_time : 0;
}

bool answered_at_once(Arrivals& arrivals, Outcomes& out, std::uint32_t request, std::int64_t now) {
  if (!arrivals.answered(request)) return false;
  out.answer(request, arrivals.time_of(request), now);
  arrivals.finished(request, now);
  return true;
}

}  // namespace stateutils::kv
