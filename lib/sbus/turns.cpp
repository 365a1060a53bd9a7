#include "sbus/turns.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::int64_t kContended = 50'000'000;  // ns after a collision
constexpr std::int64_t kPatience = 5;            // turns that a read waits at most
constexpr std::int64_t kLookEvery = 1'000'000;   // ns

}  // namespace

bool Turns::may_read(std::string_view key, std::string_view agent, std::uint64_t client,
                     std::int64_t now) {
  if (shards_.empty()) return true;
  if (!overdue_.empty() && overdue_.erase(client) > 0) return true;
  const auto found = shards_.find(std::string(key));
  if (found == shards_.end()) return true;
  Shard& shard = found->second;
  if (!shard.holder.empty() && now >= shard.held_until) return true;  // see take_woken()
  if (shard.holder.empty() || shard.holder == agent) {
    shard.holder = agent;
    shard.held_until = now + turn_ns_;
    return true;
  }
  shard.waiting.push_back({client, now});
  ++waiting_;
  return false;
}

void Turns::wake_first(Shard& shard) {
  if (shard.waiting.empty()) return;
  woken_.push_back(shard.waiting.front().client);
  shard.waiting.pop_front();
  --waiting_;
}

void Turns::committed(std::string_view key, std::string_view agent, bool collided,
                      std::int64_t now) {
  if (turn_ns_ == 0 || (shards_.empty() && !collided)) return;
  auto found = shards_.find(std::string(key));
  if (found == shards_.end()) {
    if (!collided) return;
    found = shards_.emplace(key, Shard{}).first;
  }
  Shard& shard = found->second;
  if (collided) shard.contended_until = now + kContended;
  if (shard.holder != agent) return;
  shard.holder.clear();
  wake_first(shard);
}

void Turns::take_woken(std::int64_t now, std::vector<std::uint64_t>& out) {
  if (now >= next_look_ && !shards_.empty()) {
    next_look_ = now + kLookEvery;
    for (auto at = shards_.begin(); at != shards_.end();) {
      Shard& shard = at->second;
      // Whoever was woken before may be gone.
      if (shard.holder.empty() && woken_.empty()) wake_first(shard);
      // A turn that is not used ends them all, until commits collide again: whoever reads here
      // takes its time, and waiting for it helps nobody.
      const bool unused = !shard.holder.empty() && now >= shard.held_until;
      if (unused) shard.contended_until = 0;
      while (!shard.waiting.empty() &&
             (unused || now - shard.waiting.front().since >= kPatience * turn_ns_)) {
        overdue_.insert(shard.waiting.front().client);
        wake_first(shard);
      }
      at = shard.waiting.empty() && now >= shard.contended_until ? shards_.erase(at) : ++at;
    }
    if (shards_.empty()) overdue_.clear();
  }
  out.clear();
  out.swap(woken_);
}

}  // namespace stateutils::sbus
