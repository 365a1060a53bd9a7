// The commit protocol written plainly: explicit states, one function per step. Traces, symmetry
// over shards and states too wide for a packed word use it; the packed search is tested against it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sbus/model.hpp"

namespace stateutils::sbus {

// A delivered version reaches max_version + 1 under the mutant read-ahead, hence 16 bits.
using VersionRow = std::array<std::uint16_t, kMaxShards>;

struct HistoryEntry {
  std::uint8_t agent = 0, shard = 0;
  VersionRow delivered{};  // D[agent] when the commit was applied
  VersionRow reg{};        // reg when the commit was applied; reg[shard] is the version before
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

struct OriAgent {
  std::uint8_t pending = 0;  // split-validate: validated shard + 1
  bool alive = true;
  std::uint8_t retries = 0;
  VersionRow delivered{};
  friend bool operator==(const OriAgent&, const OriAgent&) = default;
};

struct OriState {
  VersionRow reg{};
  std::array<OriAgent, kMaxAgents> agent{};
  std::vector<HistoryEntry> history;  // --history full only
};

struct OriStep {
  ActionKind action;
  int agent, shard;            // shard -1 where the action has none
  std::uint64_t multiplicity;  // times a checker that enumerates every disjunct generates it
  unsigned broken_history;     // history invariants that the appended entry breaks
};

[[nodiscard]] OriState ori_initial(const ModelParams& params);
// Calls visit(step, next) for every enabled step in the order of agents, then actions, then
// shards; steps that change nothing are included.
void ori_steps(const ModelParams& params, const OriState& state,
               const std::function<void(const OriStep&, const OriState&)>& visit);
// Invariants of a state (history entries included), as bits.
[[nodiscard]] unsigned ori_broken(const ModelParams& params, const OriState& state);
// The representative of the state's orbit under the symmetry of `params`.
[[nodiscard]] OriState ori_canonical(const ModelParams& params, const OriState& state);
// Injective bytes of a state; entries whose snapshots follow from the rest store none.
[[nodiscard]] std::string ori_bytes(const ModelParams& params, const OriState& state);
[[nodiscard]] OriState ori_from_bytes(const ModelParams& params, const std::string& bytes);
[[nodiscard]] std::string ori_json(const ModelParams& params, const OriState& state);
// Bits of the fields, in ori_bytes() and in packed words alike.
struct OriWidths {
  int version = 0, code = 0, retries = 0, pending = 0;
};
[[nodiscard]] OriWidths ori_widths(const ModelParams& params);
// Whether history entries must hold D: with the checks in place it equals reg.
[[nodiscard]] inline bool needs_snapshots(const ModelParams& params) {
  return (params.mutants & (kNoCrossCheck | kNoPrimaryCheck | kSplitValidate)) != 0;
}

}  // namespace stateutils::sbus
