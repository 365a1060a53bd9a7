#include "kv/engine_tree.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace stateutils::kv {

KvTree::KvTree(const Trace& trace, const std::vector<TierSetup>& tiers, bool exclusive,
               const AgentSteps* steps)
    : trace_(trace), tiers_(tiers), exclusive_(exclusive), steps_(steps) {
  if (steps != nullptr) users_.emplace(*steps);
}

bool KvTree::Entry::operator<(const Entry& other) const {
  // Smaller keys go first; of one path's blocks with equal keys the deepest.
  return std::tuple(first, second, other.depth, node) >
         std::tuple(other.first, other.second, depth, other.node);
}

KvTree::Entry KvTree::entry_of(std::size_t tier, std::uint32_t n) const {
  const Node& node = nodes_[n];
  const std::uint64_t rank = users_ ? rank_of(users_->value(n)) : 0;
  switch (tiers_[tier].policy) {
    case Evict::kFifo:
      return {rank + node.sequence + node.end, 0, node.end, n};
    case Evict::kLfu:
      return {rank + node.count, node.touched, node.end, n};
    default:
      return {rank + node.touched, 0, node.end, n};
  }
}

bool KvTree::evictable(std::size_t tier, const Node& node) const {
  return node.in(tier) && node.kids[tier] == 0 && (tier > 0 || node.refs == 0);
}

void KvTree::offer(std::size_t tier, std::uint32_t n) {
  if (evictable(tier, nodes_[n])) leaves_[tier].push(entry_of(tier, n));
}

std::uint32_t KvTree::make_node() {
  if (unused_.empty()) {
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  const std::uint32_t n = unused_.back();
  unused_.pop_back();
  nodes_[n] = {};
  return n;
}

// Cuts node n after `upper` blocks; n stays the lower part, where its children and locks are.
std::uint32_t KvTree::split(std::uint32_t n, std::uint32_t upper) {
  const std::uint32_t u = make_node();
  Node& low = nodes_[n];
  Node& up = nodes_[u];
  up = low;
  up.end = low.begin + upper;
  up.children = 1;
  for (std::size_t tier = 0; tier < tiers_.size(); ++tier) up.kids[tier] = low.in(tier) ? 1 : 0;
  low.begin = up.end;
  low.parent = u;
  ChainCursor at(trace_, low.request);
  at.forward(low.begin);
  low.first_block = at.block();
  top_.set(up.first_block, u);
  top_.set(low.first_block, n);
  if (users_) users_->copy(n, u);
  return u;
}

std::uint32_t KvTree::node_at(ChainCursor& at, std::uint32_t limit) {
  if (at.at_end() || at.depth() >= limit) return kNone;
  const std::uint32_t n = top_.find(at.block());
  if (n == kNone) return kNone;
  const std::uint32_t shared = std::min(
      {nodes_[n].size(), limit - at.depth(), at.common(trace_.runs_of(nodes_[n].request))});
  at.forward(shared);
  return shared < nodes_[n].size() ? split(n, shared) : n;
}

KvTree::Match KvTree::match(std::uint32_t request, std::uint32_t most) const {
  Match match;
  if (most == 0) return match;
  ChainCursor at(trace_, request);
  while (!at.at_end() && at.depth() < most) {
    const std::uint32_t n = top_.find(at.block());
    if (n == kNone || nodes_[n].mask == 0) break;
    const Node& node = nodes_[n];
    const std::uint32_t shared =
        std::min({node.size(), most - at.depth(), at.common(trace_.runs_of(node.request))});
    match.blocks[static_cast<std::size_t>(__builtin_ctz(node.mask))] += shared;
    if (node.in(0)) {
      match.ready = std::max(match.ready, node.ready);
      if (node.refs == 0) match.unlocked += shared;
    }
    at.forward(shared);
    if (shared < node.size()) break;
  }
  match.total = at.depth();
  return match;
}

void KvTree::enter(std::size_t tier, std::uint32_t n) {
  Node& node = nodes_[n];
  node.mask = static_cast<std::uint8_t>(node.mask | 1u << tier);
  if (node.parent != kNone) ++nodes_[node.parent].kids[tier];
  used_[tier] += node.size();
}

void KvTree::leave(std::size_t tier, std::uint32_t n) {
  Node& node = nodes_[n];
  node.mask = static_cast<std::uint8_t>(node.mask & ~(1u << tier));
  used_[tier] -= node.size();
  if (node.parent == kNone) return;
  --nodes_[node.parent].kids[tier];
  offer(tier, node.parent);
}

void KvTree::remove_if_empty(std::uint32_t n) {
  while (n != kNone && nodes_[n].mask == 0 && nodes_[n].children == 0 && nodes_[n].refs == 0) {
    const std::uint32_t parent = nodes_[n].parent;
    top_.erase(nodes_[n].first_block);
    if (users_) users_->clear(n);
    unused_.push_back(n);
    if (parent != kNone) --nodes_[parent].children;
    n = parent;
  }
}

std::uint32_t KvTree::insert(std::uint32_t request, std::uint32_t from, std::uint32_t to,
                             std::int64_t ready) {
  ChainCursor at(trace_, request);
  std::uint32_t above = kNone, added = 0;
  ++clock_;
  while (at.depth() < to) {
    const std::uint32_t begin = at.depth();
    std::uint32_t n = node_at(at, begin < from ? from : to);
    if (begin < from) {
      above = n;
      continue;
    }
    if (n == kNone) {
      n = make_node();
      Node& node = nodes_[n];
      node.parent = above;
      node.request = request;
      node.begin = begin;
      node.end = to;
      node.first_block = at.block();
      top_.set(node.first_block, n);
      if (above != kNone) ++nodes_[above].children;
      at.forward(to - begin);
    }
    Node& node = nodes_[n];
    node.touched = clock_;
    ++node.count;
    if (!node.in(0)) {
      added += node.size();
      node.ready = ready;
      node.sequence = inserted_ - node.begin;
      inserted_ += node.size();
      if (exclusive_) {
        for (std::size_t tier = 1; tier < tiers_.size(); ++tier) {
          if (nodes_[n].in(tier)) leave(tier, n);
        }
      }
      enter(0, n);
    }
    for (std::size_t tier = 0; tier < tiers_.size(); ++tier) offer(tier, n);
    above = n;
  }
  if (tiers_.size() > 1 && tiers_[1].write == TierWrite::kThrough) write_through(request, from, to);
  return added;
}

// From the root side, up to the first block that finds no room. What makes room further down may
// cut the very nodes that are written, which are all in the top tier: the cursor finds the parts.
void KvTree::write_through(std::uint32_t request, std::uint32_t from, std::uint32_t to) {
  ChainCursor at(trace_, request);
  while (at.depth() < to) {
    const bool asked = at.depth() >= from;
    const std::uint32_t n = node_at(at, asked ? to : from);
    if (asked && !nodes_[n].in(1) && !write_down(0, n)) return;
  }
}

void KvTree::hold(std::uint32_t n) {
  for (; n != kNone; n = nodes_[n].parent) {
    if (nodes_[n].refs++ == 0) locked_ += nodes_[n].size();
  }
}

void KvTree::touch_path(std::uint32_t n, bool count) {
  ++clock_;
  for (; n != kNone; n = nodes_[n].parent) {
    nodes_[n].touched = clock_;
    if (count) ++nodes_[n].count;
    for (std::size_t tier = 1; tier < tiers_.size(); ++tier) offer(tier, n);
  }
}

std::uint32_t KvTree::lock(std::uint32_t request, std::uint32_t blocks) {
  if (blocks == 0) return kNone;
  ChainCursor at(trace_, request);
  std::uint32_t n = kNone;
  while (at.depth() < blocks) n = node_at(at, blocks);
  hold(n);
  touch_path(n, true);
  return n;
}

std::uint32_t KvTree::relock(std::uint32_t held, std::uint32_t request, std::uint32_t blocks) {
  ChainCursor at(trace_, request);
  std::uint32_t n = kNone;
  while (at.depth() < blocks) n = node_at(at, blocks);
  hold(n);
  if (held != kNone) {
    // The nodes of the old lock are above n and stay held by it.
    for (std::uint32_t up = held; up != kNone; up = nodes_[up].parent) --nodes_[up].refs;
  }
  return n;
}

void KvTree::unlock(std::uint32_t held) {
  if (held == kNone) return;
  touch_path(held, false);
  unpin(held);
}

void KvTree::unpin(std::uint32_t held) {
  for (std::uint32_t n = held; n != kNone; n = nodes_[n].parent) {
    if (--nodes_[n].refs > 0) continue;
    locked_ -= nodes_[n].size();
    offer(0, n);
  }
}

void KvTree::use(std::uint32_t held, std::uint32_t session, std::uint32_t agent) {
  // Whoever uses a node uses those above it.
  for (std::uint32_t n = held; n != kNone && users_->add(n, session, agent);) {
    for (std::size_t tier = 0; tier < tiers_.size(); ++tier) offer(tier, n);
    n = nodes_[n].parent;
  }
}

void KvTree::reprice(std::uint32_t session) {
  for (const std::uint32_t n : users_->nodes_of(session)) {
    for (std::size_t tier = 0; tier < tiers_.size(); ++tier) offer(tier, n);
  }
}

bool KvTree::reserve(std::size_t tier, std::uint64_t blocks) {
  const std::uint64_t capacity = tiers_[tier].capacity;
  if (reserved_[tier] + blocks > capacity) return false;
  const std::uint64_t taken = used_[tier] + reserved_[tier] + blocks;
  if (taken > capacity) evict(tier, taken - capacity, ~0ull);
  if (used_[tier] + reserved_[tier] + blocks > capacity) return false;
  reserved_[tier] += blocks;
  return true;
}

std::uint64_t KvTree::room(std::size_t tier) const {
  const std::uint64_t taken = used_[tier] + reserved_[tier];
  return taken >= tiers_[tier].capacity ? 0 : tiers_[tier].capacity - taken;
}

// Copies node n, from tier `from`, to the tier below, as much as finds room there. Tiers further
// down make room too and may cut n for it; the parts above are then its parents, from `begin` on.
bool KvTree::write_down(std::size_t from, std::uint32_t n) {
  const std::size_t to = from + 1;
  const std::uint64_t capacity = tiers_[to].capacity;
  const std::uint32_t begin = nodes_[n].begin;
  enter(to, n);  // not offered yet; entries of its last stay in the tier are passed over
  const std::uint32_t outer = std::exchange(writing_, n);
  const std::uint64_t taken = used_[to] + reserved_[to];
  if (taken > capacity) evict(to, taken - capacity, ~0ull);
  writing_ = outer;
  const std::uint64_t left = used_[to] + reserved_[to], wanted = nodes_[n].end - begin;
  std::uint64_t excess = std::min(left > capacity ? left - capacity : 0, wanted);
  moved_down_ += wanted - excess;
  if (excess == 0) {
    offer(to, n);
    return true;
  }
  while (excess > 0) {
    if (nodes_[n].size() > excess) {
      (void)split(n, nodes_[n].size() - static_cast<std::uint32_t>(excess));
    }
    excess -= nodes_[n].size();
    leave(to, n);
    n = nodes_[n].parent;
  }
  return false;
}

// Where the tier below is full, block by block: each one that comes competes with the one before.
std::uint64_t KvTree::evict(std::size_t tier, std::uint64_t blocks, std::uint64_t limit) {
  std::uint64_t freed = 0;
  const std::size_t last = tiers_.size() - 1;
  while (freed < blocks && !leaves_[tier].empty()) {
    const Entry best = leaves_[tier].top();
    const std::uint32_t n = best.node;
    const Entry now = entry_of(tier, n);
    const bool stale = n == writing_ || !evictable(tier, nodes_[n]) || now.first != best.first ||
                       now.second != best.second || now.depth != best.depth;
    if (!stale && best.first >= limit) break;
    leaves_[tier].pop();
    if (stale) continue;
    const bool below = (nodes_[n].mask >> (tier + 1)) != 0;
    const bool demote = tier < last && !below && tiers_[tier + 1].write != TierWrite::kDrop;
    std::uint64_t most = blocks - freed;
    if (demote) most = std::min(most, std::max<std::uint64_t>(1, room(tier + 1)));
    if (nodes_[n].size() > most) {
      (void)split(n, nodes_[n].size() - static_cast<std::uint32_t>(most));
    }
    freed += nodes_[n].size();
    leave(tier, n);
    if (demote) (void)write_down(tier, n);
    remove_if_empty(n);
  }
  return freed;
}

}  // namespace stateutils::kv
