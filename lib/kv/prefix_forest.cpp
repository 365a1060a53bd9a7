// The general case by nodes: a node is a stretch of one chain whose blocks came or were touched
// together, so that one key orders all of them; it is split where a touch or a child ends inside.
#include <algorithm>
#include <deque>
#include <optional>
#include <queue>

#include "kv/agent_steps.hpp"
#include "kv/prefix_cache.hpp"
#include "kv/tool_times.hpp"

namespace stateutils::kv {
namespace {

using Order = PrefixPolicy::Order;
using Retention = PrefixPolicy::Retention;

struct Node {
  std::uint32_t parent = kNone, request = 0;  // the blocks are [begin, end) of this chain
  std::uint32_t begin = 0, end = 0;
  std::uint32_t first_block = 0;
  std::uint32_t holds = 0;  // children and pins at its end; a leaf has none
  std::uint32_t count = 0;  // lfu
  std::uint32_t touched = 0;
  std::uint64_t sequence = 0;  // fifo: insertion number of the block at `end`, less `end`
};

class Forest {
 public:
  Forest(const Trace& trace, const PrefixPolicy& policy, std::uint64_t capacity)
      : trace_(trace), policy_(policy), capacity_(capacity), top_(trace.id_space, kNone) {
    if (policy.retention != Retention::kKvflow) return;
    steps_.emplace(trace, policy.steps, policy.hold, 0);
    users_.emplace(*steps_);
  }

  PrefixResult run();

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t node;
    bool operator<(const Entry& other) const {  // std::priority_queue keeps the smallest first
      return key != other.key ? key > other.key : node > other.node;
    }
  };
  struct Pin {
    std::int64_t expires = 0;
    std::uint32_t session = 0, stamp = 0;
  };

  [[nodiscard]] std::uint64_t key(std::uint32_t n) const {
    const Node& node = nodes_[n];
    if (users_) return std::uint64_t{steps_->of_nobody() - users_->value(n)} << 32 | node.touched;
    switch (policy_.order) {
      case Order::kFifo:
        return node.sequence + node.end;
      case Order::kLfu:
        return std::uint64_t{node.count} << 32 | node.touched;
      default:
        return node.touched;
    }
  }
  void offer(std::uint32_t n) {
    if (nodes_[n].holds == 0) leaves_.push({key(n), n});
  }
  std::uint32_t make_node() {
    if (!unused_.empty()) {
      const std::uint32_t n = unused_.back();
      unused_.pop_back();
      nodes_[n] = {};
      return n;
    }
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  void release(std::uint32_t n) {
    if (--nodes_[n].holds == 0) offer(n);
  }
  std::uint32_t split(std::uint32_t n, std::uint32_t upper, std::uint32_t block_below);
  std::uint32_t touch(std::uint32_t i, std::uint32_t& hits);
  std::uint64_t make_room(std::uint64_t missing);
  void serve(std::uint32_t i);
  void expire(std::int64_t now);
  void retain(std::uint32_t i, std::uint32_t end_node);
  void step(std::uint32_t i, std::uint32_t end_node);
  void unpin(std::uint32_t session);

  const Trace& trace_;
  const PrefixPolicy& policy_;
  std::uint64_t capacity_, used_ = 0, inserted_ = 0;
  std::vector<std::uint32_t> top_;  // first block of a resident node -> the node
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> unused_;
  std::priority_queue<Entry> leaves_;
  PrefixResult result_;

  std::vector<std::uint32_t> pinned_, pin_stamp_;  // by session: the node whose end is held
  std::deque<Pin> pins_;                           // by expiry, as every pin lasts equally long
  ToolTimes tools_;
  std::optional<AgentSteps> steps_;  // KVFlow
  std::optional<NodeUsers> users_;
};

// Cuts node n after `upper` blocks. The lower part keeps the number n (children, pins and queue
// entries stay right); the new upper part is returned.
std::uint32_t Forest::split(std::uint32_t n, std::uint32_t upper, std::uint32_t block_below) {
  const std::uint32_t u = make_node();
  Node& low = nodes_[n];
  Node& up = nodes_[u];
  up = low;
  up.end = low.begin + upper;
  up.holds = 1;
  low.begin = up.end;
  low.parent = u;
  low.first_block = block_below;
  top_[up.first_block] = u;
  top_[block_below] = n;
  if (users_) users_->copy(n, u);
  return u;
}

// Finds the longest resident prefix, touches it and returns the node that ends there.
std::uint32_t Forest::touch(std::uint32_t i, std::uint32_t& hits) {
  ChainCursor at(trace_, i);
  std::uint32_t last = kNone;
  while (!at.at_end()) {
    std::uint32_t n = top_[at.block()];
    if (n == kNone) break;
    const std::span<const Run> other = trace_.runs_of(nodes_[n].request);
    const std::uint32_t size = nodes_[n].end - nodes_[n].begin;
    const std::uint32_t shared = std::min(size, at.common(other));
    if (shared < size) n = split(n, shared, at.block_of(other, shared));
    if (policy_.order != Order::kFifo) {
      ++nodes_[n].count;
      nodes_[n].touched = i;
    }
    last = n;
    at.forward(shared);
    if (shared < size) break;
  }
  hits = at.depth();
  return last;
}

// Evicts best-keyed leaves until `missing` blocks are free or none is left; returns the room.
std::uint64_t Forest::make_room(std::uint64_t missing) {
  std::uint64_t free = capacity_ - used_;
  while (free < missing && !leaves_.empty()) {
    const Entry best = leaves_.top();
    leaves_.pop();
    const std::uint32_t n = best.node;
    Node& node = nodes_[n];
    if (node.end == node.begin || node.holds != 0 || key(n) != best.key) continue;
    const auto take =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(node.end - node.begin, missing - free));
    node.end -= take;
    free += take;
    used_ -= take;
    result_.evicted += take;
    if (node.end > node.begin) {
      offer(n);
      continue;
    }
    top_[node.first_block] = kNone;
    const std::uint32_t parent = node.parent;
    if (users_) users_->clear(n);
    unused_.push_back(n);
    if (parent != kNone) release(parent);
  }
  return std::min(free, missing);
}

void Forest::unpin(std::uint32_t session) {
  if (session >= pinned_.size() || pinned_[session] == kNone) return;
  release(pinned_[session]);
  pinned_[session] = kNone;
}

void Forest::expire(std::int64_t now) {
  while (!pins_.empty() && now >= pins_.front().expires) {
    const Pin pin = pins_.front();
    pins_.pop_front();
    if (pin_stamp_[pin.session] == pin.stamp) unpin(pin.session);
  }
}

// The session's earlier pin ends now that this request has been processed; a turn that is not the
// last may pin its own blocks.
void Forest::retain(std::uint32_t i, std::uint32_t end_node) {
  const std::uint32_t session = trace_.session.empty() ? kNone : trace_.session[i];
  if (session == kNone) return;
  if (session >= pinned_.size()) {
    pinned_.resize(session + 1, kNone);
    pin_stamp_.resize(session + 1, 0);
  }
  unpin(session);
  const std::int64_t now = trace_.seen_at(i);
  const std::uint32_t tool = trace_.tool.empty() ? kNone : trace_.tool[i];
  const bool last = trace_.is_last(i);
  bool keep = !last;
  std::int64_t ttl = policy_.ttl;
  if (policy_.retention == Retention::kContinuumFixed) {
    ttl = 2 * kSecond;
    keep = keep && tools_.mean_at_most(tool, ttl);
  }
  tools_.finished(session, tool, now, last);
  if (!keep || end_node == kNone || ttl == 0) return;
  ++nodes_[end_node].holds;
  pinned_[session] = end_node;
  pins_.push_back({now + ttl, session, ++pin_stamp_[session]});
}

// KVFlow: the request's agent uses its blocks; then its session has moved on.
void Forest::step(std::uint32_t i, std::uint32_t end_node) {
  const std::uint32_t session = trace_.session.empty() ? kNone : trace_.session[i];
  const std::uint32_t agent = trace_.agent.empty() ? kNone : trace_.agent[i];
  if (session == kNone) return;
  if (agent != kNone) {
    // Whoever uses a node uses those above it.
    for (std::uint32_t n = end_node; n != kNone && users_->add(n, session, agent);) {
      offer(n);
      n = nodes_[n].parent;
    }
  }
  steps_->arrived(i);
  if (!steps_->finished(i)) return;
  for (const std::uint32_t n : users_->nodes_of(session)) offer(n);
}

void Forest::serve(std::uint32_t i) {
  const bool timed =
      policy_.retention == Retention::kTtl || policy_.retention == Retention::kContinuumFixed;
  if (timed) {
    expire(trace_.seen_at(i));
    if (!trace_.session.empty() && trace_.session[i] != kNone) {
      tools_.arrived(trace_.session[i], trace_.seen_at(i));
    }
  }
  const std::uint32_t blocks = trace_.blocks_of(i);
  std::uint32_t hits = 0;
  const std::uint32_t above = touch(i, hits);
  if (above != kNone) ++nodes_[above].holds;  // the request's own blocks stay
  const std::uint32_t missing = blocks - hits;
  const auto room = static_cast<std::uint32_t>(make_room(missing));
  std::uint32_t end_node = above;
  if (room > 0) {
    ChainCursor at(trace_, i);
    at.forward(hits);
    end_node = make_node();
    Node& node = nodes_[end_node];
    node.parent = above;  // its hold on the node above becomes the child's
    node.request = i;
    node.begin = hits;
    node.end = hits + room;
    node.first_block = at.block();
    node.count = 1;
    node.touched = i;
    node.sequence = inserted_ - hits;  // modulo 2^64: only sequence + end is used
    inserted_ += room;
    used_ += room;
    top_[node.first_block] = end_node;
    offer(end_node);
  } else if (above != kNone) {
    release(above);
  }
  result_.blocks += blocks;
  result_.hit_blocks += hits;
  result_.uncached += missing - room;
  if (timed) retain(i, end_node);
  if (users_) step(i, end_node);
}

PrefixResult Forest::run() {
  for (std::uint32_t i = 0; i < trace_.size(); ++i) serve(i);
  result_.requests = trace_.size();
  result_.resident = used_;
  return result_;
}

}  // namespace

PrefixResult prefix_forest(const Trace& trace, const PrefixPolicy& policy, std::uint64_t capacity) {
  return Forest(trace, policy, capacity).run();
}

}  // namespace stateutils::kv
