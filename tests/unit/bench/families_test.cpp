// Families with known answers: imported machines, knapsacks, routes, constraint systems.
#include <doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/families/fsm/fsm_model.hpp"
#include "bench/families/small/mpi.hpp"
#include "bench/families/small/routing_check.hpp"
#include "bench/families/small/small.hpp"
#include "bench/families/workshop.hpp"
#include "bench/pack/pack.hpp"
#include "bench/run/agents.hpp"
#include "bench/run/episode.hpp"
#include "bench/solve/packed.hpp"
#include "core/input.hpp"

using namespace stateutils;
using namespace stateutils::bench;
using nlohmann::json;

namespace {

std::string data(const std::string& name) {
  return core::read_file(std::string(TESTDATA_DIR) + "/gen-bench/" + name, 64u << 20);
}

struct Played {
  bool strict = false;
  double quality = -1;
};

Played play(const std::string& record, const Plan& plan) {
  Library library;
  const Document document(record, "task", false);
  Task& task = library.read(document.root());
  const Judge judge(task.contract, library.store(), task.initial);
  Episode episode(task, library.store(), judge);
  (void)play_plan(episode, plan);
  const Verdict v = episode.verdict();
  return {v.strict, v.quality.value_or(-1)};
}

}  // namespace

TEST_CASE("rings have the known numbers of states and steps") {
  const json expected = json::parse(data("fsm/expected.json"));
  for (const char* name : {"ring_4_3", "ring_8_4", "ring_11_4"}) {
    const Document document(data(std::string("fsm/") + name + ".json"), name, false);
    std::string facts;
    const std::string text = fsm_pack(import_autowebworld(document).model, 1'000'000, facts);
    const json found = json::parse(facts);
    CHECK(found["states"] == expected[name]["states"]);
    CHECK(found["shortest_goal_steps"] == expected[name]["shortest_goal_steps"]);
    // The solver agrees, and so does the search that knows nothing of bits (on the small ring).
    Store store;
    const Document pack_text(text, name, false);
    const Pack pack = read_pack(pack_text, store);
    PackOptions options;
    options.family = "fsm";
    const TaskRecord record = PackFamily(pack, options).draw(0, 0).tasks.front();
    Library library;
    const Document task_text(record.json(), "task", false);
    Task& task = library.read(task_text.root());
    Machine machine(*task.world, library.store(), task.initial);
    const Judge judge(task.contract, library.store(), task.initial);
    SearchOptions search;
    const SearchResult packed = solve(task, machine, judge, search);
    REQUIRE(packed.end == SearchEnd::kSolved);
    CHECK(packed.states == expected[name]["states"].get<std::uint64_t>());
    CHECK(packed.steps == expected[name]["shortest_goal_steps"].get<int>());
    if (std::string(name) != "ring_4_3") continue;
    search.prune = false;
    search.all_shortest = 50;
    const SearchResult plain = solve(task, machine, judge, search);
    search.prune = true;
    const SearchResult many = solve(task, machine, judge, search);
    CHECK(plain.states == packed.states);
    CHECK(plain.plans == many.plans);
    CHECK(many.plans.front() == packed.plans.front());
  }
}

TEST_CASE("automata in DOT have the known facts") {
  const json expected = json::parse(data("dot/expected.json"));
  for (const auto& item : expected.items()) {
    const FsmImport import = import_dot(data("dot/" + item.key()), item.key());
    CHECK_MESSAGE(json::parse(import.facts) == item.value(), item.key());
    std::string unused = import.facts;
    CHECK_FALSE(fsm_pack(import.model, 100'000, unused).empty());
  }
}

TEST_CASE("nondeterministic and malformed models are refused with their line") {
  const auto why = [](const std::string& text) -> std::string {
    try {
      (void)import_dot(text, "m.dot");
    } catch (const core::Error& e) {
      return e.what();
    }
    return "";
  };
  CHECK(why("digraph g {\na -> b [label=x];\na -> c [label=x];\n}").find("m.dot:3: state \"a\"") !=
        std::string::npos);
  CHECK(why("digraph g {\na -> b [label=x]\n").find("m.dot:") != std::string::npos);
  CHECK(why("graph g { a -- b }").find("digraph") != std::string::npos);
  CHECK(why("digraph g { }").find("no states") != std::string::npos);
}

TEST_CASE("knapsack records: the known optimum is found, less is less") {
  std::istringstream lines(data("vectors/knapsack.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const json record = json::parse(line);
    Library library;
    const Document document(line, "task", false);
    const Task& task = library.read(document.root());
    REQUIRE(task.reference.size() == 1);
    const Played best = play(line, task.reference.front());
    CHECK(best.strict);
    CHECK(best.quality == 1);
    Plan known;
    for (const auto& id : record["reference"]["optimal_set"]) {
      known.push_back("take " + id.get<std::string>());
    }
    known.emplace_back("finish");
    CHECK(play(line, known).quality == 1);
    known.erase(known.begin());
    CHECK(play(line, known).quality < 1);
    CHECK(play(line, {}).quality == 0);
    Plan all;
    for (const auto& id : record["public"]["item_ids"]) {
      all.push_back("take " + id.get<std::string>());
    }
    CHECK(play(line, all).quality == 0);  // far too heavy, and of all classes
  }
}

TEST_CASE("routing: every known outcome") {
  std::size_t success = 0, demoted = 0, escalated = 0;
  std::int64_t reroutes = 0, decisions = 0, react = 0;
  const Document document(data("vectors/tool_routing.json"), "routing", false);
  document.root().items([&](const Cursor& record) {
    const RoutingTask task = read_routing(record);
    const RoutingTrial trial = route(task, false);
    CHECK(trial == read_expected(record.at("expected")));
    success += trial.outcome == "success";
    demoted += trial.outcome == "demoted";
    escalated += trial.outcome == "escalated";
    reroutes += trial.reroutes;
    decisions += trial.llm_calls;
    react += route(task, true).llm_calls;
  });
  CHECK(success == 10);
  CHECK(demoted == 3);
  CHECK(escalated == 6);
  CHECK(reroutes == 21);
  CHECK(decisions == 10);
  CHECK(react > 5 * decisions);
}

TEST_CASE("routing: two searches agree, and what went wrong somewhere is told apart") {
  const Document document(data("vectors/tool_routing.json"), "routing", false);
  std::size_t blind = 0;
  document.root().items([&](const Cursor& record) {
    const Validation v = validate_routing(record, {});
    CHECK(v.plans_accepted == 1);
    CHECK(v.survivors.empty());
    CHECK(v.killed + v.equivalent == v.mutants);
    CHECK_FALSE(v.noop);
    blind += v.blind;
  });
  CHECK(blind < 19);
  for (std::uint64_t index = 0; index < 60; ++index) {
    SmallDraw drawn = make_small({"routing", "medium", 4, {}}, index, 0);
    const Hardened done = harden_routing(std::move(drawn.draw), {});
    for (const Rejected& r : done.report.rejected) {
      CHECK(r.why == std::vector<std::string>{"the plan that never looks passes"});
    }
    CHECK(done.report.kill_rate() == 1);
  }
}

TEST_CASE("routing: expected trips that are not the right ones are refused") {
  const json record = json::parse(data("vectors/tool_routing.json"))[0];
  const auto why = [&](const char* key, const json& value) {
    json changed = record;
    changed["expected"][key] = value;
    const Document document(changed.dump(), "routing", false);
    return validate_routing(document.root(), {}).why;
  };
  CHECK(why("cost", 1000).front() == "the record's expected trip is not the cheapest");
  CHECK(why("calls", json::array()).front() == "the record's expected trip is not the cheapest");
  CHECK(why("outcome", "escalated").front() == "the record's expected trip is not the cheapest");
  CHECK(why("reroutes", 7).front() == "the record's expected trip is not the cheapest");
}

TEST_CASE("constraint systems: verdicts and minimal unsatisfiable subsets") {
  for (json system : json::parse(data("vectors/constraint_paradox.json"))) {
    system["family"] = "paradox";
    const std::string record = system.dump();
    const auto answer = [&](const json& a) { return play(record, {"done " + a.dump()}).strict; };
    std::vector<std::string> ids;
    for (const auto& c : system["constraints"]) ids.push_back(c["id"]);
    for (const auto& mus : system["muses"]) {
      json subset = json::array();
      for (const auto& i : mus) subset.push_back(ids[i.get<std::size_t>()]);
      CHECK(answer({{"verdict", "infeasible"}, {"mus", subset}}));
      subset.erase(subset.begin());
      CHECK_FALSE(answer({{"verdict", "infeasible"}, {"mus", subset}}));
    }
    CHECK_FALSE(answer({{"verdict", "infeasible"}, {"mus", ids}}));
    Library library;
    const Document document(record, "task", false);
    const Task& task = library.read(document.root());
    CHECK(play(record, task.reference.front()).strict);
    const bool feasible = task.reference.front().front().find("infeasible") == std::string::npos;
    CHECK(feasible == system["feasible"].get<bool>());
  }
}

TEST_CASE(
    "every small family: what is emitted is validated, and drawing is a function of the index") {
  for (const char* family : {"fsm", "knapsack", "listops", "mpi", "paradox"}) {
    SmallOptions options;
    options.family = family;
    std::size_t emitted = 0;
    for (std::uint64_t i = 0; i < 9; ++i) {
      SmallDraw drawn = make_small(options, i, 0), again = make_small(options, i, 0);
      CHECK(drawn.draw.tasks.front().json() == again.draw.tasks.front().json());
      Workshop shop(drawn.world, ValidateOptions{});
      const Hardened done = shop.harden(std::move(drawn.draw));
      emitted += done.tasks.size();
      CHECK_MESSAGE(done.report.kill_rate() == 1, family, " ", i);
      for (const Rejected& r : done.report.rejected) {
        for (const std::string& why : r.why) MESSAGE(family << " " << i << ": " << why);
      }
    }
    CHECK_MESSAGE(emitted >= 6, family);
  }
}

TEST_CASE("MPI calls are found where they are code, and come back as they were") {
  const std::string source =
      "#define X MPI_Init(0, 0)\n// MPI_Send(a)\nint e = MPI_Send(f(1, 2),\n  \"MPI_Recv(\", 3);\n"
      "/* MPI_Bcast(x) */ MPI_Comm c = MPI_COMM_WORLD; MPI_Barrier (c);\n";
  const StrippedSource stripped = strip_mpi(source);
  REQUIRE(stripped.calls.size() == 2);
  CHECK(stripped.calls[0].line == 3);
  CHECK(stripped.calls[0].function() == "MPI_Send");
  CHECK(stripped.calls[0].arguments() == "f(1,2),\"MPI_Recv(\",3");
  CHECK(stripped.calls[1].line == 5);
  CHECK(restore_mpi(stripped) == source);
  CHECK(std::count(stripped.text.begin(), stripped.text.end(), '\n') == 5);
  const MpiScores near = score_mpi(stripped.calls, {{4, "MPI_Send(x)"}, {5, "MPI_Barrier(c)"}});
  CHECK(near.function == 1);
  CHECK(near.place == 1);
  CHECK(near.arguments == 0.5);
}
