// From a shipped pack to verdicts, in memory.
#include <doctest.h>

#include "bench/families/multiagent.hpp"
#include "bench/families/workshop.hpp"
#include "bench/pack/lint.hpp"
#include "bench/pack/shipped.hpp"
#include "bench/run/agents.hpp"
#include "bench/run/episode.hpp"

using namespace stateutils;
using namespace stateutils::bench;

namespace {

struct Office {
  Office()
      : document(std::string(find_shipped("office")->text), "office", true),
        pack(read_pack(document, store)) {
    pack.shipped = true;
  }
  Document document;
  Store store;
  Pack pack;
};

// Plays one agent on a record and tells whether it passed.
bool passes(Library& library, const TaskRecord& record, const char* agent) {
  const Document document(record.json(), "task", false);
  Task& task = library.read(document.root());
  const Judge judge(task.contract, library.store(), task.initial);
  Episode episode(task, library.store(), judge);
  core::Rng rng(1, 2);
  (void)make_agent(agent)->play(episode, 0, rng);
  return episode.verdict().strict;
}

}  // namespace

TEST_CASE("the shipped pack is clean") {
  Office office;
  for (const LintFinding& f : lint(office.pack, office.store))
    CHECK_MESSAGE(!f.error, f.place, ": ", f.message);
  CHECK(office.pack.scenarios.size() == 17);
  std::uint64_t tasks = 0;
  for (const Scenario& s : office.pack.scenarios) tasks += s.count;
  CHECK(tasks == 362);
}

TEST_CASE("every scenario: oracle passes, shortcuts and idling do not") {
  Office office;
  Library library;
  for (const Scenario& s : office.pack.scenarios) {
    PackOptions options;
    options.family = "conflict17";
    options.scenario = s.slug;
    const PackFamily family(office.pack, options);
    Workshop shop(office.pack.world_json, ValidateOptions{});
    for (std::uint64_t pair = 0; pair < 4; ++pair) {
      const Hardened done = shop.harden(family.draw(pair, 0));
      for (const Rejected& r : done.report.rejected) {
        for (const std::string& why : r.why) FAIL_CHECK(s.slug << ": " << why);
      }
      REQUIRE(done.tasks.size() == 2);
      CHECK(done.report.kill_rate() == 1);
      for (const TaskRecord& t : done.tasks) {
        CHECK(passes(library, t, "builtin:oracle"));
        CHECK(passes(library, t, "builtin:inspect-first"));
        CHECK_FALSE(passes(library, t, "builtin:noop"));
        CHECK_FALSE(passes(library, t, "builtin:blind"));
      }
    }
  }
}

TEST_CASE("pruned and unpruned search find plans of the same length") {
  Office office;
  PackOptions options;
  options.family = "conflict17";
  options.scenario = "daily_ops_commitment_loop";
  const PackFamily family(office.pack, options);
  const Draw draw = family.draw(0, 0);
  Library library;
  const Document document(draw.tasks[0].json(), "task", false);
  Task& task = library.read(document.root());
  Machine machine(*task.world, library.store(), task.initial);
  const Judge judge(task.contract, library.store(), task.initial);
  SearchOptions search;
  search.all_shortest = 8;
  const SearchResult pruned = solve(task, machine, judge, search);
  REQUIRE(pruned.end == SearchEnd::kSolved);
  CHECK(pruned.plans.size() <= 8);
  for (std::size_t i = 1; i < pruned.plans.size(); ++i) CHECK(pruned.plans[i] != pruned.plans[0]);
}

TEST_CASE("drawing depends on nothing but the tuple") {
  Office a, b;
  PackOptions options;
  options.family = "conflict17";
  const PackFamily one(a.pack, options), two(b.pack, options);
  (void)one.draw(7, 0);
  CHECK(one.draw(3, 0).tasks[0].json() == two.draw(3, 0).tasks[0].json());
  options.seed = 1;
  const PackFamily other(a.pack, options);
  CHECK(other.draw(3, 0).tasks[0].json() != two.draw(3, 0).tasks[0].json());
}

TEST_CASE("an honest store lets nothing through, a broken one is counted") {
  MultiagentOptions options;
  for (std::uint64_t i = 0; i < 6; ++i) {
    const TaskRecord record = multiagent_task(options, i);
    const Document document(record.json(), "task", false);
    MultiagentScript script = read_script(document.root());
    script.bug = StoreBug::kHonest;
    const StoreRun honest = run_script(script, i);
    CHECK(honest.clean);
    CHECK(honest.expected.ww + honest.expected.xs_commits == 0);
    CHECK(honest.expected.commits > 0);
    script.bug = StoreBug::kBlind;
    const StoreRun blind = run_script(script, i);
    CHECK_FALSE(blind.clean);
    CHECK(blind.expected.rejected == 0);
  }
}
