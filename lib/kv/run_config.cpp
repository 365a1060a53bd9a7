#include "kv/run_config.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/units.hpp"
#include "kv/capacity.hpp"
#include "kv/config_fields.hpp"
#include "kv/hardware.hpp"

namespace stateutils::kv {
namespace {

using core::quoted;
using core::usage_error;

template <class T>
T choice(Fields& fields, const std::string& key, const std::string& otherwise,
         const std::vector<std::pair<std::string, T>>& choices) {
  std::vector<std::string> names;
  for (const auto& one : choices) names.push_back(one.first);
  const std::string name = fields.one_of(key, otherwise, names);
  for (const auto& one : choices) {
    if (one.first == name) return one.second;
  }
  return choices.front().second;
}

Device device_of(const std::string& name) {
  const auto device = find_device(name);
  if (device) return *device;
  std::string known;
  for (const Device& one : device_table()) known += (known.empty() ? "" : ", ") + one.name;
  throw usage_error("config: device " + quoted(name) + " is none of " + known);
}

// A device by name, or an object that names one and changes some of its figures.
Device read_device(Fields& owner, const std::string& key) {
  if (owner.get(key).is_string()) return device_of(owner.text(key, ""));
  Fields f = owner.object(key);
  Device device;
  if (f.has("name")) {
    const auto known = find_device(f.text("name", ""));
    if (known) device = *known;
    device.name = f.text("name", "");
  }
  read_figures(f, device);
  f.end();
  if (device.peak_flops <= 0 || device.hbm_bytes_s <= 0) {
    throw usage_error("config: " + quoted(owner.at(key)) + " has no peak_flops or no hbm rate");
  }
  return device;
}

void read_trace_config(Fields f, TraceConfig& trace) {
  trace.file = f.text("file", "");
  if (trace.file.empty()) throw usage_error("config: " + quoted(f.at("file")) + " is missing");
  trace.format = f.text("format", "auto");
  trace.sort = f.flag("sort", false);
  if (f.has("scope")) trace.scope = f.one_of("scope", "", {"global", "session"});
  if (f.has("block")) trace.block = f.count("block", 0, 1, 1 << 20);
  trace.prefix = f.one_of("prefix", "none", {"none", "session"});
  if (f.has("session_arrival")) trace.session_arrival = f.text("session_arrival", "");
  trace.replay = f.one_of("replay", "default", {"default", "open", "closed"});
  if (f.has("arrival")) trace.arrival = f.text("arrival", "");
  trace.scale_rate = f.number("scale_rate", 1, 1e-9, 1e9);
  trace.limit = f.count("limit", 0, 0, kNone - 1);
  f.end();
}

void read_model(Fields& root, RunConfig& config) {
  if (!root.has("model")) return;
  if (root.get("model").is_string()) {
    config.model_name = root.text("model", "");
    const auto shape = find_model(config.model_name);
    if (!shape) throw usage_error("config: model " + quoted(config.model_name) + " is not known");
    config.model = *shape;
    config.kv_bytes_per_token = shape->kv_bytes_per_token();
    return;
  }
  Fields f = root.object("model");
  ModelShape& m = config.model;
  m.name = config.model_name = f.text("name", "custom");
  read_shape(f, m);
  config.kv_bytes_per_token =
      f.count("kv_bytes_per_token", m.kv_bytes_per_token(), 1, 1'000'000'000);
  f.end();
}

void read_cost(Fields& root, RunConfig& config) {
  Fields f = root.object("cost");
  CostConfig& cost = config.cost;
  using Kind = CostConfig::Kind;
  cost.kind = choice<Kind>(f, "kind", config.splitwise ? "splitwise" : "roofline",
                           {{"linear", Kind::kLinear},
                            {"roofline", Kind::kRoofline},
                            {"table", Kind::kTable},
                            {"splitwise", Kind::kSplitwise}});
  if (cost.kind == Kind::kLinear) {
    cost.a = f.seconds("a", 0);
    cost.b = f.seconds("b", 0);
    cost.c = f.seconds("c", 0);
    cost.d = f.seconds("d", 0);
    if (std::max({cost.a, cost.b, cost.c, cost.d}) > 1000) {
      throw usage_error("config: \"cost\" takes more than 1000 s for one token");
    }
  } else if (cost.kind == Kind::kTable || cost.kind == Kind::kSplitwise) {
    cost.profile = f.text("profile", "");
    if (cost.kind == Kind::kTable && cost.profile.empty()) {
      throw usage_error("config: \"cost.profile\" is missing");
    }
  }
  if (f.has("device")) cost.device = read_device(f, "device");
  f.end();
}

void read_fleet(Fields& root, RunConfig& config) {
  for (Fields& f : root.objects("fleet")) {
    FleetEntry entry;
    entry.name = f.text("name", "");
    entry.role = choice<Role>(
        f, "role", "both",
        {{"both", Role::kBoth}, {"prefill", Role::kPrefill}, {"decode", Role::kDecode}});
    entry.count = static_cast<std::uint32_t>(f.count("count", 1, 1, 4096));
    entry.tp = static_cast<std::uint32_t>(f.count("tp", config.splitwise ? 8 : 1, 1, 1024));
    if (f.has("device")) entry.device = read_device(f, "device");
    if (!entry.device) entry.device = config.cost.device;
    f.end();
    config.fleet.push_back(entry);
  }
  if (config.fleet.empty()) config.fleet.push_back({"", Role::kBoth, 1, 1, config.cost.device});
  std::uint64_t total = 0;
  bool prefill = false, decode = false, both = false;
  for (const FleetEntry& entry : config.fleet) {
    total += entry.count;
    prefill |= entry.role == Role::kPrefill;
    decode |= entry.role == Role::kDecode;
    both |= entry.role == Role::kBoth;
  }
  if (total > 4096) throw usage_error("config: \"fleet\" has more than 4096 instances");
  if (config.splitwise) {  // its router says where a request goes
    (void)root.text("layout", "");
    return;
  }
  const std::string layout =
      root.one_of("layout", both ? "colocated" : "disagg", {"colocated", "disagg", "semi-pd"});
  config.disaggregated = layout == "disagg";
  config.semi_pd = layout == "semi-pd";
  if (config.disaggregated != (prefill || decode) || (layout == "disagg" && both)) {
    throw usage_error("config: layout " + layout + " does not fit the roles of the fleet");
  }
  if (config.disaggregated && !(prefill && decode)) {
    throw usage_error("config: a disaggregated fleet needs prefill and decode instances");
  }
}

const std::vector<std::pair<std::string, Evict>>& evict_names() {
  static const std::vector<std::pair<std::string, Evict>> names = {
      {"lru", Evict::kLru}, {"fifo", Evict::kFifo}, {"lfu", Evict::kLfu}};
  return names;
}

void read_cache(Fields f, RunConfig& config) {
  config.share_prefixes = f.one_of("mode", "prefix", {"prefix", "none"}) == "prefix";
  const Evict policy = choice<Evict>(f, "policy", "lru", evict_names());
  config.reload = choice<Reload>(
      f, "reload", "auto",
      {{"auto", Reload::kAuto}, {"always", Reload::kAlways}, {"never", Reload::kNever}});
  config.exclusive = f.one_of("hierarchy", "inclusive", {"inclusive", "exclusive"}) == "exclusive";
  config.memory_util = f.number("util", 0.9, 0.01, 1);
  const char* const usual[] = {"gpu", "cpu", "ssd", "remote"};
  for (Fields& t : f.objects("tiers")) {
    if (config.tiers.size() == 4) throw usage_error("config: more than 4 tiers");
    TierConfig tier;
    tier.name = t.text("name", usual[config.tiers.size()]);
    tier.size = t.text("size", "unbounded");
    tier.bandwidth = t.rate("bw", config.tiers.size() < 2 ? 50e9 : 6e9);
    tier.latency = t.time("lat", config.tiers.size() < 2 ? 10'000 : 100'000);
    tier.policy = t.has("policy") ? choice<Evict>(t, "policy", "lru", evict_names()) : policy;
    tier.write = choice<TierWrite>(
        t, "write", "back",
        {{"back", TierWrite::kBack}, {"through", TierWrite::kThrough}, {"none", TierWrite::kDrop}});
    t.end();
    config.tiers.push_back(tier);
  }
  f.end();
  if (config.tiers.empty()) config.tiers.push_back({"gpu", "unbounded"});
  config.tiers[0].policy = config.tiers[0].policy == Evict::kLru ? policy : config.tiers[0].policy;
}

void read_preempt(Fields& root, RunConfig& config) {
  if (!root.has("preempt")) return;
  SwapConfig& swap = config.swap;
  if (root.get("preempt").is_string()) {
    swap.on = root.one_of("preempt", "recompute", {"recompute", "swap"}) == "swap";
  } else {
    Fields f = root.object("preempt");
    swap.on = f.one_of("kind", "swap", {"recompute", "swap"}) == "swap";
    swap.grouped = f.one_of("mode", "block", {"block", "group"}) == "group";
    swap.first_group = static_cast<std::uint32_t>(f.count("g0", 60, 1, 1 << 20));
    swap.call = f.time("t_call", 10'000);
    swap.reuse = f.flag("reuse", swap.grouped);
    if (f.has("freq")) {
      swap.every = static_cast<std::uint32_t>(std::lround(1 / f.number("freq", 1, 1e-6, 1)));
    }
    swap.pattern = choice<Pattern>(f, "pattern", "random",
                                   {{"random", Pattern::kRandom}, {"markov", Pattern::kMarkov}});
    f.end();
  }
  if (!swap.on && swap.every > 0) {
    throw usage_error("config: \"preempt.freq\" goes with kind swap");
  }
  if (swap.on && config.tiers.size() < 2) {
    throw usage_error("config: \"preempt\": swap needs a second tier");
  }
}

void read_retention(Fields f, RunConfig& config) {
  config.retain = choice<Retain>(f, "kind", "none",
                                 {{"none", Retain::kOff},
                                  {"ttl", Retain::kTtl},
                                  {"continuum", Retain::kContinuum},
                                  {"continuum-fixed", Retain::kContinuumFixed},
                                  {"kvflow", Retain::kKvflow},
                                  {"kvflow-oracle", Retain::kKvflow},
                                  {"kvflow-learned", Retain::kKvflow}});
  if (config.retain == Retain::kTtl) {
    config.ttl = f.time("ttl", -1);
    if (config.ttl < 0) throw usage_error("config: \"retention.ttl\" is missing");
  }
  if (config.retain == Retain::kContinuum) {
    config.continuum_k = static_cast<std::uint32_t>(f.count("k", 100, 0, 1 << 30));
  }
  if (config.retain == Retain::kKvflow) {
    config.steps = choice<StepSource>(f, "kind", "kvflow",
                                      {{"kvflow", StepSource::kHints},
                                       {"kvflow-oracle", StepSource::kOracle},
                                       {"kvflow-learned", StepSource::kLearned}});
    config.hold = static_cast<std::uint32_t>(f.count("hold", 4, 1, 100));
    config.ahead = static_cast<std::uint32_t>(f.count("ahead", 2, 0, 100));
  }
  f.end();
}

void read_times(Fields& root, RunConfig& config) {
  Fields slo = root.object("slo");
  config.slo_ttft = slo.time("ttft", kNoTime);
  config.slo_tpot = slo.time("tpot", kNoTime);
  slo.end();
  config.warmup = root.time("warmup", 0);
  Fields funnel = root.object("funnel");
  config.funnel_share = funnel.number("share", 0, 0, 1);
  config.funnel_time = funnel.time("t_small", 0);
  funnel.end();
  Fields transfer = root.object("transfer");
  config.transfer_bw = transfer.rate("bw", 0);
  config.transfer_latency = transfer.time("lat", 0);
  config.transfer_by_layer = transfer.one_of("overlap", "none", {"none", "layer"}) == "layer";
  transfer.end();
}

void read_semi_pd(Fields f, SemiPdConfig& semi) {
  semi.x = f.number("x", semi.x, 0.01, 1);
  semi.y = f.number("y", semi.y, 0.01, 1);
  semi.window = f.time("window", semi.window);
  semi.step = f.number("step", semi.step, 0, 1);
  semi.y_sat = f.number("y_sat", semi.y_sat, 0, 1);
  semi.t_switch = f.time("t_switch", semi.t_switch);
  f.end();
}

// "ar", "block:E" or {"kind":"block","expected":E,"window":W,"prefix_cacheable":true}.
void read_decode(Fields& root, RunConfig& config) {
  constexpr std::uint64_t kWindow = 32;
  constexpr double kMost = 1024;
  DecodeConfig& decode = config.decode;
  if (!root.has("decode")) return;
  if (root.get("decode").is_string()) {
    const std::string text = root.text("decode", "");
    if (text == "ar") return;
    const auto expected =
        text.starts_with("block:") ? core::parse_double(text.substr(6)) : std::nullopt;
    if (!expected || !(*expected >= 1 && *expected <= kMost)) {
      throw usage_error("config: \"decode\": " + quoted(text) + " is neither ar nor block:E");
    }
    decode.expected = *expected;
    decode.window = kWindow;
  } else {
    Fields f = root.object("decode");
    (void)f.one_of("kind", "block", {"block"});
    decode.expected = f.number("expected", 1, 1, kMost);
    decode.window = static_cast<std::uint32_t>(f.count("window", kWindow, 1, 1 << 16));
    decode.prefix_cacheable = f.flag("prefix_cacheable", true);
    f.end();
  }
  if (decode.expected > decode.window) {
    throw usage_error("config: \"decode\" commits more tokens than its window has");
  }
}

void read_batch(Fields f, RunConfig& config) {
  config.max_seqs = static_cast<std::uint32_t>(f.count("max_seqs", 256, 1, 1 << 24));
  config.max_tokens = static_cast<std::uint32_t>(f.count("max_tokens", 2048, 1, 1 << 30));
  config.chunked = f.flag("chunked", true);
  config.block = static_cast<std::uint32_t>(f.count("block", 16, 1, 1 << 20));
  f.end();
}

void read_orders(Fields& root, RunConfig& config) {
  config.scheduler = choice<Scheduler>(root, "scheduler",
                                       config.retain == Retain::kContinuum ? "continuum" : "fcfs",
                                       {{"fcfs", Scheduler::kFcfs},
                                        {"prio", Scheduler::kPrio},
                                        {"sjf", Scheduler::kSjf},
                                        {"vtc", Scheduler::kVtc},
                                        {"program-fcfs", Scheduler::kProgramFcfs},
                                        {"edf", Scheduler::kEdf},
                                        {"continuum", Scheduler::kContinuum}});
  config.router = choice<Router>(root, "router", "rr",
                                 {{"rr", Router::kRoundRobin},
                                  {"jsq", Router::kJsq},
                                  {"token-jsq", Router::kTokenJsq},
                                  {"prefix", Router::kPrefix},
                                  {"session", Router::kSession},
                                  {"mixed-pool", Router::kMixedPool}});
}

void check(const RunConfig& config) {
  using Kind = CostConfig::Kind;
  if (config.cost.kind == Kind::kRoofline) {
    for (const FleetEntry& entry : config.fleet) {
      if (!entry.device) throw usage_error("config: no \"cost\", nor a model with a device");
    }
    if (config.model.layers == 0 || config.model.hidden == 0 || config.model.ffn == 0) {
      throw usage_error("config: a roofline needs a \"model\"");
    }
  }
  if (config.splitwise != (config.cost.kind == Kind::kSplitwise)) {
    throw usage_error("config: cost kind splitwise goes with --compat splitwise");
  }
  if (config.splitwise && (config.funnel_share > 0 || config.funnel_time > 0)) {
    throw usage_error("config: \"funnel\" has no place in --compat splitwise");
  }
  if (config.router == Router::kMixedPool && !config.splitwise) {
    throw usage_error("config: router mixed-pool goes with --compat splitwise");
  }
  if (config.semi_pd && (config.tiers.size() > 1 || config.retain != Retain::kOff)) {
    throw usage_error("config: layout semi-pd has one tier and no retention");
  }
  if (config.streams && (config.semi_pd || config.splitwise || !config.chunked)) {
    throw usage_error(
        "config: \"streams\" needs prompts in chunks, in a colocated or disaggregated layout");
  }
  if ((config.tiers.size() > 1 || config.transfer_bw > 0) && config.kv_bytes_per_token == 0) {
    throw usage_error("config: transfers need \"model\": the bytes of a token");
  }
}

}  // namespace

RunConfig parse_run_config(const nlohmann::json& json) {
  Fields root(&json, "");
  RunConfig config;
  read_trace_config(root.object("trace"), config.trace);
  read_model(root, config);
  const std::string compat = root.one_of("compat", "none", {"none", "splitwise"});
  config.splitwise = compat == "splitwise";
  read_cost(root, config);
  read_fleet(root, config);
  read_batch(root.object("batch"), config);
  read_cache(root.object("cache"), config);
  read_preempt(root, config);
  read_retention(root.object("retention"), config);
  read_orders(root, config);
  read_times(root, config);
  config.tokenweave = root.one_of("overlap", "none", {"none", "tokenweave"}) == "tokenweave";
  config.lserve = root.one_of("kv_layout", "dense", {"dense", "lserve"}) == "lserve";
  config.streams = root.flag("streams", false);
  read_decode(root, config);
  read_semi_pd(root.object("semi_pd"), config.semi);
  config.admit_by_slo = root.one_of("admission", "none", {"none", "slo"}) == "slo";
  config.seed = root.count("seed", 0, 0, ~0ull);
  (void)root.has("sweep");
  root.end();
  check(config);
  return config;
}

AutoSize auto_size(const RunConfig& config, const FleetEntry& entry) {
  if (!entry.device || config.model.layers == 0 || config.model.hidden == 0) {
    throw usage_error("config: size auto needs a model and a device");
  }
  AutoSize size;
  const ModelShape& m = config.model;
  size.util = config.memory_util;
  size.memory = static_cast<double>(entry.device->memory_bytes) * entry.tp;
  size.weights = m.parameters() * m.dtype_bytes;
  // Hidden states in and out, the two widened halves of the FFN, and a batch's logits in fp32.
  const double tokens = config.max_tokens;
  size.reserve = tokens * (4.0 * m.hidden * entry.tp + 2.0 * m.ffn) * m.dtype_bytes +
                 4.0 * config.max_seqs * m.vocab;
  size.kv = size.memory * size.util - size.weights - size.reserve;
  if (size.kv < static_cast<double>(config.kv_bytes_per_token) * config.block) {
    throw usage_error("config: " + quoted(m.name) + " leaves no memory for KV on " +
                      std::to_string(entry.tp) + " x " + entry.device->name);
  }
  return size;
}

std::uint64_t tier_blocks(const RunConfig& config, const TierConfig& tier,
                          const FleetEntry& entry) {
  if (tier.size == "unbounded") return kUnboundedBlocks;
  if (tier.size == "auto") {
    const double kv = auto_size(config, entry).kv;
    return static_cast<std::uint64_t>(kv / static_cast<double>(config.kv_bytes_per_token) /
                                      config.block);
  }
  CapacityScale scale;
  scale.block = config.block;
  scale.kv_bytes_per_token = config.kv_bytes_per_token;
  return std::min(capacity_blocks(tier.size, scale), kUnboundedBlocks);
}

}  // namespace stateutils::kv
