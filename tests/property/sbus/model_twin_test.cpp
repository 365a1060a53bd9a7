// The packed search against plain twins: the general search over explicit states, and a search
// without any symmetry that counts orbits by trying every renaming.
#include <doctest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "sbus/byte_spec.hpp"
#include "sbus/model.hpp"
#include "sbus/ori_state.hpp"
#include "sbus/packed_ori.hpp"
#include "sbus/packed_search.hpp"

using namespace stateutils::sbus;

namespace {

std::vector<ModelParams> small_models() {
  std::vector<ModelParams> all;
  for (unsigned mutants = 0; mutants < 32; ++mutants) {
    for (const auto history : {History::kFull, History::kInline, History::kNone}) {
      for (const auto symmetry : {Symmetry::kAgents, Symmetry::kNone}) {
        ModelParams p;
        p.agents = 2 + static_cast<int>(mutants % 2);
        p.shards = 2;
        p.max_version = p.agents == 2 ? 2 : 1;
        p.retry_budget = 1;
        p.history = history;
        p.symmetry = symmetry;
        p.mutants = mutants;
        all.push_back(p);
      }
    }
  }
  return all;
}

void check_equal(const ModelResult& a, const ModelResult& b) {
  CHECK(a.levels == b.levels);
  CHECK(a.generated == b.generated);
  CHECK(a.actions == b.actions);
  REQUIRE(a.violations.size() == b.violations.size());
  for (std::size_t i = 0; i < a.violations.size(); ++i) {
    CHECK(a.violations[i].invariant == b.violations[i].invariant);
    CHECK(a.violations[i].depth == b.violations[i].depth);
    REQUIRE(a.violations[i].trace.size() == b.violations[i].trace.size());
    for (std::size_t j = 0; j < a.violations[i].trace.size(); ++j) {
      CHECK(a.violations[i].trace[j].state == b.violations[i].trace[j].state);
    }
  }
}

// Distinct orbits by brute force: every state reachable without symmetry, renamed in all ways.
std::size_t orbits(const ModelParams& params, bool shards_too) {
  ModelParams plain = params;
  plain.symmetry = Symmetry::kNone;
  std::set<std::string> seen{ori_bytes(plain, ori_initial(plain))};
  std::vector<std::string> todo(seen.begin(), seen.end());
  while (!todo.empty()) {
    const OriState state = ori_from_bytes(plain, todo.back());
    todo.pop_back();
    ori_steps(plain, state, [&](const OriStep&, const OriState& next) {
      std::string bytes = ori_bytes(plain, next);
      if (seen.insert(bytes).second) todo.push_back(std::move(bytes));
    });
  }
  std::vector<std::size_t> agents(static_cast<std::size_t>(params.agents));
  std::vector<std::size_t> shards(static_cast<std::size_t>(params.shards));
  std::set<std::string> representatives;
  for (const std::string& bytes : seen) {
    const OriState state = ori_from_bytes(plain, bytes);
    std::string best;
    std::iota(shards.begin(), shards.end(), 0);
    do {
      std::iota(agents.begin(), agents.end(), 0);
      do {
        OriState renamed;
        for (std::size_t s = 0; s < shards.size(); ++s) renamed.reg[s] = state.reg[shards[s]];
        std::vector<std::uint8_t> new_agent(agents.size()), new_shard(shards.size());
        for (std::size_t s = 0; s < shards.size(); ++s) {
          new_shard[shards[s]] = static_cast<std::uint8_t>(s);
        }
        for (std::size_t a = 0; a < agents.size(); ++a) {
          new_agent[agents[a]] = static_cast<std::uint8_t>(a);
          OriAgent& agent = renamed.agent[a];
          agent = state.agent[agents[a]];
          if (agent.pending != 0) {
            agent.pending = static_cast<std::uint8_t>(new_shard[agent.pending - 1u] + 1);
          }
          for (std::size_t s = 0; s < shards.size(); ++s) {
            renamed.agent[a].delivered[s] = state.agent[agents[a]].delivered[shards[s]];
          }
        }
        for (const HistoryEntry& entry : state.history) {
          HistoryEntry copy = entry;
          copy.agent = new_agent[entry.agent];
          copy.shard = new_shard[entry.shard];
          for (std::size_t s = 0; s < shards.size(); ++s) {
            copy.delivered[s] = entry.delivered[shards[s]];
            copy.reg[s] = entry.reg[shards[s]];
          }
          renamed.history.push_back(copy);
        }
        std::string candidate = ori_bytes(plain, renamed);
        if (best.empty() || candidate < best) best = std::move(candidate);
      } while (std::next_permutation(agents.begin(), agents.end()));
    } while (shards_too && std::next_permutation(shards.begin(), shards.end()));
    representatives.insert(best);
  }
  return representatives.size();
}

}  // namespace

TEST_CASE("packed and general search agree under every mutant, at any thread count") {
  for (const ModelParams& params : small_models()) {
    CAPTURE(params.mutants);
    CAPTURE(static_cast<int>(params.history));
    CAPTURE(static_cast<int>(params.symmetry));
    ModelLimits limits;
    limits.trace = true;
    REQUIRE(packed_search_applies(params));
    const ModelResult one = packed_search(params, limits);
    check_equal(one, byte_search(params, limits));
    limits.threads = 7;
    check_equal(one, packed_search(params, limits));
  }
}

TEST_CASE("thread counts that do share work") {
  ModelParams params;
  params.max_version = 2;
  params.retry_budget = 1;
  ModelLimits limits;
  const ModelResult one = packed_search(params, limits);
  CHECK(one.distinct == 134'708);
  for (const int threads : {2, 7}) {
    limits.threads = threads;
    check_equal(one, packed_search(params, limits));
  }
  params.symmetry = Symmetry::kAgentsShards;
  params.agents = 2;
  limits.threads = 1;
  const ModelResult bytes = byte_search(params, limits);
  limits.threads = 3;
  check_equal(bytes, byte_search(params, limits));
}

TEST_CASE("orbits are those of all renamings") {
  ModelParams params;
  params.agents = 3;
  params.max_version = 1;
  params.retry_budget = 1;
  for (const auto history : {History::kFull, History::kNone}) {
    for (const unsigned mutants : {0u, static_cast<unsigned>(kSplitValidate)}) {
      params.history = history;
      params.mutants = mutants;
      params.invariants = kTypeOk;  // explore it all
      params.symmetry = Symmetry::kAgents;
      CHECK(explore(params, {}).distinct == orbits(params, false));
      params.symmetry = Symmetry::kAgentsShards;
      CHECK(explore(params, {}).distinct == orbits(params, true));
    }
  }
}

TEST_CASE("words of 64 and 128 bits hold the same states") {
  ModelParams params;
  params.agents = 2;
  params.max_version = 2;
  params.retry_budget = 1;
  params.mutants = kNoPrimaryCheck;
  const PackedOri<Word64> narrow(params);
  const PackedOri<Word128> wide(params);
  OriState state = ori_initial(params);
  std::uint64_t random = 1;
  for (int i = 0; i < 2000; ++i) {
    const OriState canonical = ori_canonical(params, state);
    const std::string bytes = ori_bytes(params, canonical);
    CHECK(ori_bytes(params, narrow.unpack(narrow.pack(canonical))) == bytes);
    CHECK(wide.pack(canonical) == narrow.pack(canonical));
    std::vector<OriState> next;
    ori_steps(params, state, [&](const OriStep&, const OriState& s) { next.push_back(s); });
    random = random * 6364136223846793005u + 1442695040888963407u;
    state = next[(random >> 33) % next.size()];
    if (std::none_of(state.agent.begin(), state.agent.begin() + 2,
                     [](const OriAgent& a) { return a.alive; })) {
      state = ori_initial(params);
    }
  }
}
