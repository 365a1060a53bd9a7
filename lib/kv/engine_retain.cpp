#include "kv/engine_retain.hpp"

#include <algorithm>
#include <cmath>

#include "kv/engine_work.hpp"
#include "kv/formulas.hpp"

namespace stateutils::kv {

Retention::Session& Retention::session(std::uint32_t request) {
  const std::uint32_t s = session_of(trace_, request);
  if (s >= sessions_.size()) sessions_.resize(std::size_t{s} + 1);
  return sessions_[s];
}

std::vector<double>& Retention::samples_of(std::uint32_t tool) {
  const std::size_t slot = std::uint32_t(tool + 1);
  if (slot >= by_tool_.size()) by_tool_.resize(slot + 1);
  return by_tool_[slot];
}

void Retention::arrived(std::uint32_t request, std::int64_t now) {
  if (!on() || session_of(trace_, request) == kNone) return;
  if (config_.retain == Retain::kContinuumFixed) {
    tools_.arrived(session_of(trace_, request), now);
    return;
  }
  Session& s = session(request);
  if (s.end == kNoTime) return;
  const double seconds = static_cast<double>(std::max<std::int64_t>(0, now - s.end)) / 1e9;
  s.end = kNoTime;
  for (std::vector<double>* list : {&samples_of(s.tool), &all_}) {
    list->insert(std::ranges::upper_bound(*list, seconds), seconds);
  }
}

void Retention::admitted(std::uint32_t request, std::int64_t queued, bool pinned) {
  constexpr std::size_t kWindow = 100;
  if (config_.retain != Retain::kContinuum || pinned) return;
  if (session_of(trace_, request) == kNone || session(request).turns == 0) return;
  queued_.push_back(queued);
  queued_sum_ += queued;
  if (queued_.size() <= kWindow) return;
  queued_sum_ -= queued_.front();
  queued_.pop_front();
}

Retention::Grant Retention::continuum(std::uint32_t tool, std::int64_t reload) const {
  const double queue =
      queued_.empty() ? 0 : static_cast<double>(queued_sum_) / 1e9 / static_cast<double>(queued_.size());
  const double benefit = queue * turn_eta(lengths_) + static_cast<double>(reload) / 1e9;
  const std::size_t slot = std::uint32_t(tool + 1);
  TtlChoice choice;
  if (slot < by_tool_.size() && by_tool_[slot].size() > config_.continuum_k) {
    choice = choose_ttl_sorted(by_tool_[slot], benefit);
  } else if (all_.size() > config_.continuum_k) {
    choice = choose_ttl_sorted(all_, benefit);
  } else {
    choice = choose_ttl({}, benefit);
  }
  return {std::llround(choice.ttl * 1e9), std::llround(benefit * 1e9)};
}

Retention::Grant Retention::finished(std::uint32_t request, std::int64_t now, std::int64_t reload) {
  if (!on() || session_of(trace_, request) == kNone) return {};
  const bool last = trace_.is_last(request);
  const std::uint32_t tool = trace_.tool.empty() ? kNone : trace_.tool[request];
  if (config_.retain == Retain::kTtl) return {last ? 0 : config_.ttl};
  if (config_.retain == Retain::kContinuumFixed) {
    const bool keep = !last && tools_.mean_at_most(tool, 2 * kSecond);
    tools_.finished(session_of(trace_, request), tool, now, last);
    return {keep ? 2 * kSecond : 0};
  }
  Session& s = session(request);
  ++s.turns;
  if (last) {
    lengths_.push_back(s.turns);
    s = {};
    return {};
  }
  s.end = now;
  s.tool = tool;
  return continuum(tool, reload);
}

}  // namespace stateutils::kv
