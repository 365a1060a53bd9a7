// cache: hits of eviction policies at given sizes, beside the offline bound.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"
#include "kv/flat_cache.hpp"
#include "kv/prefix_cache.hpp"
#include "result_output.hpp"
#include "trace_input.hpp"

namespace stateutils::tools {
namespace {

using core::quoted;
using core::usage_error;

struct CacheOptions {
  TraceInput input;
  SizeUnits units;
  std::vector<std::string> policies, capacities;
  std::string mode = "prefix", output = "-";
  bool bound = true, bypass = false, no_frame = false;
};

// Everything that a trace is asked for more than once is computed once.
class CacheRun {
 public:
  CacheRun(const CacheOptions& o, const kv::Trace& trace, std::uint64_t seed)
      : o_(o), trace_(trace), seed_(seed), flat_(o.mode == "flat" || !trace.chains) {}

  void line(core::JsonWriter& json, const std::string& policy, std::uint64_t capacity) {
    json.field("mode", flat_ ? "flat" : "prefix").field("policy", name_of(policy));
    if (o_.bypass) json.field("bypass", true);
    json.field("capacity_blocks", capacity);
    if (flat_) {
      const kv::FlatResult result = flat(policy, capacity);
      json.field("accesses", result.accesses).field("hits", result.hits);
      ratio(json, result.hits, result.accesses);
    } else {
      const kv::PrefixResult result = prefix(policy, capacity);
      json.field("requests", result.requests).field("blocks", result.blocks);
      json.field("hit_blocks", result.hit_blocks).field("evicted", result.evicted);
      json.field("uncached", result.uncached).field("resident", result.resident);
      ratio(json, result.hit_blocks, result.blocks);
    }
    if (!o_.bound) return;
    json.key("bound").begin_object().field("belady", belady(capacity));
    json.field("unbounded", unbounded()).end_object();
  }

 private:
  // KVFlow without hints names where its steps come from.
  [[nodiscard]] std::string name_of(const std::string& policy) const {
    return policy == "kvflow"
               ? kv::step_policy_name(kv::known_steps(trace_, kv::StepSource::kHints))
               : policy;
  }
  static void ratio(core::JsonWriter& json, std::uint64_t hits, std::uint64_t all) {
    json.field("hit_ratio", all == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(all));
  }
  kv::FlatResult flat(const std::string& policy, std::uint64_t capacity) {
    if (policy != "belady") return kv::flat_cache(trace_, policy, capacity, seed_);
    return {trace_.references, belady(capacity)};
  }
  kv::PrefixResult prefix(const std::string& name, std::uint64_t capacity) {
    kv::PrefixPolicy policy = *kv::parse_prefix_policy(name);
    policy.steps = kv::known_steps(trace_, policy.steps);
    if (policy.order == kv::PrefixPolicy::Order::kBelady) return prefix_belady(capacity);
    if (policy.order == kv::PrefixPolicy::Order::kLru &&
        policy.retention == kv::PrefixPolicy::Retention::kOff) {
      return kv::prefix_lru(trace_, previous(), capacity);
    }
    return kv::prefix_forest(trace_, policy, capacity);
  }
  std::uint64_t belady(std::uint64_t capacity) {
    const auto known = belady_.find(capacity);
    if (known != belady_.end()) return known->second;
    if (!flat_) return prefix_belady(capacity).hit_blocks;
    if (next_positions_.empty()) next_positions_ = kv::next_positions(trace_);
    return belady_[capacity] = kv::flat_belady(trace_, capacity, next_positions_, o_.bypass).hits;
  }
  kv::PrefixResult prefix_belady(std::uint64_t capacity) {
    if (!next_) next_ = kv::next_use(trace_);
    const kv::PrefixResult result = kv::prefix_belady(trace_, *next_, capacity, o_.bypass);
    belady_[capacity] = result.hit_blocks;
    return result;
  }
  std::uint64_t unbounded() {
    return flat_ ? trace_.references - trace_.distinct : kv::unbounded_hits(trace_, previous());
  }
  const kv::Reuse& previous() {
    if (!previous_) previous_ = kv::previous_use(trace_);
    return *previous_;
  }

  const CacheOptions& o_;
  const kv::Trace& trace_;
  std::uint64_t seed_;
  bool flat_;
  std::optional<kv::Reuse> previous_, next_;
  std::vector<std::uint32_t> next_positions_;
  std::map<std::uint64_t, std::uint64_t> belady_;
};

bool knows(const std::string& mode, const std::string& policy) {
  return mode == "flat" ? std::ranges::count(kv::flat_policies(), policy) > 0
                        : kv::parse_prefix_policy(policy).has_value();
}

void check_policies(const CacheOptions& o) {
  for (const std::string& policy : o.policies) {
    if (!knows(o.mode, policy)) {
      throw usage_error("--policy " + quoted(policy) + " is not known in mode " + o.mode);
    }
    // What comes in is never the one that lru and fifo would evict first.
    if (o.bypass && policy != "lru" && policy != "fifo" && policy != "belady") {
      throw usage_error("--bypass goes with lru, fifo and belady, not with " + quoted(policy));
    }
  }
}

int cache(const CacheOptions& o, const core::Io& io) {
  check_policies(o);
  const kv::Trace trace = read_trace(o.input, io);
  if (!trace.has_blocks()) {
    throw core::input_error({o.input.file},
                            "the trace has no block ids; --prefix session makes them");
  }
  const kv::CapacityScale scale = size_scale(o.units, trace);
  std::vector<std::uint64_t> capacities;
  for (const std::string& text : o.capacities) {
    capacities.push_back(kv::capacity_blocks(text, scale));
  }
  if (!trace.chains && o.mode == "prefix") {
    for (const std::string& policy : o.policies) {
      if (!knows("flat", policy)) throw usage_error("--policy " + quoted(policy) + " needs chains");
    }
    io.log.warn("blocks have several parents: taken as independent (mode flat)");
  }
  const auto out = io.open_output(o.output);
  core::JsonlWriter writer(*out, {!o.no_frame});
  writer.header("kv-cache", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version);
  });
  CacheRun run(o, trace, io.seed);
  for (const std::string& policy : o.policies) {
    for (const std::uint64_t capacity : capacities) {
      run.line(writer.begin(), policy, capacity);
      writer.end();
    }
  }
  writer.trailer();
  out->commit();
  if (wants_summary(io, o.output)) io.summary({{"lines", writer.records()}});
  return 0;
}

}  // namespace

void register_cache(core::Tool& tool) {
  auto o = std::make_shared<CacheOptions>();
  auto command = tool.subcommand("cache", "hits of eviction policies at given sizes");
  add_trace_options(command, o->input);
  command
      .option("--policy", &o->policies,
              "policies: prefix lru fifo lfu belady ttl:TIME continuum-fixed kvflow; flat, see the "
              "manual")
      .required()
      .comma_list()
      .value_name("P");
  command.option("--capacity", &o->capacities, "sizes: 5859blk, 3e6tok, 10%, 40GiB")
      .required()
      .comma_list()
      .value_name("LIST");
  command.option("--mode", &o->mode, "what a block depends on: nothing, or the block before it")
      .one_of({"prefix", "flat"});
  command.option("--bound,!--no-bound", &o->bound, "Belady's and the unbounded cache's hits");
  command.option("--bypass", &o->bypass, "leave out what would be evicted first");
  add_size_options(command, o->units);
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.option("--no-frame", &o->no_frame, "leave out header and trailer");
  command.run([o](core::Io& io) { return cache(*o, io); });
}

}  // namespace stateutils::tools
