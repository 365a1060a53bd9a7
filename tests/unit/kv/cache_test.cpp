// Known answers of the cache model.
#include <doctest.h>

#include "kv/capacity.hpp"
#include "kv/flat_cache.hpp"
#include "kv/prefix_cache.hpp"
#include "kv_support.hpp"

namespace stateutils::kv {
namespace {

Trace letters(const std::string& text) {
  std::vector<std::vector<int>> chains;
  for (const char letter : text) chains.push_back({letter});
  return chains_of(chains);
}

Trace worked_example() {
  return chains_of(
      {{1, 2, 3}, {1, 2, 4}, {1, 5}, {1, 2, 3}, {6, 7}, {1, 2, 4}, {1, 5, 8}, {1, 2, 3}});
}

PrefixResult prefix(const Trace& trace, const std::string& policy, std::uint64_t capacity) {
  const PrefixPolicy parsed = *parse_prefix_policy(policy);
  if (parsed.order == PrefixPolicy::Order::kBelady) {
    return prefix_belady(trace, next_use(trace), capacity);
  }
  const PrefixResult forest = prefix_forest(trace, parsed, capacity);
  if (policy == "lru") CHECK(prefix_lru(trace, previous_use(trace), capacity) == forest);
  return forest;
}

TEST_CASE("flat policies give the hits worked out by hand") {
  const Trace trace = letters("ABCADABEAFBACGA");
  const std::vector<std::string> policies = {"lru", "fifo", "lfu", "sieve", "belady"};
  const std::vector<std::uint64_t> three = {5, 4, 5, 5, 7}, four = {7, 4, 7, 7, 8};
  for (std::size_t i = 0; i < policies.size(); ++i) {
    CAPTURE(policies[i]);
    CHECK(flat_cache(trace, policies[i], 3).hits == three[i]);
    CHECK(flat_cache(trace, policies[i], 4).hits == four[i]);
  }
}

TEST_CASE("prefix policies give the hits and evictions worked out by hand") {
  const Trace trace = worked_example();
  struct Row {
    std::uint64_t capacity;
    const char* policy;
    std::uint64_t hits, evicted;
  };
  for (const Row& row : std::vector<Row>{{4, "lru", 10, 8},
                                         {4, "fifo", 10, 8},
                                         {4, "lfu", 10, 8},
                                         {4, "belady", 11, 7},
                                         {5, "lru", 11, 6},
                                         {5, "fifo", 11, 6},
                                         {5, "lfu", 12, 5},
                                         {5, "belady", 12, 5},
                                         {6, "lru", 11, 5},
                                         {6, "fifo", 13, 3},
                                         {6, "lfu", 12, 4},
                                         {6, "belady", 13, 3}}) {
    CAPTURE(row.capacity);
    CAPTURE(row.policy);
    const PrefixResult result = prefix(trace, row.policy, row.capacity);
    CHECK(result.hit_blocks == row.hits);
    CHECK(result.evicted == row.evicted);
  }
  CHECK(unbounded_hits(trace, previous_use(trace)) == 14);
}

TEST_CASE("a pinned turn survives where LRU drops it") {
  // Session s pauses for 1 s while another session fills the cache.
  const std::string text = R"({"t":0,"in":2,"out":1,"session":"s","block":1,"hash_ids":[1,2]})"
                           "\n"
                           R"({"t":0.5,"in":3,"out":1,"session":"x","block":1,"hash_ids":[7,8,9]})"
                           "\n"
                           R"({"t":1,"in":3,"out":1,"session":"s","block":1,"hash_ids":[1,2,3]})"
                           "\n";
  const Trace trace = trace_of(text);
  CHECK(prefix(trace, "lru", 3).hit_blocks == 0);
  CHECK(prefix(trace, "ttl:2s", 3).hit_blocks == 2);
  CHECK(prefix(trace, "ttl:2s", 3).uncached == 2);
  CHECK(prefix(trace, "ttl:500ms", 3).hit_blocks == 0);  // over at 0.5 s
  CHECK(prefix(trace, "ttl:501ms", 3).hit_blocks == 2);
  CHECK(prefix(trace, "continuum-fixed", 3).hit_blocks == 2);
}

TEST_CASE("sizes need a unit and round down to blocks") {
  const CapacityScale scale{512, 1000, 327680};
  CHECK(capacity_blocks("5859blk", scale) == 5859);
  CHECK(capacity_blocks("3e6tok", scale) == 5859);
  CHECK(capacity_blocks("10%", scale) == 100);
  CHECK(capacity_blocks("40GiB", scale) == 256);
  CHECK_THROWS(static_cast<void>(capacity_blocks("100", scale)));
  CHECK_THROWS(static_cast<void>(capacity_blocks("1tok", scale)));
  CHECK_THROWS(static_cast<void>(capacity_blocks("40GiB", CapacityScale{512, 1000, 0})));
}

}  // namespace
}  // namespace stateutils::kv
