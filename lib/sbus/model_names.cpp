#include "core/error.hpp"
#include "sbus/model.hpp"

namespace stateutils::sbus {
namespace {

using namespace std::string_view_literals;
constexpr std::array kMutants{"no-cross-check"sv, "no-primary-check"sv, "no-own-refresh"sv,
                              "read-ahead"sv, "split-validate"sv};
constexpr std::array<std::string_view, kInvariantCount> kInvariants{
    "TypeOK",          "Ownership",    "VersionBound", "ReadSetSoundness",
    "HistoryORILegal", "NoLostUpdate", "LogNotAhead"};
constexpr std::array<std::string_view, kActionKinds> kActions{
    "Read",     "Commit", "CommitFails", "Timeout", "Stutter",
    "Validate", "Apply",  "ElectLeader", "Get",     "Recover"};

template <class Names>
unsigned bit_of(const Names& names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return 1u << i;
  }
  return 0;
}

}  // namespace

unsigned mutant_by_name(std::string_view name) {
  return bit_of(kMutants, name);
}
unsigned invariant_by_name(std::string_view name) {
  return bit_of(kInvariants, name);
}
std::string_view invariant_name(int index) {
  return kInvariants[static_cast<std::size_t>(index)];
}
std::vector<std::string> mutant_names() {
  return {kMutants.begin(), kMutants.end()};
}
std::vector<std::string> invariant_names() {
  return {kInvariants.begin(), kInvariants.end()};
}
std::string_view action_name(ActionKind kind) {
  return kActions[static_cast<std::size_t>(kind)];
}

unsigned checked_invariants(const ModelParams& params) {
  unsigned known = params.spec == Spec::kDistributed ? kDistributedInvariants : kOriInvariants;
  if (params.spec == Spec::kOri && params.history == History::kNone) known &= ~kHistoryInvariants;
  return params.invariants == 0 ? known : params.invariants & known;
}

void check_params(const ModelParams& p) {
  const auto outside = [](int value, int low, int high) { return value < low || value > high; };
  if (outside(p.agents, 1, kMaxAgents)) throw core::usage_error("--agents must be 1 to 16");
  if (outside(p.shards, 1, kMaxShards)) throw core::usage_error("--shards must be 1 to 16");
  if (outside(p.nodes, 1, kMaxNodes)) throw core::usage_error("--nodes must be 1 to 16");
  if (outside(p.max_version, 1, 255)) throw core::usage_error("--max-version must be 1 to 255");
  if (outside(p.retry_budget, 0, 255)) throw core::usage_error("--retry-budget must be 0 to 255");
  if (outside(p.max_term, 0, 255)) throw core::usage_error("--max-term must be 0 to 255");
  for (int i = 0; i < kInvariantCount; ++i) {
    const unsigned bit = 1u << i;
    if ((p.invariants & bit) == 0) continue;
    const std::string name(invariant_name(i));
    if (p.spec == Spec::kOri && p.history == History::kNone && (bit & kHistoryInvariants) != 0) {
      throw core::usage_error("--invariant " + name +
                              " reads the history: not with --history none");
    }
    ModelParams all = p;
    all.invariants = 0;
    if ((checked_invariants(all) & bit) == 0) {
      throw core::usage_error("--invariant " + name + " does not belong to this --spec");
    }
  }
  if (p.spec == Spec::kDistributed) {
    if (p.mutants != 0) throw core::usage_error("--mutant changes the spec ori only");
    if (p.symmetry == Symmetry::kAgentsShards) {
      throw core::usage_error("--symmetry agents+shards belongs to the spec ori");
    }
  } else if (p.reach_non_fresh_commit) {
    throw core::usage_error("--reach NonFreshCommit belongs to --spec distributed");
  }
}

}  // namespace stateutils::sbus
