// Searches and learners against slower twins.
#include <doctest.h>

#include <map>
#include <set>

#include "bench/families/fsm/fsm_model.hpp"
#include "bench/families/pack_family.hpp"
#include "bench/learn/merge_graph.hpp"
#include "bench/pack/pack.hpp"
#include "bench/solve/packed.hpp"
#include "bench/solve/solve.hpp"

using namespace stateutils;
using namespace stateutils::bench;

namespace {

std::string first_task(const FsmModel& model) {
  std::string facts;
  const std::string text = fsm_pack(model, 1'000'000, facts);
  Store store;
  const Document document(text, "pack", false);
  const Pack pack = read_pack(document, store);
  if (pack.scenarios.empty()) return {};
  PackOptions options;
  options.family = "fsm";
  return PackFamily(pack, options).draw(0, 0).tasks.front().json();
}

}  // namespace

TEST_CASE("bits, rows, A* and both ways: the same shortest plans on random sites") {
  std::size_t solved = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    core::Rng rng(seed, 17);
    const std::string record = first_task(random_site({6, 3, 3, 7}, rng));
    if (record.empty()) continue;
    Library library;
    const Document document(record, "task", false);
    Task& task = library.read(document.root());
    Machine machine(*task.world, library.store(), task.initial);
    const Judge judge(task.contract, library.store(), task.initial);
    SearchOptions options;
    options.all_shortest = 20;
    const SearchResult packed = solve(task, machine, judge, options);
    REQUIRE(packed.end == SearchEnd::kSolved);
    options.prune = false;
    const SearchResult plain = solve(task, machine, judge, options);
    REQUIRE(plain.end == SearchEnd::kSolved);
    CHECK(plain.steps == packed.steps);
    CHECK(plain.plans == packed.plans);
    CHECK(plain.states == packed.states);
    options.prune = true;
    options.all_shortest = 1;
    for (const Algorithm a : {Algorithm::kBfs, Algorithm::kBibfs, Algorithm::kAstar}) {
      options.algorithm = a;
      const SearchResult found = solve(task, machine, judge, options);
      REQUIRE(found.end == SearchEnd::kSolved);
      CHECK(found.steps == packed.steps);
      Id state = task.initial;
      Result result;
      for (const std::string& line : found.plans.front()) {
        machine.run(state, line, 0, result);
        CHECK(result.exit == 0);
        state = result.state;
      }
      CHECK(judge.accepts(state, ""));
      if (a == Algorithm::kBfs) CHECK(found.plans.front() == packed.plans.front());
    }
    ++solved;
  }
  CHECK(solved >= 8);
}

TEST_CASE("a prefix tree counts what a map of prefixes counts, and undo restores it") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    core::Rng rng(seed, 3);
    Strings sample;
    sample.alphabet = 3;
    std::map<std::vector<Symbol>, std::uint32_t> visits;
    for (int i = 0; i < 60; ++i) {
      std::vector<Symbol> s(rng.below(7));
      for (Symbol& a : s) a = static_cast<Symbol>(rng.below(3));
      for (std::size_t n = 0; n <= s.size(); ++n) {
        ++visits[std::vector<Symbol>(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(n))];
      }
      sample.symbols.insert(sample.symbols.end(), s.begin(), s.end());
      sample.begin.push_back(sample.symbols.size());
      sample.labels.push_back(static_cast<std::int8_t>(rng.below(2)));
    }
    MergeGraph graph(sample);
    REQUIRE(graph.size() == visits.size());
    // Breadth-first numbering is shortlex order.
    std::vector<std::vector<Symbol>> words(1);
    for (StateId s = 0; s < graph.size(); ++s) {
      CHECK(graph.state(s).visits == visits.at(words[s]));
      for (EdgeId e = graph.state(s).first; e != kNoState; e = graph.transition(e).next) {
        CHECK(graph.transition(e).target == words.size());
        words.push_back(words[s]);
        words.back().push_back(static_cast<Symbol>(graph.transition(e).symbol));
      }
    }
    const auto total = [&] {
      std::uint64_t sum = 0;
      for (StateId s = 0; s < graph.size(); ++s) {
        sum = sum * 31 + graph.state(s).visits + graph.state(s).stops * 7;
        for (EdgeId e = graph.state(s).first; e != kNoState; e = graph.transition(e).next) {
          sum = sum * 31 + graph.transition(e).count + graph.transition(e).target;
        }
      }
      return sum;
    };
    const std::uint64_t before = total();
    const EdgeId edge = graph.state(0).first;
    (void)graph.fold(
        edge, 0, [](StateId, StateId) { return true; }, [](StateId) { return true; });
    CHECK(graph.state(0).visits > 60);
    graph.undo(0);
    CHECK(total() == before);
  }
}
