// Runs against blocks: every policy beside a plain twin that follows the definitions block by
// block.
#include <doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "../../unit/kv/kv_support.hpp"
#include "core/jsonl.hpp"
#include "core/rng.hpp"
#include "kv/flat_cache.hpp"
#include "kv/prefix_cache.hpp"
#include "kv/sparse_map.hpp"

namespace stateutils::kv {
namespace {

using Chains = std::vector<std::vector<int>>;

// Random trees of prompts: a request follows a random earlier one for a while, then goes on anew.
Chains random_chains(core::Rng& rng, int requests, int longest) {
  Chains chains;
  int next = 0;
  for (int i = 0; i < requests; ++i) {
    std::vector<int> chain;
    if (!chains.empty() && rng.chance(0.85)) {
      const auto& base = chains[rng.below(chains.size())];
      chain.assign(base.begin(),
                   base.begin() + static_cast<std::ptrdiff_t>(rng.below(base.size() + 1)));
    }
    const auto fresh = static_cast<int>(rng.below(static_cast<std::uint64_t>(longest) + 1));
    for (int k = 0; k < fresh || chain.empty(); ++k) chain.push_back(next++);
    chains.push_back(chain);
  }
  return chains;
}

struct Block {
  int parent = -1;
  std::uint64_t sequence = 0;
  int count = 0, touched = 0, children = 0;
};
using Order = std::optional<std::pair<std::int64_t, std::int64_t>>;  // none: it may not go

// Section "prefix" of the cache model, word for word, block by block: what its policies share.
class BlockCache {
 public:
  explicit BlockCache(std::size_t capacity) : capacity_(capacity) {}

  // Serves a request; `order(id, block)` says which leaf goes first. The blocks of its chain that
  // are there afterwards.
  template <class Rule>
  std::size_t serve(const std::vector<int>& chain, int request, Rule order) {
    const std::set<int> own(chain.begin(), chain.end());
    std::size_t k = 0;
    for (; k < chain.size() && blocks_.contains(chain[k]); ++k) {
      ++blocks_[chain[k]].count;
      blocks_[chain[k]].touched = request;
    }
    result_.hit_blocks += k;
    for (; k < chain.size(); ++k) {
      if (blocks_.size() == capacity_ && !drop(own, order)) break;
      const int parent = k == 0 ? -1 : chain[k - 1];
      if (parent != -1) ++blocks_[parent].children;
      blocks_[chain[k]] = {parent, sequence_++, 1, request, 0};
    }
    ++result_.requests;
    result_.blocks += chain.size();
    result_.uncached += chain.size() - k;
    result_.resident = blocks_.size();
    return k;
  }
  [[nodiscard]] bool holds(int id) const { return blocks_.contains(id); }
  [[nodiscard]] const PrefixResult& result() const { return result_; }

 private:
  template <class Rule>
  bool drop(const std::set<int>& own, Rule order) {
    int victim = -1;
    Order best;
    for (const auto& [id, block] : blocks_) {
      if (block.children > 0 || own.contains(id)) continue;
      const Order place = order(id, block);
      if (place && (!best || *place < *best)) {
        victim = id;
        best = place;
      }
    }
    if (victim == -1) return false;
    if (const int parent = blocks_[victim].parent; parent != -1) --blocks_[parent].children;
    blocks_.erase(victim);
    ++result_.evicted;
    return true;
  }

  std::size_t capacity_;
  std::map<int, Block> blocks_;
  PrefixResult result_;
  std::uint64_t sequence_ = 0;
};

PrefixResult block_by_block(const Chains& chains, const std::string& policy, std::size_t capacity) {
  BlockCache cache(capacity);
  for (std::size_t i = 0; i < chains.size(); ++i) {
    const auto next_use = [&](int block) {
      for (std::size_t j = i + 1; j < chains.size(); ++j) {
        if (std::ranges::count(chains[j], block) > 0) return static_cast<std::int64_t>(j);
      }
      return std::numeric_limits<std::int64_t>::max();
    };
    cache.serve(chains[i], static_cast<int>(i), [&](int id, const Block& block) -> Order {
      if (policy == "fifo") return std::pair(static_cast<std::int64_t>(block.sequence), 0);
      if (policy == "lfu") return std::pair(block.count, block.touched);
      if (policy == "belady") return std::pair(-next_use(id), id);
      return std::pair(block.touched, 0);
    });
  }
  return cache.result();
}

TEST_CASE("runs give the counts of blocks, for every prefix policy") {
  core::Rng rng(11, 0);
  for (int round = 0; round < 150; ++round) {
    const Chains chains = random_chains(rng, 2 + static_cast<int>(rng.below(30)), 6);
    const Trace trace = chains_of(chains);
    const Reuse previous = previous_use(trace), next = next_use(trace);
    std::uint64_t before = 0;
    for (const std::size_t capacity : {1u, 2u, 5u, 9u, 20u, 1000u}) {
      CAPTURE(round);
      CAPTURE(capacity);
      const PrefixResult belady = prefix_belady(trace, next, capacity);
      CHECK(belady == block_by_block(chains, "belady", capacity));
      CHECK(prefix_lru(trace, previous, capacity) == block_by_block(chains, "lru", capacity));
      for (const char* policy : {"lru", "fifo", "lfu"}) {
        CAPTURE(policy);
        const PrefixResult runs = prefix_forest(trace, *parse_prefix_policy(policy), capacity);
        CHECK(runs == block_by_block(chains, policy, capacity));
        CHECK(runs.hit_blocks <= belady.hit_blocks);
        CHECK(runs.resident <= capacity);
      }
      CHECK(belady.hit_blocks >= before);
      before = belady.hit_blocks;
    }
    CHECK(before == unbounded_hits(trace, previous));
  }
}

// LRU with time to live: the resident blocks of a turn are pinned until now >= t + ttl or the
// session's next request has been processed; a session's last turn pins nothing.
PrefixResult ttl_block_by_block(const Chains& chains, const std::vector<int>& sessions,
                                const std::vector<int>& times, int ttl, std::size_t capacity) {
  BlockCache cache(capacity);
  struct Pin {
    int until;
    std::set<int> blocks;
  };
  std::map<int, Pin> pins;
  for (std::size_t i = 0; i < chains.size(); ++i) {
    const auto& chain = chains[i];
    std::erase_if(pins, [&](const auto& pin) { return times[i] >= pin.second.until; });
    const std::size_t there =
        cache.serve(chain, static_cast<int>(i), [&](int id, const Block& block) -> Order {
          const bool pinned = std::ranges::any_of(
              pins, [id](const auto& pin) { return pin.second.blocks.contains(id); });
          if (pinned) return {};
          return std::pair(block.touched, 0);
        });
    pins.erase(sessions[i]);
    const bool last = std::ranges::count(sessions.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                         sessions.end(), sessions[i]) == 0;
    if (!last && ttl > 0) {
      pins[sessions[i]] = {times[i] + ttl,
                           {chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(there)}};
    }
  }
  return cache.result();
}

TEST_CASE("retention by runs and by blocks is the same") {
  core::Rng rng(21, 0);
  for (int round = 0; round < 150; ++round) {
    const Chains chains = random_chains(rng, 2 + static_cast<int>(rng.below(30)), 6);
    std::vector<int> sessions, times;
    std::string text;
    int now = 0;
    for (const auto& chain : chains) {
      sessions.push_back(static_cast<int>(rng.below(4)));
      times.push_back(now += static_cast<int>(rng.below(3)));
      text += "{\"t\":" + std::to_string(now) + ",\"session\":\"" +
              std::to_string(sessions.back()) + "\",\"in\":" + std::to_string(chain.size()) +
              ",\"out\":1,\"block\":1,\"hash_ids\":[";
      for (std::size_t k = 0; k < chain.size(); ++k) {
        text += (k == 0 ? "" : ",") + std::to_string(chain[k]);
      }
      text += "]}\n";
    }
    const Trace trace = trace_of(text);
    for (const std::size_t capacity : {3u, 6u, 12u, 30u}) {
      for (const int ttl : {0, 1, 3, 100}) {
        CAPTURE(round);
        CAPTURE(capacity);
        CAPTURE(ttl);
        const PrefixPolicy policy = *parse_prefix_policy("ttl:" + std::to_string(ttl) + "s");
        CHECK(prefix_forest(trace, policy, capacity) ==
              ttl_block_by_block(chains, sessions, times, ttl, capacity));
      }
    }
  }
}

// KVFlow over LRU: a block is worth the fewest steps of the agents that use it while it is there.
PrefixResult kvflow_block_by_block(const Trace& trace, const Chains& chains, StepSource source,
                                   std::size_t capacity) {
  BlockCache cache(capacity);
  std::map<int, std::set<std::pair<std::uint32_t, std::uint32_t>>> users;
  AgentSteps steps(trace, source, 4, 0);
  const auto worth = [&](int id) {
    std::uint32_t least = steps.of_nobody();
    for (const auto& user : users[id])
      least = std::min(least, steps.value(user.first, user.second));
    return static_cast<std::int64_t>(least);
  };
  for (std::uint32_t i = 0; i < chains.size(); ++i) {
    const std::size_t there = cache.serve(
        chains[i], static_cast<int>(i),
        [&](int id, const Block& block) -> Order { return std::pair(-worth(id), block.touched); });
    std::erase_if(users, [&](const auto& used) { return !cache.holds(used.first); });
    for (std::size_t own_block = 0; own_block < there; ++own_block) {
      if (trace.agent[i] == kNone) continue;
      users[chains[i][own_block]].insert({trace.session[i], trace.agent[i]});
    }
    steps.arrived(i);
    (void)steps.finished(i);
  }
  return cache.result();
}

TEST_CASE("KVFlow by runs and by blocks is the same") {
  core::Rng rng(31, 0);
  for (int round = 0; round < 100; ++round) {
    const Chains chains = random_chains(rng, 2 + static_cast<int>(rng.below(30)), 6);
    std::string text;
    for (const auto& chain : chains) {
      text += "{\"session\":\"" + std::to_string(rng.below(3)) + "\"";
      if (rng.chance(0.8)) text += ",\"agent\":\"" + std::to_string(rng.below(4)) + "\"";
      if (rng.chance(0.6)) {
        text += ",\"steps\":{\"1\":" + std::to_string(rng.below(6)) +
                ",\"2\":" + std::to_string(rng.below(6)) + "}";
      }
      text += ",\"in\":" + std::to_string(chain.size()) +
              ",\"out\":1,\"block\":1,\"scope\":\"global\",\"hash_ids\":[";
      for (std::size_t k = 0; k < chain.size(); ++k) {
        text += (k == 0 ? "" : ",") + std::to_string(chain[k]);
      }
      text += "]}\n";
    }
    const Trace trace = trace_of(text);
    if (trace.agent.empty()) continue;
    for (const std::size_t capacity : {3u, 6u, 12u, 30u}) {
      for (const StepSource source :
           {StepSource::kHints, StepSource::kOracle, StepSource::kLearned}) {
        CAPTURE(round);
        CAPTURE(capacity);
        PrefixPolicy policy = *parse_prefix_policy(step_policy_name(source));
        policy.steps = known_steps(trace, source);
        CHECK(prefix_forest(trace, policy, capacity) ==
              kvflow_block_by_block(trace, chains, policy.steps, capacity));
      }
    }
  }
}

TEST_CASE("Belady with bypass hits no less, and the same as block by block") {
  core::Rng rng(41, 0);
  for (int round = 0; round < 100; ++round) {
    const Chains chains = random_chains(rng, 2 + static_cast<int>(rng.below(25)), 5);
    const Trace trace = chains_of(chains);
    const Reuse next = next_use(trace);
    std::vector<int> accesses;
    for (const auto& chain : chains) accesses.insert(accesses.end(), chain.begin(), chain.end());
    for (const std::size_t capacity : {1u, 3u, 7u, 20u}) {
      const PrefixResult with = prefix_belady(trace, next, capacity, true);
      CHECK(with.hit_blocks >= prefix_belady(trace, next, capacity).hit_blocks);
      CHECK(with.resident <= capacity);
      const std::uint64_t flat = flat_belady(trace, capacity, next_positions(trace), true).hits;
      CHECK(flat >= flat_belady(trace, capacity, next_positions(trace)).hits);
      CHECK(flat >= with.hit_blocks);
      // The definition: the block used last, the one that comes included, is left out.
      std::set<std::size_t> uses;
      std::uint64_t hits = 0;
      for (std::size_t at = 0; at < accesses.size(); ++at) {
        hits += uses.erase(at);
        const auto later = std::find(accesses.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                                     accesses.end(), accesses[at]);
        if (later != accesses.end()) {
          uses.insert(static_cast<std::size_t>(later - accesses.begin()));
        }
        if (uses.size() > capacity) uses.erase(std::prev(uses.end()));
      }
      CHECK(flat == hits);
    }
  }
}

// Naive flat caches over a plain list of blocks.
std::uint64_t naive_flat(const std::vector<int>& accesses, const std::string& policy,
                         std::size_t capacity) {
  struct Entry {
    std::int64_t used, inserted, count;
  };
  std::map<int, Entry> held;
  std::uint64_t hits = 0;
  for (std::size_t now = 0; now < accesses.size(); ++now) {
    const auto t = static_cast<std::int64_t>(now);
    const auto found = held.find(accesses[now]);
    if (found != held.end()) {
      ++hits;
      found->second.used = t;
      ++found->second.count;
      continue;
    }
    if (held.size() == capacity) {
      auto victim = held.end();
      std::pair<std::int64_t, std::int64_t> best;
      for (auto it = held.begin(); it != held.end(); ++it) {
        std::int64_t next = std::numeric_limits<std::int64_t>::max();
        for (std::size_t j = now; j < accesses.size(); ++j) {
          if (accesses[j] == it->first) {
            next = static_cast<std::int64_t>(j);
            break;
          }
        }
        std::pair<std::int64_t, std::int64_t> key = {it->second.used, 0};
        if (policy == "fifo") key = {it->second.inserted, 0};
        if (policy == "lfu") key = {it->second.count, it->second.used};
        if (policy == "belady") key = {-next, 0};
        if (victim == held.end() || key < best) {
          victim = it;
          best = key;
        }
      }
      held.erase(victim);
    }
    held[accesses[now]] = {t, t, 1};
  }
  return hits;
}

TEST_CASE("flat policies agree with naive ones and never beat Belady") {
  core::Rng rng(5, 0);
  for (int round = 0; round < 60; ++round) {
    std::vector<int> accesses;
    Chains chains;
    const int count = 10 + static_cast<int>(rng.below(150));
    for (int i = 0; i < count; ++i) {
      const auto a = rng.below(24), b = rng.below(24);
      accesses.push_back(static_cast<int>(std::min(a, b)));
      chains.push_back({accesses.back()});
    }
    const Trace trace = chains_of(chains);
    const std::vector<std::uint64_t> distances = lru_distances(trace);
    std::uint64_t curve = 0;
    for (std::size_t capacity = 1; capacity < 26; ++capacity) {
      CAPTURE(capacity);
      const std::uint64_t best = naive_flat(accesses, "belady", capacity);
      CHECK(flat_cache(trace, "belady", capacity).hits == best);
      for (const char* policy : {"lru", "fifo", "lfu"}) {
        CAPTURE(policy);
        CHECK(flat_cache(trace, policy, capacity).hits == naive_flat(accesses, policy, capacity));
      }
      for (const std::string& policy : flat_policies()) {
        CAPTURE(policy);
        CHECK(flat_cache(trace, policy, capacity, 3).hits <= best);
      }
      if (capacity < distances.size()) curve += distances[capacity];
      CHECK(curve == flat_cache(trace, "lru", capacity).hits);
    }
  }
}

TEST_CASE("the LRU curve of chains and of independent blocks are the same") {
  core::Rng rng(9, 0);
  for (int round = 0; round < 40; ++round) {
    const Chains chains = random_chains(rng, 40, 8);
    const Trace trace = chains_of(chains);
    Trace blocks = trace;
    blocks.chains = false;
    CHECK(lru_distances(trace) == lru_distances(blocks));
    std::uint64_t curve = 0;
    const std::vector<std::uint64_t> distances = lru_distances(trace);
    for (std::size_t capacity = 1; capacity < distances.size(); ++capacity) {
      curve += distances[capacity];
      CHECK(curve == flat_cache(trace, "lru", capacity).hits);
    }
  }
}

// The whole conversation trace, where its data folder is given.
TEST_CASE("the sparse map is a map, also where keys collide and go") {
  core::Rng rng(1, 5);
  for (const std::uint32_t step : {1u, 16u, 4096u}) {
    SparseMap map;
    std::map<std::uint32_t, std::uint32_t> twin;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
      const auto key = static_cast<std::uint32_t>(rng.below(300)) * step;
      const bool known = twin.contains(key);
      REQUIRE(map.find(key) == (known ? twin[key] : kNone));
      if (known && rng.chance(0.6)) {
        map.erase(key);
        twin.erase(key);
      } else {
        map.set(key, i);
        twin[key] = i;
      }
    }
    for (std::uint32_t k = 0; k < 300; ++k) {
      const auto found = twin.find(k * step);
      REQUIRE(map.find(k * step) == (found == twin.end() ? kNone : found->second));
    }
  }
}

TEST_CASE("the golden hit counts of the Mooncake conversation trace") {
  const char* data = std::getenv("STATEUTILS_DATA");
  const std::string file =
      std::string(data != nullptr ? data : "") + "/kv-sim/mooncake/conversation_trace.jsonl.zst";
  if (data == nullptr || !std::filesystem::exists(file)) return;
  const auto source = core::open_input(file);
  const Trace trace = read_trace(*source, {});
  const Reuse next = next_use(trace);
  const auto golden =
      core::open_input(std::string(TESTDATA_DIR) + "/kv-sim/cache_mooncake_conversation.jsonl");
  core::JsonlReader rows(*golden);
  int checked = 0;
  while (const core::Record* row = rows.next()) {
    const std::string policy(row->string("policy"));
    const std::uint64_t capacity = row->u64("capacity_blocks");
    ++checked;
    if (row->string("mode") == "flat") {
      CHECK(flat_cache(trace, policy, capacity).hits == row->u64("hits"));
      continue;
    }
    const PrefixResult result = policy == "belady"
                                    ? prefix_belady(trace, next, capacity)
                                    : prefix_forest(trace, *parse_prefix_policy(policy), capacity);
    CHECK(result.hit_blocks == row->u64("hit_blocks"));
    CHECK(result.evicted == row->u64("evicted"));
    CHECK(result.uncached == row->u64("uncached"));
    CHECK(result.resident == row->u64("resident"));
  }
  CHECK(checked == 40);
}

}  // namespace
}  // namespace stateutils::kv
