// The blocks with ids that one instance keeps, in its tiers, as a path-compressed forest.
//
// A node is a stretch of one chain whose blocks are in the same tiers and have one key. A tier
// evicts its best-keyed leaf (no child in the same tier); a block that leaves the last tier may
// leave children in other tiers behind, which are found again once it has been computed anew.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "kv/agent_steps.hpp"
#include "kv/chain.hpp"
#include "kv/run_config.hpp"
#include "kv/sparse_map.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

inline constexpr std::size_t kTiers = 4;

struct TierSetup {
  std::uint64_t capacity = 0;  // blocks of the trace
  Evict policy = Evict::kLru;
  TierWrite write = TierWrite::kBack;
};

class KvTree {
 public:
  // With `steps` (KVFlow) blocks go in the order of their agents' steps first.
  KvTree(const Trace& trace, const std::vector<TierSetup>& tiers, bool exclusive,
         const AgentSteps* steps = nullptr);

  struct Match {
    std::array<std::uint32_t, kTiers> blocks{};  // by the highest tier that has them
    std::uint32_t total = 0;
    std::uint32_t unlocked = 0;  // of the top tier's: those that may be evicted now
    std::int64_t ready = 0;      // when the top tier's have been loaded
  };
  // The longest prefix of the request's chain, of at most `most` blocks, that some tier holds.
  [[nodiscard]] Match match(std::uint32_t request, std::uint32_t most) const;
  // Puts blocks [from, to) of the request's chain into the top tier, which must hold those above;
  // returns how many were not there. The caller has made room.
  std::uint32_t insert(std::uint32_t request, std::uint32_t from, std::uint32_t to,
                       std::int64_t ready);
  // Protects the first `blocks` blocks, all in the top tier, as used now. kNone for no blocks.
  [[nodiscard]] std::uint32_t lock(std::uint32_t request, std::uint32_t blocks);
  // Moves a lock down to the end of the first `blocks` blocks.
  [[nodiscard]] std::uint32_t relock(std::uint32_t held, std::uint32_t request,
                                     std::uint32_t blocks);
  void unlock(std::uint32_t held);
  // Another lock of the same blocks (retention).
  void pin(std::uint32_t held) { hold(held); }
  void unpin(std::uint32_t held);

  // KVFlow: the agent uses the blocks of this lock; its session's steps have changed.
  void use(std::uint32_t held, std::uint32_t session, std::uint32_t agent);
  void reprice(std::uint32_t session);

  // Evicts up to `blocks` of the top tier; returns how many.
  std::uint64_t make_room(std::uint64_t blocks) { return evict(0, blocks, ~0ull); }
  // Only blocks worth less than those of agents that run in `steps`.
  std::uint64_t make_room_for(std::uint64_t blocks, std::uint32_t steps) {
    return evict(0, blocks, rank_of(steps));
  }
  // Room of a lower tier that is used for other things than blocks with ids.
  [[nodiscard]] bool reserve(std::size_t tier, std::uint64_t blocks);
  void release(std::size_t tier, std::uint64_t blocks) { reserved_[tier] -= blocks; }

  [[nodiscard]] std::uint64_t resident() const { return used_[0]; }
  [[nodiscard]] std::uint64_t evictable() const { return used_[0] - locked_; }
  // Blocks written down since the start.
  [[nodiscard]] std::uint64_t moved_down() const { return moved_down_; }
  [[nodiscard]] const std::vector<TierSetup>& tiers() const { return tiers_; }

 private:
  struct Node {
    std::uint32_t parent = kNone, request = 0;
    std::uint32_t begin = 0, end = 0, first_block = 0;
    std::uint32_t refs = 0, children = 0, count = 0;
    std::array<std::uint32_t, kTiers> kids{};  // children in each tier
    std::uint64_t touched = 0, sequence = 0;   // sequence: insertion number less the depth
    std::int64_t ready = 0;
    std::uint8_t mask = 0;
    [[nodiscard]] std::uint32_t size() const { return end - begin; }
    [[nodiscard]] bool in(std::size_t tier) const { return (mask >> tier & 1) != 0; }
  };
  struct Entry {
    std::uint64_t first = 0, second = 0;
    std::uint32_t depth = 0, node = 0;
    bool operator<(const Entry& other) const;  // the queue's top is evicted first
  };

  // The part of a key that stands for steps: no other part reaches it.
  [[nodiscard]] std::uint64_t rank_of(std::uint32_t steps) const {
    return std::uint64_t{steps_->of_nobody() - steps} << 56;
  }
  [[nodiscard]] Entry entry_of(std::size_t tier, std::uint32_t n) const;
  [[nodiscard]] bool evictable(std::size_t tier, const Node& node) const;
  void offer(std::size_t tier, std::uint32_t n);
  std::uint32_t make_node();
  std::uint32_t split(std::uint32_t n, std::uint32_t upper);
  // The node that begins at the cursor, cut so that it ends at `limit` or before; kNone: none.
  std::uint32_t node_at(ChainCursor& at, std::uint32_t limit);
  void enter(std::size_t tier, std::uint32_t n);
  void leave(std::size_t tier, std::uint32_t n);
  void remove_if_empty(std::uint32_t n);
  void hold(std::uint32_t n);
  void touch_path(std::uint32_t n, bool count);
  // Entries whose key reaches `limit` stay.
  std::uint64_t evict(std::size_t tier, std::uint64_t blocks, std::uint64_t limit);
  [[nodiscard]] std::uint64_t room(std::size_t tier) const;
  void write_through(std::uint32_t request, std::uint32_t from, std::uint32_t to);
  bool write_down(std::size_t from, std::uint32_t n);

  const Trace& trace_;
  std::vector<TierSetup> tiers_;
  bool exclusive_;
  const AgentSteps* steps_;
  std::optional<NodeUsers> users_;
  SparseMap top_;  // first block of a node -> the node
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> unused_;
  std::uint32_t writing_ = kNone;  // on its way down: it does not make room for itself
  std::array<std::priority_queue<Entry>, kTiers> leaves_;
  std::array<std::uint64_t, kTiers> used_{}, reserved_{};
  std::uint64_t locked_ = 0, clock_ = 0, inserted_ = 0, moved_down_ = 0;
};

}  // namespace stateutils::kv
