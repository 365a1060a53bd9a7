// Prefix mode: a forest of blocks with leaf-only eviction, simulated by runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kv/agent_steps.hpp"
#include "kv/chain.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

struct PrefixResult {
  std::uint64_t requests = 0, blocks = 0, hit_blocks = 0, evicted = 0, uncached = 0, resident = 0;
  friend bool operator==(const PrefixResult&, const PrefixResult&) = default;
};

struct PrefixPolicy {
  enum class Order { kLru, kFifo, kLfu, kBelady };
  enum class Retention { kOff, kTtl, kContinuumFixed, kKvflow };
  Order order = Order::kLru;
  Retention retention = Retention::kOff;
  std::int64_t ttl = 0;                   // ns, of kTtl
  StepSource steps = StepSource::kHints;  // of kKvflow
  std::uint32_t hold = 4;
};

// "lru", "fifo", "lfu", "belady", "ttl:2s", "continuum-fixed", "kvflow[-oracle|-learned]"; empty
// when unknown.
[[nodiscard]] std::optional<PrefixPolicy> parse_prefix_policy(const std::string& text);

// All need trace.chains and a capacity of at least one block.
[[nodiscard]] PrefixResult prefix_lru(const Trace& trace, const Reuse& previous,
                                      std::uint64_t capacity);
// With `bypass` missing blocks that are used later than all that are there are not taken in.
[[nodiscard]] PrefixResult prefix_belady(const Trace& trace, const Reuse& next,
                                         std::uint64_t capacity, bool bypass = false);
// Any order but belady, with or without retention, by nodes of a path-compressed forest.
[[nodiscard]] PrefixResult prefix_forest(const Trace& trace, const PrefixPolicy& policy,
                                         std::uint64_t capacity);
// Hits of a cache that never evicts.
[[nodiscard]] std::uint64_t unbounded_hits(const Trace& trace, const Reuse& previous);

}  // namespace stateutils::kv
