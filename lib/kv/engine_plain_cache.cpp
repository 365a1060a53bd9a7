#include "kv/engine_plain_cache.hpp"

#include <algorithm>
#include <tuple>

namespace stateutils::kv::plain {

std::vector<std::uint32_t> Cache::chain(std::uint32_t request, std::uint32_t most) const {
  std::vector<std::uint32_t> ids;
  if (most == 0) return ids;
  for (const Run& run : trace_.runs_of(request)) {
    for (std::uint32_t k = 0; k < run.count && ids.size() < most; ++k) ids.push_back(run.first + k);
  }
  return ids;
}

KvTree::Match Cache::match(std::uint32_t request, std::uint32_t most) const {
  KvTree::Match match;
  for (const std::uint32_t id : chain(request, most)) {
    const auto found = blocks_.find(id);
    if (found == blocks_.end() || !found->second.anywhere()) break;
    const Block& block = found->second;
    ++match.blocks[static_cast<std::size_t>(std::ranges::find(block.in, true) - block.in.begin())];
    ++match.total;
    if (!block.in[0]) continue;
    match.ready = std::max(match.ready, block.ready);
    if (block.refs == 0) ++match.unlocked;
  }
  return match;
}

std::uint32_t Cache::insert(std::uint32_t request, std::uint32_t from, std::uint32_t to,
                            std::int64_t ready) {
  const std::vector<std::uint32_t> ids = chain(request, to);
  std::uint32_t added = 0;
  ++clock_;
  for (std::uint32_t k = from; k < to; ++k) {
    Block& block = blocks_[ids[k]];
    block.depth = k;
    block.parent = k == 0 ? kNone : ids[k - 1];
    if (k > 0) blocks_[ids[k - 1]].children.insert(ids[k]);
    block.touched = clock_;
    ++block.count;
    if (block.in[0]) continue;
    ++added;
    block.ready = ready;
    block.sequence = ++inserted_;
    if (exclusive_) block.in = {};
    block.in[0] = true;
  }
  if (tiers_.size() > 1 && tiers_[1].write == TierWrite::kThrough) {
    for (std::uint32_t k = from; k < to; ++k) {
      if (!blocks_[ids[k]].in[1] && !write_down(0, ids[k])) break;
    }
  }
  return added;
}

void Cache::touch(const std::vector<std::uint32_t>& ids, bool count) {
  ++clock_;
  for (const std::uint32_t id : ids) {
    blocks_[id].touched = clock_;
    if (count) ++blocks_[id].count;
  }
}

void Cache::lock(std::uint32_t request, std::uint32_t blocks, bool touching) {
  if (blocks == 0) return;
  const std::vector<std::uint32_t> ids = chain(request, blocks);
  for (const std::uint32_t id : ids) ++blocks_[id].refs;
  if (touching) touch(ids, true);
}

void Cache::unlock(std::uint32_t request, std::uint32_t blocks, bool touching) {
  if (blocks == 0) return;
  const std::vector<std::uint32_t> ids = chain(request, blocks);
  for (const std::uint32_t id : ids) --blocks_[id].refs;
  if (touching) touch(ids, false);
}

bool Cache::evictable(std::size_t tier, const Block& block) const {
  if (!block.in[tier] || (tier == 0 && block.refs > 0)) return false;
  return std::ranges::none_of(block.children,
                              [&](std::uint32_t child) { return blocks_.at(child).in[tier]; });
}

std::uint64_t Cache::used(std::size_t tier) const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(blocks_, [&](const auto& entry) { return entry.second.in[tier]; }));
}

std::uint64_t Cache::evictable() const {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      blocks_, [&](const auto& entry) { return entry.second.in[0] && entry.second.refs == 0; }));
}

void Cache::use(std::uint32_t request, std::uint32_t blocks, std::uint32_t session,
                std::uint32_t agent) {
  for (const std::uint32_t id : chain(request, blocks)) blocks_[id].users.insert({session, agent});
}

// KVFlow: steps until an agent that uses the block runs.
std::int64_t Cache::worth(const Block& block) const {
  if (steps_ == nullptr) return 0;
  std::uint32_t least = steps_->of_nobody();
  for (const auto& [session, agent] : block.users) {
    least = std::min(least, steps_->value(session, agent));
  }
  return least;
}

bool Cache::evict_one(std::size_t tier, std::uint32_t except, std::int64_t steps) {
  using Key = std::tuple<std::int64_t, std::uint64_t, std::uint64_t, std::int64_t>;
  std::uint32_t victim = kNone;
  Key least;
  for (const auto& [id, block] : blocks_) {
    if (id == except || !evictable(tier, block)) continue;
    const std::int64_t deep = -static_cast<std::int64_t>(block.depth), soon = -worth(block);
    if (steps >= 0 && -soon <= steps) continue;
    Key key{soon, block.touched, 0, deep};
    if (tiers_[tier].policy == Evict::kFifo) key = {soon, block.sequence, 0, deep};
    if (tiers_[tier].policy == Evict::kLfu) key = {soon, block.count, block.touched, deep};
    if (victim == kNone || key < least) {
      victim = id;
      least = key;
    }
  }
  if (victim == kNone) return false;
  Block& block = blocks_[victim];
  block.in[tier] = false;
  bool below = false;
  for (std::size_t t = tier + 1; t < kTiers; ++t) below |= block.in[t];
  if (tier + 1 < tiers_.size() && !below && tiers_[tier + 1].write != TierWrite::kDrop) {
    write_down(tier, victim);
  }
  remove_if_empty(victim);
  return true;
}

bool Cache::write_down(std::size_t from, std::uint32_t id) {
  const std::size_t to = from + 1;
  blocks_[id].in[to] = true;
  while (used(to) + reserved_[to] > tiers_[to].capacity) {
    if (evict_one(to, id)) continue;
    blocks_[id].in[to] = false;
    return false;
  }
  ++moved_down_;
  return true;
}

void Cache::remove_if_empty(std::uint32_t id) {
  while (id != kNone) {
    const Block& block = blocks_[id];
    if (block.anywhere() || !block.children.empty() || block.refs > 0) return;
    const std::uint32_t parent = block.parent;
    blocks_.erase(id);
    if (parent != kNone) blocks_[parent].children.erase(id);
    id = parent;
  }
}

bool Cache::reserve(std::size_t tier, std::uint64_t blocks) {
  if (reserved_[tier] + blocks > tiers_[tier].capacity) return false;
  while (used(tier) + reserved_[tier] + blocks > tiers_[tier].capacity) {
    if (!evict_one(tier)) return false;
  }
  reserved_[tier] += blocks;
  return true;
}

}  // namespace stateutils::kv::plain
