// What `run` and `sweep` simulate: one JSON configuration, checked and typed.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kv/agent_steps.hpp"
#include "kv/devices.hpp"
#include "kv/models.hpp"
#include "kv/trace.hpp"

namespace stateutils::kv {

enum class Scheduler { kFcfs, kPrio, kSjf, kVtc, kProgramFcfs, kEdf, kContinuum };
enum class Router { kRoundRobin, kJsq, kTokenJsq, kPrefix, kSession, kMixedPool };
enum class Role { kBoth, kPrefill, kDecode };
enum class Evict { kLru, kFifo, kLfu };
enum class Reload { kAuto, kAlways, kNever };
enum class TierWrite { kBack, kThrough, kDrop };
enum class Retain { kOff, kTtl, kContinuumFixed, kContinuum, kKvflow };
enum class Pattern { kRandom, kMarkov };

struct TraceConfig {
  std::string file, format = "auto", prefix = "none", replay = "default";
  bool sort = false;
  std::optional<std::string> scope, session_arrival, arrival;
  std::optional<std::uint64_t> block;
  double scale_rate = 1;
  std::uint64_t limit = 0;
};

struct CostConfig {
  enum class Kind { kLinear, kRoofline, kTable, kSplitwise };
  Kind kind = Kind::kLinear;
  double a = 0, b = 0, c = 0, d = 0;  // linear: s, s/token, s/sequence, s/token of context
  std::optional<Device> device;       // roofline; a fleet entry's own device goes before it
  std::string profile;                // table, splitwise
};

struct FleetEntry {
  std::string name;
  Role role = Role::kBoth;
  std::uint32_t count = 1, tp = 1;
  std::optional<Device> device;
};

struct TierConfig {
  std::string name, size;   // "auto", "unbounded" or a size with a unit
  double bandwidth = 50e9;  // to the tier above
  std::int64_t latency = 10'000;
  Evict policy = Evict::kLru;
  TierWrite write = TierWrite::kBack;
};

struct SwapConfig {
  bool on = false, grouped = false, reuse = true;
  std::uint32_t first_group = 60;
  std::int64_t call = 10'000;
  std::uint32_t every = 0;  // iterations between changes of priorities; 0: they do not change
  Pattern pattern = Pattern::kRandom;
};

// A diffusion-like decoder that commits `expected` tokens of a window per forward pass. Without a
// prefix cache of its own it computes the window once more for each block it has committed.
struct DecodeConfig {
  double expected = 1;
  std::uint32_t window = 1;
  bool prefix_cacheable = true;
};

// Shares of the processors for prefill and decode, and what moves them.
struct SemiPdConfig {
  double x = 0.8, y = 1, step = 0.05, y_sat = 0.5;
  std::int64_t window = 5 * kSecond, t_switch = 20'000'000;
};

struct RunConfig {
  TraceConfig trace;
  std::string model_name;
  ModelShape model;                      // zeros where only bytes are known
  std::uint64_t kv_bytes_per_token = 0;  // 0: unknown
  CostConfig cost;
  std::vector<FleetEntry> fleet;
  std::uint32_t max_seqs = 256, max_tokens = 2048, block = 16;
  bool chunked = true;
  Scheduler scheduler = Scheduler::kFcfs;
  Router router = Router::kRoundRobin;
  SwapConfig swap;
  std::vector<TierConfig> tiers;
  Reload reload = Reload::kAuto;
  bool exclusive = false, share_prefixes = true;
  Retain retain = Retain::kOff;
  std::int64_t ttl = 0;
  std::uint32_t continuum_k = 100;
  StepSource steps = StepSource::kHints;  // KVFlow
  std::uint32_t hold = 4, ahead = 2;
  bool admit_by_slo = false;  // a request whose predicted TTFT misses its SLO is rejected
  DecodeConfig decode;
  std::int64_t slo_ttft = kNoTime, slo_tpot = kNoTime;
  std::int64_t warmup = 0;
  double funnel_share =
      0;  // of the requests, answered by a small model that sees all of them first
  std::int64_t funnel_time = 0;  // in this time
  bool disaggregated = false, semi_pd = false;
  SemiPdConfig semi;
  double transfer_bw = 0;  // 0: at once
  std::int64_t transfer_latency = 0;
  bool transfer_by_layer = false, tokenweave = false, lserve = false;
  bool streams = false;  // output goes on while the prompt is still being read
  double memory_util = 0.9;
  bool splitwise = false;  // compat
  std::uint64_t seed = 0;
};

// kUsage with the key's path on anything unknown, missing or out of range. `compat` "" or
// "splitwise" comes from the command line or the key.
[[nodiscard]] RunConfig parse_run_config(const nlohmann::json& config);

// Bytes an instance has for KV by `auto`: memory * util - weights - a reserve for activations.
struct AutoSize {
  double memory = 0, util = 0, weights = 0, reserve = 0, kv = 0;
};
[[nodiscard]] AutoSize auto_size(const RunConfig& config, const FleetEntry& entry);
// Blocks of `batch.block` tokens; kUnboundedBlocks without a limit.
inline constexpr std::uint64_t kUnboundedBlocks = 1ull << 40;
[[nodiscard]] std::uint64_t tier_blocks(const RunConfig& config, const TierConfig& tier,
                                        const FleetEntry& entry);

}  // namespace stateutils::kv
