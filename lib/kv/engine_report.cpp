#include "kv/engine_report.hpp"

#include <algorithm>

#include "kv/prefix_cache.hpp"
#include "kv/quantiles.hpp"

namespace stateutils::kv {
namespace {

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}
double fixed_seconds(Wide fixed) {
  return static_cast<double>(fixed) / (1 << kFixedBits) / 1e9;
}
double share(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

// The times of one served request, in seconds.
class Times {
 public:
  Times(const Trace& trace, const RunConfig& config, const SimResult& result)
      : trace_(trace), config_(config), r_(result) {}

  [[nodiscard]] bool served(std::uint32_t i) const { return r_.outcomes.finish[i] != kNoTime; }
  [[nodiscard]] bool counted(std::uint32_t i) const {
    return r_.arrival[i] != kNoTime && r_.arrival[i] >= r_.outcomes.count_from;
  }
  [[nodiscard]] double ttft(std::uint32_t i) const { return since(r_.outcomes.first[i], i); }
  [[nodiscard]] double e2e(std::uint32_t i) const { return since(r_.outcomes.finish[i], i); }
  [[nodiscard]] double queue(std::uint32_t i) const { return since(r_.outcomes.start[i], i); }
  [[nodiscard]] bool answered(std::uint32_t i) const {
    return !r_.outcomes.answered.empty() && r_.outcomes.answered[i];
  }
  [[nodiscard]] bool has_tpot(std::uint32_t i) const { return trace_.out[i] > 1 && !answered(i); }
  [[nodiscard]] double tpot(std::uint32_t i) const {
    return seconds(r_.outcomes.finish[i] - r_.outcomes.first[i]) / (trace_.out[i] - 1);
  }
  // Every SLO met; without a TPOT there is none to miss.
  [[nodiscard]] bool slo_ok(std::uint32_t i) const {
    if (!served(i)) return false;
    const auto limit = [i](const std::vector<std::int64_t>& own, std::int64_t common) {
      return own.empty() || own[i] == kNoTime ? common : own[i];
    };
    const std::int64_t token = limit(trace_.slo_tpot, config_.slo_tpot);
    const std::int64_t decode = r_.outcomes.finish[i] - r_.outcomes.first[i];
    if (r_.outcomes.first[i] - r_.arrival[i] > slo_ttft(trace_, config_, i)) return false;
    return token == kNoTime || !has_tpot(i) || Wide{decode} <= Wide{token} * (trace_.out[i] - 1);
  }

 private:
  [[nodiscard]] double since(std::int64_t at, std::uint32_t i) const {
    return seconds(at - r_.arrival[i]);
  }
  const Trace& trace_;
  const RunConfig& config_;
  const SimResult& r_;
};

struct Span {
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = kNoTime;
  void take(std::int64_t from, std::int64_t to) {
    first = std::min(first, from);
    last = std::max(last, to);
  }
  [[nodiscard]] double length() const { return last == kNoTime ? 0 : seconds(last - first); }
};

// Quantiles of a value over the `rows` requests that are `in`.
template <class In, class Value>
void write_column(core::JsonWriter& json, const char* name, std::uint64_t rows, In in,
                  Value value) {
  std::vector<double> column;
  column.reserve(rows);
  for (std::uint32_t i = 0; column.size() < rows; ++i) {
    if (in(i)) column.push_back(value(i));
  }
  json.key(name);
  write_quantiles(json, column);
}

// Job completion: from a session's first arrival to its last finish.
template <class In>
void write_jobs(core::JsonWriter& json, const Trace& trace, const SimResult& result,
                std::uint64_t rows, In served) {
  std::vector<Span> jobs(trace.sessions.size());
  std::vector<double> column;
  if (trace.session.empty()) column.reserve(rows);
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    if (!served(i)) continue;
    const std::uint32_t session = session_of(trace, i);
    if (session == kNone) {
      column.push_back(seconds(result.outcomes.finish[i] - result.arrival[i]));
    } else {
      jobs[session].take(result.arrival[i], result.outcomes.finish[i]);
    }
  }
  for (const Span& job : jobs) {
    if (job.last != kNoTime) column.push_back(job.length());
  }
  json.key("jct");
  write_quantiles(json, column);
}

void write_tiers(core::JsonWriter& json, const char* name, const RunConfig& config,
                 const std::array<std::uint64_t, kTiers>& parts, std::uint64_t whole) {
  json.key(name).begin_object();
  for (std::size_t tier = 0; tier < config.tiers.size(); ++tier) {
    json.field(config.tiers[tier].name,
               share(static_cast<double>(parts[tier]), static_cast<double>(whole)));
  }
  json.end_object();
}

// The references of one instance as a trace of its own.
Trace references_of(const Trace& trace, const std::vector<std::uint32_t>& requests) {
  Trace part;
  for (const std::uint32_t i : requests) {
    const auto runs = trace.runs_of(i);
    part.in.push_back(trace.in[i]);
    part.runs.insert(part.runs.end(), runs.begin(), runs.end());
    part.run_end.push_back(static_cast<std::uint32_t>(part.runs.size()));
  }
  part.id_space = trace.id_space;
  part.block = trace.block;
  return part;
}

void write_bound(core::JsonWriter& json, const Trace& trace, const RunConfig& config,
                 const SimResult& result) {
  const Fleet fleet(trace, config);
  double belady = 0, unbounded = 0, references = 0;
  for (std::size_t i = 0; i < fleet.instances.size(); ++i) {
    const Trace part = references_of(trace, result.outcomes.admitted[i]);
    if (part.size() == 0) continue;
    std::uint64_t capacity = 0;
    for (const TierSetup& tier : fleet.instances[i].tiers) capacity += tier.capacity;
    const double all = static_cast<double>(unbounded_hits(part, previous_use(part)));
    unbounded += all;
    if (capacity >= trace.distinct) {
      belady += all;
    } else if (capacity > 0) {
      belady += static_cast<double>(prefix_belady(part, next_use(part), capacity).hit_blocks);
    }
    for (std::uint32_t k = 0; k < part.size(); ++k) references += part.blocks_of(k);
  }
  json.key("bound").begin_object().field("belady", share(belady, references));
  json.field("unbounded", share(unbounded, references)).end_object();
}

void write_power(core::JsonWriter& json, const RunConfig& config, const SimResult& result,
                 double makespan) {
  double devices = 0, idle = 0, swing = 0, price = 0;
  bool known = true;
  for (const FleetEntry& entry : config.fleet) {
    const double n = 1.0 * entry.count * entry.tp;
    devices += entry.count;
    known = known && entry.device && entry.device->tdp_w > 0;
    if (!entry.device) continue;
    idle += n * entry.device->idle_w;
    swing += n * (entry.device->tdp_w - entry.device->idle_w);
    price += n * entry.device->price_h;
  }
  // A fleet of several devices shares the working time in proportion to its instances.
  const double bound = fixed_seconds(result.outcomes.bound);
  json.field("util", share(fixed_seconds(result.outcomes.busy), makespan * devices));
  json.key("energy_j");
  known ? json.value(idle * makespan + swing * bound / devices) : json.null();
  json.key("cost");
  known ? json.value(price * makespan / 3600) : json.null();
}

void write_memory(core::JsonWriter& json, const Trace& trace, const RunConfig& config) {
  const Fleet fleet(trace, config);
  double bytes = 0, below = 0;
  for (const InstanceSetup& setup : fleet.instances) {
    for (std::size_t tier = 1; tier < setup.tiers.size(); ++tier) {
      const std::uint64_t blocks = setup.tiers[tier].capacity;
      if (blocks >= kUnboundedBlocks / fleet.per_block) continue;
      below += static_cast<double>(blocks) * fleet.block * static_cast<double>(fleet.token_bytes);
    }
    if (setup.units < kUnboundedBlocks) {
      bytes +=
          static_cast<double>(setup.units) * config.block * static_cast<double>(fleet.token_bytes);
    }
  }
  json.key("memory").begin_object().field("kv_bytes", bytes);
  if (config.tiers.size() > 1) json.field("total_kv_bytes", bytes + below);
  if (config.tiers[0].size == "auto") {
    const AutoSize size = auto_size(config, config.fleet[0]);
    json.field("util", size.util).field("weights_bytes", size.weights);
    json.field("reserve_bytes", size.reserve);
  }
  json.end_object();
}

}  // namespace

void write_summary(core::JsonWriter& json, const Trace& trace, const RunConfig& config,
                   const SimResult& result, bool bound) {
  const Outcomes& out = result.outcomes;
  const Times times(trace, config, result);
  std::uint64_t counted = 0, rejected = 0, good = 0, answered = 0, decoded = 0;
  Span run;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    if (!times.counted(i)) continue;
    ++counted;
    if (!times.served(i)) {
      ++rejected;
      continue;
    }
    if (times.has_tpot(i)) ++decoded;
    if (times.slo_ok(i)) ++good;
    if (times.answered(i)) ++answered;
    run.take(result.arrival[i], out.finish[i]);
  }
  const double makespan = run.length();
  json.field("requests", counted).field("rejected", rejected).field("makespan_s", makespan);
  const std::uint64_t served = counted - rejected;
  const auto is_served = [&](auto i) { return times.counted(i) && times.served(i); };
  const auto is_decoded = [&](auto i) { return is_served(i) && times.has_tpot(i); };
  write_column(json, "ttft", served, is_served, [&](auto i) { return times.ttft(i); });
  write_column(json, "tpot", decoded, is_decoded, [&](auto i) { return times.tpot(i); });
  write_column(json, "tbt_max", decoded, is_decoded,
               [&](auto i) { return seconds(out.tbt_max[i]); });
  write_column(json, "e2e", served, is_served, [&](auto i) { return times.e2e(i); });
  write_column(json, "queue", served, is_served, [&](auto i) { return times.queue(i); });
  write_jobs(json, trace, result, served, is_served);
  json.key("hit_ratio").begin_object();
  write_tiers(json, "tokens", config, out.hit_tokens, out.in_tokens);
  write_tiers(json, "blocks", config, out.hit_blocks, out.references);
  json.end_object();
  if (bound && trace.has_blocks() && trace.chains) write_bound(json, trace, config, result);
  json.field("prefilled_tokens", out.prefilled_tokens).field("recomputed_tokens", out.recomputed);
  json.field("preemptions", out.preempted).field("iterations", out.iterations);
  json.field("swap_in_bytes", out.swap_in_bytes).field("swap_out_bytes", out.swap_out_bytes);
  json.field("transfers", out.transfers).field("stall_s", seconds(out.stalled));
  json.field("slo_attainment", share(static_cast<double>(good), static_cast<double>(counted)));
  json.field("goodput_rps", share(static_cast<double>(good), makespan));
  if (config.funnel_share > 0) json.field("answered", answered);
  write_power(json, config, result, makespan);
  write_memory(json, trace, config);
  if (config.retain == Retain::kKvflow) {
    json.field("retention", step_policy_name(known_steps(trace, config.steps)));
  }
  json.field("extrapolated_share",
             share(static_cast<double>(out.extrapolated), static_cast<double>(out.iterations)));
}

void write_requests(core::JsonlWriter& writer, const Trace& trace, const RunConfig& config,
                    const SimResult& result) {
  const Outcomes& out = result.outcomes;
  const Times times(trace, config, result);
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    core::JsonWriter& json = writer.begin();
    const bool served = times.served(i);
    const auto field = [&](const char* name, bool known, auto value) {
      json.key(name);
      known ? json.value(value()) : json.null();
    };
    const auto at = [](std::int64_t ns) { return [ns] { return seconds(ns); }; };
    json.field("id", trace.id_of(i));
    field("t", result.arrival[i] != kNoTime, at(result.arrival[i]));
    field("start", served, at(out.start[i]));
    field("first_token", served, at(out.first[i]));
    field("finish", served, at(out.finish[i]));
    field("ttft", served, [&] { return times.ttft(i); });
    field("tpot", served && times.has_tpot(i), [&] { return times.tpot(i); });
    field("tbt_max", served && times.has_tpot(i), at(out.tbt_max[i]));
    field("e2e", served, [&] { return times.e2e(i); });
    field("queue", served, [&] { return times.queue(i); });
    field("stall_swap", served, at(out.stall[i]));
    json.key("hit_tokens").begin_object();
    for (std::size_t tier = 0; tier < config.tiers.size(); ++tier) {
      json.field(config.tiers[tier].name, out.hits[i][tier]);
    }
    json.end_object();
    json.field("prefilled", out.prefilled[i]).field("preemptions", out.preemptions[i]);
    field("instance", served && !times.answered(i), [&] { return out.instance[i]; });
    json.field("slo_ok", times.slo_ok(i));
    if (!served) json.field("rejected", true);
    if (config.retain != Retain::kOff && config.retain != Retain::kKvflow) {
      field("ttl", out.ttl[i] != kNoTime, at(out.ttl[i]));
      field("benefit", out.benefit[i] != kNoTime, at(out.benefit[i]));
    }
    writer.end();
  }
}

void write_iteration(core::JsonlWriter& writer, const IterationLine& line) {
  core::JsonWriter& json = writer.begin();
  json.field("t", seconds(line.t)).field("instance", line.instance);
  json.field("duration", seconds(line.duration)).field("prefill_tokens", line.prefill_tokens);
  json.field("decode_seqs", line.decodes).field("context_tokens", line.context);
  json.field("kv_blocks", line.kv_blocks).field("waiting", line.waiting);
  json.field("preempted", line.preempted);
  writer.end();
}

}  // namespace stateutils::kv
