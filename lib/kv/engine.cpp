#include "kv/engine.hpp"

#include <cmath>

#include "core/error.hpp"
#include "kv/engine_semi_plain.hpp"

namespace stateutils::kv {

Fleet::Fleet(const Trace& trace, const RunConfig& config) : token_bytes(config.kv_bytes_per_token) {
  block = trace.has_blocks() && trace.chains && config.share_prefixes ? trace.block : config.block;
  if (block % config.block != 0) {
    throw core::usage_error("config: \"batch.block\" " + std::to_string(config.block) +
                            " does not divide the trace's blocks of " + std::to_string(block));
  }
  per_block = block / config.block;
  constexpr std::uint64_t kFew = 1000, kPerToken = 16;
  std::uint64_t tokens = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) tokens += trace.in[i] + outputs_of(trace, i);
  most_preemptions = kFew + kPerToken * tokens;
  for (const FleetEntry& entry : config.fleet) {
    InstanceSetup setup;
    setup.entry = &entry;
    setup.cost = make_cost_model(config, entry);
    setup.units = tier_blocks(config, config.tiers[0], entry);
    for (const TierConfig& tier : config.tiers) {
      setup.tiers.push_back(
          {tier_blocks(config, tier, entry) / per_block, tier.policy, tier.write});
    }
    for (std::uint32_t i = 0; i < entry.count; ++i) {
      const auto index = static_cast<std::uint32_t>(instances.size());
      if (entry.role != Role::kDecode) front.push_back(index);
      if (entry.role == Role::kDecode) back.push_back(index);
      instances.push_back(setup);
    }
  }
}

void Fleet::check_progress(std::uint64_t preempted) const {
  if (preempted <= most_preemptions) return;
  throw core::environment_error("the requests push each other out of memory and nothing gets on (" +
                                std::to_string(preempted) +
                                " preemptions): give the first tier more room");
}

SimResult simulate(const Trace& trace, const RunConfig& config, const SimOptions& options) {
  const auto plain = config.semi_pd ? simulate_semi_plainly : simulate_plainly;
  const auto fast = config.semi_pd ? simulate_semi_pd : simulate_stretches;
  SimResult result = (options.exact_steps ? plain : fast)(trace, config, options);
  const Outcomes& out = result.outcomes;
  std::uint64_t stuck = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    stuck += out.start[i] != kNoTime && out.finish[i] == kNoTime;
  }
  if (stuck > 0) {
    throw core::environment_error(std::to_string(stuck) +
                                  " requests start and never end: what is retained and what waits "
                                  "fill the memory; give the first tier more room");
  }
  return result;
}

std::int64_t transfer_ns(std::uint64_t bytes, double bytes_per_s) {
  if (bytes_per_s <= 0) return 0;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) / bytes_per_s * 1e9));
}

std::int64_t handover_ns(const RunConfig& config, std::uint64_t bytes, std::int64_t prefill) {
  const std::int64_t whole = transfer_ns(bytes, config.transfer_bw);
  if (!config.transfer_by_layer) return config.transfer_latency + whole;
  const auto layers = static_cast<std::int64_t>(std::max(1u, config.model.layers));
  return config.transfer_latency + std::max((whole + layers - 1) / layers, whole - prefill);
}

std::int64_t swap_ns(const RunConfig& config, std::uint64_t units, std::uint64_t bytes) {
  const std::uint64_t group = config.swap.grouped ? config.swap.first_group : 1;
  const std::uint64_t groups = (units + group - 1) / group;
  const std::uint64_t calls = 2ull * std::max(1u, config.model.layers) * groups;
  return static_cast<std::int64_t>(calls) * config.swap.call +
         transfer_ns(bytes, config.tiers[1].bandwidth);
}

std::size_t fitting(std::span<const std::uint64_t> units, std::uint64_t room, std::size_t seqs) {
  std::size_t n = 0;
  for (; n < std::min(units.size(), seqs) && units[n] <= room; ++n) room -= units[n];
  return n;
}

std::int64_t prefill_ns(const CostModel& cost, const RunConfig& config, std::uint64_t tokens,
                        std::uint32_t decodes) {
  const std::uint64_t budget = config.max_tokens - std::min(config.max_tokens - 1, decodes);
  const std::uint64_t chunk = config.chunked ? std::min(budget, tokens) : tokens;
  const auto one = [&](std::uint64_t size) {
    BatchShape batch;
    batch.prefill_tokens = size;
    batch.prefill_attention = static_cast<double>(size) * static_cast<double>(size) / 2;
    batch.decodes = decodes;
    return cost.cost(batch, 0);
  };
  Wide sum = chunk == 0 ? 0 : one(chunk) * static_cast<Wide>(tokens / chunk);
  if (chunk > 0 && tokens % chunk > 0) sum += one(tokens % chunk);
  return rounded_ns(sum);
}

std::int64_t recompute_ns(const CostModel& cost, std::uint64_t context, std::uint64_t tokens) {
  BatchShape batch;
  const Wide without = cost.cost(batch, 0);
  batch.prefill_tokens = tokens;
  batch.prefill_context = context;
  const auto n = static_cast<double>(tokens);
  batch.prefill_attention = n * (static_cast<double>(context) + n / 2);
  return rounded_ns(cost.cost(batch, 0) - without);
}

}  // namespace stateutils::kv
