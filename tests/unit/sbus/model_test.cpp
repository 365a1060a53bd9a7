#include "sbus/model.hpp"

#include <doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.hpp"

using namespace stateutils;
using sbus::History;
using sbus::ModelLimits;
using sbus::ModelParams;
using sbus::ModelResult;
using sbus::Symmetry;

namespace {

ModelParams params(int agents, int shards, int versions, int retries, History history) {
  ModelParams p;
  p.agents = agents;
  p.shards = shards;
  p.max_version = versions;
  p.retry_budget = retries;
  p.history = history;
  return p;
}

ModelParams mutant(unsigned which) {
  ModelParams p = params(2, 2, 2, 1, History::kFull);
  p.mutants = which;
  return p;
}

std::string text(const std::vector<sbus::TraceStep>& trace) {
  std::string out;
  for (const sbus::TraceStep& step : trace) {
    if (step.action == "Init") continue;
    out += out.empty() ? "" : " ";
    out += step.action + '(';
    for (const std::string& arg : step.args) out += (out.back() == '(' ? "" : ",") + arg;
    out += ')';
  }
  return out;
}

ModelResult traced(const ModelParams& p) {
  ModelLimits limits;
  limits.trace = true;
  return sbus::explore(p, limits);
}

}  // namespace

TEST_CASE("the known sizes of the state space") {
  std::ifstream file(TESTDATA_DIR "/sbus-check/model_counts.csv");
  REQUIRE(file);
  std::string line;
  std::getline(file, line);
  int rows = 0;
  while (std::getline(file, line)) {
    CAPTURE(line);
    for (char& c : line) c = c == ',' ? ' ' : c;
    std::istringstream fields(line);
    int agents = 0, shards = 0, versions = 0, retries = 0, full = 0;
    std::uint64_t distinct = 0, generated = 0, depth = 0;
    fields >> agents >> shards >> versions >> retries >> full >> distinct >> generated >> depth;
    REQUIRE(fields);
    // The largest row takes seconds and is an example of the man page.
    if (distinct > 3'000'000) continue;
    ++rows;
    const auto p =
        params(agents, shards, versions, retries, full != 0 ? History::kFull : History::kNone);
    const ModelResult result = sbus::explore(p, {});
    CHECK(result.distinct == distinct);
    CHECK(result.generated == generated);
    CHECK(result.levels.size() == depth);
    CHECK(result.exact);
    CHECK(result.complete);
    CHECK(result.violations.empty());
  }
  CHECK(rows >= 26);
}

TEST_CASE("history inline explores the states without history and checks it on the way") {
  const ModelResult result = sbus::explore(params(3, 2, 3, 2, History::kInline), {});
  CHECK(result.distinct == 88'848);
  CHECK(result.generated == 624'262);
  CHECK(result.levels.size() == 20);
  ModelParams p = mutant(sbus::kNoPrimaryCheck);
  p.history = History::kInline;
  const ModelResult found = traced(p);
  REQUIRE(found.violations.size() == 1);
  CHECK(found.violations[0].invariant == sbus::kNoLostUpdate);
  CHECK(text(found.violations[0].trace) == "Commit(a1,s1) Commit(a2,s1)");
}

TEST_CASE("each mutant breaks what it should, by a shortest trace") {
  struct Expected {
    unsigned mutant, invariant;
    const char* trace;
  };
  const Expected cases[] = {
      {sbus::kNoCrossCheck, sbus::kHistoryOriLegal, "Commit(a1,s1) Commit(a2,s2)"},
      {sbus::kNoPrimaryCheck, sbus::kNoLostUpdate, "Commit(a1,s1) Commit(a2,s1)"},
      {sbus::kReadAhead, sbus::kReadSetSoundness, "Read(a1,s1)"},
      {sbus::kSplitValidate, sbus::kHistoryOriLegal,
       "Validate(a1,s1) Validate(a2,s2) Apply(a1,s1) Apply(a2,s2)"},
  };
  for (const Expected& expected : cases) {
    CAPTURE(expected.trace);
    const ModelResult result = traced(mutant(expected.mutant));
    REQUIRE(result.violations.size() == 1);
    CHECK(result.violations[0].invariant == expected.invariant);
    CHECK(text(result.violations[0].trace) == expected.trace);
    CHECK(result.violations[0].depth == result.violations[0].trace.size());
  }
}

TEST_CASE("mutants that the published invariants do not see") {
  ModelParams p = mutant(sbus::kNoPrimaryCheck);
  p.invariants = sbus::kOriInvariants & ~sbus::kNoLostUpdate;
  const ModelResult published = sbus::explore(p, {});
  CHECK(published.violations.empty());
  CHECK(published.distinct == 5'795);
  CHECK(published.generated == 22'657);
  CHECK(published.levels.size() == 13);
  const ModelResult no_refresh = sbus::explore(mutant(sbus::kNoOwnRefresh), {});
  CHECK(no_refresh.violations.empty());
  CHECK(no_refresh.distinct == 13'315);
  CHECK(no_refresh.generated == 55'921);
  CHECK(no_refresh.levels.size() == 17);
}

TEST_CASE("the distributed spec") {
  struct Row {
    int nodes, agents, shards, versions;
    std::uint64_t distinct, generated, depth, orbits, orbits_generated;
  };
  const Row rows[] = {{3, 1, 1, 1, 679, 1993, 12, 156, 466},
                      {3, 1, 1, 2, 2305, 7675, 14, 472, 1602},
                      {3, 1, 2, 1, 9391, 36967, 13, 0, 0},
                      {2, 2, 1, 1, 1567, 5071, 13, 424, 1404}};
  for (const Row& row : rows) {
    CAPTURE(row.distinct);
    ModelParams p = params(row.agents, row.shards, row.versions, 0, History::kNone);
    p.spec = sbus::Spec::kDistributed;
    p.nodes = row.nodes;
    p.symmetry = Symmetry::kNone;
    const ModelResult all = sbus::explore(p, {});
    CHECK(all.distinct == row.distinct);
    CHECK(all.generated == row.generated);
    CHECK(all.levels.size() == row.depth);
    CHECK(all.violations.empty());
    if (row.orbits == 0) continue;
    p.symmetry = Symmetry::kAgents;
    const ModelResult orbits = sbus::explore(p, {});
    CHECK(orbits.distinct == row.orbits);
    CHECK(orbits.generated == row.orbits_generated);
    CHECK(orbits.levels.size() == row.depth);
  }
}

TEST_CASE("a commit with an empty log is reachable after an election") {
  ModelParams p = params(1, 1, 1, 0, History::kNone);
  p.spec = sbus::Spec::kDistributed;
  p.reach_non_fresh_commit = true;
  const ModelResult result = traced(p);
  CHECK(result.reached);
  CHECK(text(result.goal_trace) == "ElectLeader(n1) Commit(a1,s1)");
  p.max_term = 0;
  CHECK_FALSE(traced(p).reached);
}

TEST_CASE("symmetry over shards leaves one of two mirrored states") {
  ModelParams p = params(1, 2, 1, 0, History::kFull);
  p.symmetry = Symmetry::kAgentsShards;
  // By hand: the alive agent after 0, 1, 2 commits, and each of these timed out.
  CHECK(sbus::explore(p, {}).distinct == 6);
  p.shards = 16;
  CHECK(sbus::explore(p, {}).distinct == 2 * 17);
}

TEST_CASE("a search that is cut short counts whole levels") {
  ModelLimits limits;
  limits.max_states = 400;
  for (const int threads : {1, 2, 7}) {
    limits.threads = threads;
    const ModelResult result = sbus::explore(params(3, 2, 3, 2, History::kFull), limits);
    CHECK_FALSE(result.complete);
    CHECK(result.cut_by == "max-states");
    CHECK(result.distinct == 1 + 3 + 13 + 59 + 242);
  }
  limits = {};
  limits.memory = 1 << 20;
  const ModelResult result = sbus::explore(params(3, 2, 3, 2, History::kFull), limits);
  CHECK_FALSE(result.complete);
  CHECK(result.cut_by == "mem");
}

TEST_CASE("a search that spills counts the same") {
  const std::string folder = std::filesystem::temp_directory_path() /
                             ("stateutils-spill-test-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  ModelLimits limits;
  limits.spill = folder;
  const ModelParams p = params(3, 2, 2, 1, History::kFull);
  const ModelResult plain = sbus::explore(p, {});
  for (const int threads : {1, 3}) {
    limits.threads = threads;
    limits.memory = plain.memory_peak;
    const ModelResult spilled = sbus::explore(p, limits);
    CHECK(spilled.complete);
    CHECK(spilled.levels == plain.levels);
    CHECK(spilled.generated == plain.generated);
  }
  CHECK(std::filesystem::is_empty(folder));
  std::filesystem::remove(folder);
}

TEST_CASE("parameters that make no sense together are usage errors") {
  ModelParams p = params(2, 2, 2, 1, History::kNone);
  p.invariants = sbus::kNoLostUpdate;
  CHECK_THROWS_AS(sbus::check_params(p), core::Error);
  p = params(17, 2, 2, 1, History::kFull);
  CHECK_THROWS_AS(sbus::check_params(p), core::Error);
  p = params(2, 2, 2, 1, History::kFull);
  p.reach_non_fresh_commit = true;
  CHECK_THROWS_AS(sbus::check_params(p), core::Error);
  p = params(2, 2, 2, 1, History::kFull);
  p.invariants = sbus::kLogNotAhead;
  CHECK_THROWS_AS(sbus::check_params(p), core::Error);
}
