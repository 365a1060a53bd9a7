// A specification seen as a graph of byte strings: what the general search and the traces need.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sbus/model.hpp"

namespace stateutils::sbus {

// Beside the invariants, the bit of --reach: the step reaches the goal.
inline constexpr unsigned kGoal = 1u << kInvariantCount;
inline constexpr int kOutcomeCount = kInvariantCount + 1;

struct ByteStep {
  ActionKind action;
  int node, agent, shard;      // -1 where the action has none
  std::uint64_t multiplicity;  // times a checker that enumerates every disjunct generates it
  unsigned broken;             // invariants that the step or its successor breaks, or kGoal
};

class ByteSpec {
 public:
  ByteSpec() = default;
  ByteSpec(const ByteSpec&) = delete;
  ByteSpec& operator=(const ByteSpec&) = delete;
  virtual ~ByteSpec() = default;

  [[nodiscard]] virtual std::string initial() const = 0;
  using Visit = std::function<void(const ByteStep&, const std::string&)>;
  // Every enabled step in a fixed order, also those that change nothing.
  virtual void steps(const std::string& state, const Visit& visit) const = 0;
  // The representative of the state's orbit.
  [[nodiscard]] virtual std::string canonical(const std::string& state) const = 0;
  [[nodiscard]] virtual std::string json(const std::string& state) const = 0;
};

[[nodiscard]] std::unique_ptr<ByteSpec> make_ori_spec(const ModelParams& params);
[[nodiscard]] std::unique_ptr<ByteSpec> make_distributed_spec(const ModelParams& params);

// `path` holds canonical states from the initial one on, each one step after the one before.
// Canonical numbering may swap agents between two of them; the trace follows one execution with
// fixed names by taking, in the order of steps(), the first step into the next orbit. The last
// step is one that has the bit `outcome`.
[[nodiscard]] std::vector<TraceStep> make_trace(const ByteSpec& spec,
                                                const std::vector<std::string>& path,
                                                unsigned outcome);

}  // namespace stateutils::sbus
