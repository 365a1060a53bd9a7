// The cache of the plain loop: one entry per block, no runs, every choice by a walk over all.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "kv/engine_tree.hpp"

namespace stateutils::kv::plain {

class Cache {
 public:
  Cache(const Trace& trace, const std::vector<TierSetup>& tiers, bool exclusive,
        const AgentSteps* steps)
      : trace_(trace), tiers_(tiers), exclusive_(exclusive), steps_(steps) {}

  [[nodiscard]] KvTree::Match match(std::uint32_t request, std::uint32_t most) const;
  std::uint32_t insert(std::uint32_t request, std::uint32_t from, std::uint32_t to,
                       std::int64_t ready);
  // Locks are counted per block; unlocking gives back the first `blocks` of the chain.
  void lock(std::uint32_t request, std::uint32_t blocks, bool touch);
  void unlock(std::uint32_t request, std::uint32_t blocks, bool touch);
  bool reserve(std::size_t tier, std::uint64_t blocks);
  void release(std::size_t tier, std::uint64_t blocks) { reserved_[tier] -= blocks; }
  void use(std::uint32_t request, std::uint32_t blocks, std::uint32_t session, std::uint32_t agent);
  // Only blocks worth more steps than `steps`.
  bool evict_one(std::size_t tier, std::uint32_t except = kNone, std::int64_t steps = -1);
  [[nodiscard]] std::uint64_t evictable() const;
  [[nodiscard]] std::uint64_t moved_down() const { return moved_down_; }

 private:
  struct Block {
    std::uint32_t parent = kNone, depth = 0, refs = 0, count = 0;
    std::uint64_t touched = 0, sequence = 0;
    std::int64_t ready = 0;
    std::array<bool, kTiers> in{};
    std::set<std::uint32_t> children;
    std::set<std::pair<std::uint32_t, std::uint32_t>> users;  // (session, agent)
    [[nodiscard]] bool anywhere() const { return in[0] || in[1] || in[2] || in[3]; }
  };
  [[nodiscard]] std::vector<std::uint32_t> chain(std::uint32_t request, std::uint32_t most) const;
  [[nodiscard]] bool evictable(std::size_t tier, const Block& block) const;
  [[nodiscard]] std::uint64_t used(std::size_t tier) const;
  [[nodiscard]] std::int64_t worth(const Block& block) const;
  bool write_down(std::size_t from, std::uint32_t id);
  void remove_if_empty(std::uint32_t id);
  void touch(const std::vector<std::uint32_t>& ids, bool count);

  const Trace& trace_;
  std::vector<TierSetup> tiers_;
  bool exclusive_;
  const AgentSteps* steps_;
  std::map<std::uint32_t, Block> blocks_;
  std::array<std::uint64_t, kTiers> reserved_{};
  std::uint64_t clock_ = 0, inserted_ = 0, moved_down_ = 0;
};

}  // namespace stateutils::kv::plain
