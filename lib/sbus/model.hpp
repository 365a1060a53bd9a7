// Exhaustive exploration of the commit protocol: parameters, results and the entry point.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::sbus {

inline constexpr int kMaxAgents = 16;
inline constexpr int kMaxShards = 16;
inline constexpr int kMaxNodes = 16;

enum class Spec : std::uint8_t { kOri, kDistributed };
enum class History : std::uint8_t { kFull, kInline, kNone };
enum class Symmetry : std::uint8_t { kAgents, kAgentsShards, kNone };

// Changes of Commit or Read that a checker must find; they combine.
enum Mutant : unsigned {
  kNoCrossCheck = 1,
  kNoPrimaryCheck = 2,
  kNoOwnRefresh = 4,
  kReadAhead = 8,
  kSplitValidate = 16,
};

enum Invariant : unsigned {
  kTypeOk = 1,
  kOwnership = 2,
  kVersionBound = 4,
  kReadSetSoundness = 8,
  kHistoryOriLegal = 16,
  kNoLostUpdate = 32,
  kLogNotAhead = 64,
};
inline constexpr int kInvariantCount = 7;
inline constexpr unsigned kOriInvariants = 63;
inline constexpr unsigned kHistoryInvariants = kHistoryOriLegal | kNoLostUpdate;
inline constexpr unsigned kDistributedInvariants = kTypeOk | kLogNotAhead;

// Names as they are written on the command line and in the output; 0 when unknown.
[[nodiscard]] unsigned mutant_by_name(std::string_view name);
[[nodiscard]] unsigned invariant_by_name(std::string_view name);
[[nodiscard]] std::string_view invariant_name(int index);  // of bit 1 << index
[[nodiscard]] std::vector<std::string> mutant_names();
[[nodiscard]] std::vector<std::string> invariant_names();

struct ModelParams {
  Spec spec = Spec::kOri;
  int agents = 3;
  int shards = 2;
  int max_version = 3;
  int retry_budget = 2;
  History history = History::kFull;
  Symmetry symmetry = Symmetry::kAgents;
  unsigned mutants = 0;
  unsigned invariants = 0;  // those checked; 0 = all that the spec and the history allow
  int nodes = 3;            // distributed spec
  int max_term = 6;
  bool reach_non_fresh_commit = false;  // stop at the first commit with an empty log
};

struct ModelLimits {
  std::uint64_t max_states = 0;  // 0 = none
  std::uint64_t memory = 8ull << 30;
  std::string spill;  // folder for parts of the visited set that do not fit; empty = none
  int threads = 1;
  bool trace = false;
};

enum class ActionKind : std::uint8_t {
  kRead,
  kCommit,
  kCommitFails,
  kTimeout,
  kStutter,
  kValidate,
  kApply,
  kElectLeader,
  kGet,
  kRecover,
};
inline constexpr int kActionKinds = 10;
[[nodiscard]] std::string_view action_name(ActionKind kind);
using ActionCounts = std::array<std::uint64_t, kActionKinds>;

struct TraceStep {
  std::string action;
  std::vector<std::string> args;  // "a1", "s2", "n1"
  std::string state;              // JSON object
};

struct ModelViolation {
  unsigned invariant = 0;   // one bit
  std::uint64_t depth = 0;  // states on the shortest trace, the initial one included
  std::vector<TraceStep> trace;
};

struct ModelResult {
  std::uint64_t distinct = 0;
  std::uint64_t generated = 0;
  std::vector<std::uint64_t> levels;
  bool exact = true;           // no two states can have been taken for one
  double collision_bound = 0;  // probability bound when not exact
  bool complete = true;        // false: cut short by a limit; the counts are those of whole levels
  std::string cut_by;          // "max-states" or "mem"
  bool reached = false;        // the goal of --reach
  std::uint64_t goal_depth = 0;
  std::vector<TraceStep> goal_trace;
  std::vector<ModelViolation> violations;
  ActionCounts actions{};
  double table_load = 0;
  std::uint64_t memory_peak = 0;  // bytes of visited set, frontier and exchange buffers
};

// The invariants that a run with these parameters checks.
[[nodiscard]] unsigned checked_invariants(const ModelParams& params);
// Refuses parameters that make no sense together (kUsage).
void check_params(const ModelParams& params);
// Explores breadth first, level by level; the result does not depend on the number of threads.
[[nodiscard]] ModelResult explore(const ModelParams& params, const ModelLimits& limits);

}  // namespace stateutils::sbus
