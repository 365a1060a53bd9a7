// Known answers of the policy formulas and of the small models.
#include "kv/formulas.hpp"

#include <doctest.h>

#include <cmath>

#include "core/error.hpp"
#include "kv/compare.hpp"
#include "kv/explain.hpp"

namespace stateutils::kv {
namespace {

TEST_CASE("Continuum's retention time") {
  const std::vector<double> samples = {0.5, 1, 1, 4};
  CHECK(choose_ttl(samples, 0.4).ttl == 0);
  CHECK(choose_ttl(samples, 3).ttl == 1);
  CHECK(choose_ttl(samples, 3).score == 1.25);
  CHECK(choose_ttl(samples, 10).score == 6.5);
  CHECK(choose_ttl(samples, 20).ttl == 4);
  CHECK(choose_ttl(samples, 20).score == 16);
  CHECK(choose_ttl({}, std::exp(2.0)).ttl == doctest::Approx(2));
  CHECK(choose_ttl({}, 0).ttl == 0);
}

TEST_CASE("Continuum's eta") {
  CHECK(turn_eta({5, 5, 5}) == 1);
  CHECK(turn_eta({2, 4, 8}) == doctest::Approx(0.375).epsilon(1e-12));
  CHECK(turn_eta({3, 10}) == doctest::Approx(0.502257).epsilon(1e-6));
  CHECK(turn_eta({}) == 1);
  CHECK(turn_eta({1, 2}) == 1);
}

TEST_CASE("KVFlow's steps to execution") {
  StepGraph graph{"A", {{"A", "B"}, {"B", "C"}, {"B", "D"}, {"C", "E"}, {"D", "E"}}, {}, {}};
  CHECK(steps_to_execution(graph).at("E") == 3);
  graph.edges.emplace_back("F", "E");
  graph.all_of = {"E"};
  graph.known = {{"F", 5}};
  const auto steps = steps_to_execution(graph);
  CHECK(steps.at("B") == 1);
  CHECK(steps.at("C") == 2);
  CHECK(steps.at("D") == 2);
  CHECK(steps.at("E") == 6);
  graph.edges.emplace_back("E", "A");  // a loop back changes nothing
  CHECK(steps_to_execution(graph) == steps);
}

TEST_CASE("Mooncake's reload rule") {
  const ReloadRule a100 = reload_rule(8192, 8192, 80, 8, 2, 8 * 312e12);
  CHECK(a100.min_bandwidth == doctest::Approx(5.859e9).epsilon(1e-3));
  CHECK(a100.prefill_flops == 1143492092887040.0);
  CHECK(reload_rule(8192, 8192, 80, 8, 2, 8 * 989e12).min_bandwidth ==
        doctest::Approx(18.57e9).epsilon(1e-3));
}

TEST_CASE("all-reduce times") {
  CHECK(all_reduce_seconds("ring", 4, 400, 1, 100) == 2 * 3 * (1 + 1.0));
  CHECK(all_reduce_seconds("oneshot", 4, 400, 1, 100) == 13);
  CHECK(all_reduce_seconds("twoshot", 4, 400, 1, 100) == 8);
  CHECK(all_reduce_seconds("tree", 4, 400, 1, 100) == 20);
  CHECK(all_reduce_seconds("ring", 1, 400, 1, 100) == 0);
  // A loss is certain long before two peers are done: 1 / churn, and one peer needs no time.
  CHECK(all_reduce_with_churn("ring", 2, 1e9, 1, 1, 10) == doctest::Approx(0.1));
  CHECK(all_reduce_with_churn("ring", 8, 1e6, 1e-6, 1e9, 1e-9) ==
        doctest::Approx(all_reduce_seconds("ring", 8, 1e6, 1e-6, 1e9)));
}

TEST_CASE("explain refuses what it does not know") {
  CHECK(explain("eta", R"({"lengths":[2,4,8]})", "f") == R"({"eta":0.375})");
  for (const char* text : {"[1]", "{}", R"({"lengths":[-1]})", R"({"lengths":[2],"more":1})"}) {
    CHECK_THROWS_AS(static_cast<void>(explain("eta", text, "f")), core::Error);
  }
}

TEST_CASE("compare judges numbers and shows the rest") {
  const auto within = [](const char* a, const char* b, std::vector<Tolerance> tolerances = {}) {
    return compare_results(a, "a", b, "b", tolerances).within;
  };
  CHECK(within(R"({"x":1,"version":"1"})", R"({"x":1.0,"version":"2"})"));
  CHECK_FALSE(within(R"({"x":1})", R"({"x":1.1})"));
  CHECK(within(R"({"x":{"p":1}})", R"({"x":{"p":1.1}})", {parse_tolerance("x=0.1")}));
  CHECK_FALSE(within(R"({"x":{"p":1}})", R"({"x":{"p":1.1}})", {parse_tolerance("y=0.1")}));
  CHECK_FALSE(within(R"({"x":1})", "{}"));
  CHECK(within("{\"x\":1}\n{\"x\":2}\n", "{\"x\":1}\n{\"x\":2}\n"));
  CHECK_THROWS_AS(static_cast<void>(within("{\"x\":1}\n{\"x\":2}\n", "{\"x\":1}\n")), core::Error);
}

}  // namespace
}  // namespace stateutils::kv
