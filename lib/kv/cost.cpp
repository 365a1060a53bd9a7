#include "kv/cost.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "kv/cost_table.hpp"
#include "kv/formulas.hpp"

namespace stateutils::kv {

std::int64_t fixed_of_seconds(double seconds) {
  const double fixed = seconds * 1e9 * (1 << kFixedBits);
  if (!(std::abs(fixed) <= 8e18)) {
    throw core::input_error({}, "an iteration of more than two hours: the cost model does not fit");
  }
  return std::llround(fixed);
}

namespace {

class LinearCost : public CostModel {
 public:
  explicit LinearCost(const CostConfig& cost)
      : a_(fixed_of_seconds(cost.a)),
        b_(fixed_of_seconds(cost.b)),
        c_(fixed_of_seconds(cost.c)),
        d_(fixed_of_seconds(cost.d)) {}
  CostLine line(const BatchShape& batch, std::uint64_t) const override {
    CostLine line;
    line.fixed = a_ + b_ * static_cast<std::int64_t>(batch.prefill_tokens) + c_ * batch.decodes;
    line.per_ctx = d_;
    return line;
  }

 private:
  std::int64_t a_, b_, c_, d_;
};

// LServe: half of the heads keep sink and local tokens only, the others read at most a budget of
// pages chosen per query; the mean context of the batch stands for each sequence's.
constexpr double kSinkAndLocal = 64 + 256, kPageBudget = 4096;

class RooflineCost : public CostModel {
 public:
  RooflineCost(const RunConfig& config, const FleetEntry& entry)
      : model_(config.model),
        device_(*entry.device),
        tp_(entry.tp),
        lserve_(config.lserve),
        tokenweave_(config.tokenweave),
        kv_bytes_(static_cast<double>(config.kv_bytes_per_token)) {
    flops_s_ = tp_ * device_.peak_flops * device_.e_c;
    bytes_s_ = tp_ * device_.hbm_bytes_s * device_.e_m;
    attention_flops_ = 4.0 * model_.layers * model_.heads * model_.head_dim;
    weights_ = model_.parameters() * model_.dtype_bytes;
  }

  CostLine line(const BatchShape& batch, std::uint64_t ctx) const override {
    const Work work = work_of(batch, ctx);
    CostLine line = upper(work.compute, work.memory, ctx);
    line.last = std::min(line.last, work.last);
    line.overhead = work.overhead;
    line.fixed += work.overhead;
    return line;
  }
  Parts parts(const BatchShape& batch, std::uint64_t ctx) const override {
    const Work work = work_of(batch, ctx);
    return {static_cast<double>(work.compute.at(ctx)), static_cast<double>(work.memory.at(ctx)),
            static_cast<double>(work.overhead)};
  }

 private:
  // What arithmetic and memory take around `ctx`.
  struct Work {
    CostLine compute, memory;
    std::uint64_t last = ~0ull;
    std::int64_t overhead = 0;
  };
  [[nodiscard]] Work work_of(const BatchShape& batch, std::uint64_t ctx) const {
    const double n = batch.decodes;
    const double tokens = static_cast<double>(batch.prefill_tokens) + n * batch.window;
    // The bytes and FLOPs that one token of context adds, and those that none does.
    const Reading read = reading(n, ctx);
    const double flops =
        2 * model_.active_parameters() * tokens +
        attention_flops_ * (prefill_attention(batch) + batch.window * (n * 0.5 + read.fixed));
    const double activations = 4.0 * model_.layers * model_.hidden * model_.dtype_bytes * tokens;
    const double bytes =
        weights_ + activations +
        kv_bytes_ * (static_cast<double>(batch.prefill_context) + read.fixed + tokens);
    Work work;
    work.compute.fixed = fixed_of_seconds(flops / flops_s_);
    work.compute.per_ctx =
        fixed_of_seconds(attention_flops_ * batch.window * read.per_token / flops_s_);
    work.memory.fixed = fixed_of_seconds(bytes / bytes_s_);
    work.memory.per_ctx = fixed_of_seconds(kv_bytes_ * read.per_token / bytes_s_);
    work.last = read.last;
    work.overhead = fixed_of_seconds(overhead(tokens, flops / flops_s_));
    return work;
  }
  struct Reading {
    double fixed = 0, per_token = 1;
    std::uint64_t last = ~0ull;
  };

  // Pairs of new tokens and those they read in a prefill; LServe's streaming half of the heads
  // never reads more than sink and local ones.
  [[nodiscard]] double prefill_attention(const BatchShape& batch) const {
    const double all = batch.prefill_attention;
    if (!lserve_) return all;
    return (all + std::min(all, static_cast<double>(batch.prefill_tokens) * kSinkAndLocal)) / 2;
  }
  [[nodiscard]] Reading reading(double n, std::uint64_t ctx) const {
    if (!lserve_ || n == 0) return {};
    const auto sum = static_cast<double>(ctx);
    if (sum <= n * kSinkAndLocal) return {0, 1, static_cast<std::uint64_t>(n * kSinkAndLocal)};
    if (sum <= n * kPageBudget) {
      return {n * kSinkAndLocal / 2, 0.5, static_cast<std::uint64_t>(n * kPageBudget)};
    }
    return {n * (kSinkAndLocal + kPageBudget) / 2, 0, ~0ull};
  }
  // Launch and host work, and the collectives: two all-reduces a layer. TokenWeave splits a batch
  // of 1024 tokens or more in two halves and hides the one's all-reduce behind the other's work,
  // all but the last half-layer's.
  [[nodiscard]] double overhead(double tokens, double compute) const {
    if (tp_ < 2) return device_.overhead_s;
    const double bytes = tokens * model_.hidden * model_.dtype_bytes;
    const double links =
        2.0 * model_.layers *
        all_reduce_seconds("ring", tp_, bytes, device_.hop_s, device_.link_bytes_s);
    if (!tokenweave_ || tokens < 1024) return device_.overhead_s + links;
    const double exposed = std::min(links, compute) / (2.0 * model_.layers);
    return device_.overhead_s + std::max(0.0, links - compute) + exposed;
  }
  // The larger of two lines at ctx, up to where the other one passes it.
  static CostLine upper(const CostLine& compute, const CostLine& memory, std::uint64_t ctx) {
    const bool by_compute = compute.at(ctx) >= memory.at(ctx);
    CostLine top = by_compute ? compute : memory;
    const CostLine& other = by_compute ? memory : compute;
    if (other.per_ctx > top.per_ctx) {
      const Wide lead = top.fixed - other.fixed - (by_compute ? 0 : 1);
      top.last = static_cast<std::uint64_t>(lead / (other.per_ctx - top.per_ctx));
    }
    return top;
  }

  ModelShape model_;
  Device device_;
  std::uint32_t tp_;
  bool lserve_, tokenweave_;
  double kv_bytes_, flops_s_ = 0, bytes_s_ = 0, attention_flops_ = 0, weights_ = 0;
};

// Block decoding, as time per committed token: a forward pass over the windows of all decodes is
// shared by the tokens it commits, and beside prefills only what the decodes add to it. A decoder
// that cannot reuse its cache passes over each committed window once more. Tokens come out evenly
// here, not a block at a time.
class BlockDecodeCost : public CostModel {
 public:
  BlockDecodeCost(std::unique_ptr<CostModel> inner, const DecodeConfig& decode)
      : inner_(std::move(inner)),
        window_(decode.window),
        share_(1 / decode.expected + (decode.prefix_cacheable ? 0 : 1.0 / decode.window)) {}
  CostLine line(const BatchShape& batch, std::uint64_t ctx) const override {
    if (batch.decodes == 0) return inner_->line(batch, ctx);
    BatchShape both = batch, prefill = batch;
    both.window = window_;
    prefill.decodes = 0;
    CostLine without, line = inner_->line(both, ctx);
    if (batch.prefill_tokens > 0) without = inner_->line(prefill, 0);
    line.fixed = without.fixed + part(line.fixed - without.fixed);
    line.overhead = without.overhead + part(line.overhead - without.overhead);
    line.per_ctx = part(line.per_ctx);
    return line;
  }

 private:
  [[nodiscard]] std::int64_t part(std::int64_t fixed) const {
    return std::llround(share_ * static_cast<double>(fixed));
  }
  std::unique_ptr<CostModel> inner_;
  std::uint32_t window_;
  double share_;
};

std::unique_ptr<CostModel> token_cost_model(const RunConfig& config, const FleetEntry& entry) {
  switch (config.cost.kind) {
    case CostConfig::Kind::kLinear:
      return std::make_unique<LinearCost>(config.cost);
    case CostConfig::Kind::kTable:
      return make_table_cost(config.cost.profile);
    default:
      return std::make_unique<RooflineCost>(config, entry);
  }
}

}  // namespace

std::unique_ptr<CostModel> make_cost_model(const RunConfig& config, const FleetEntry& entry) {
  std::unique_ptr<CostModel> model = token_cost_model(config, entry);
  if (config.decode.window == 1) return model;
  return std::make_unique<BlockDecodeCost>(std::move(model), config.decode);
}

StretchSum sum_steps(const CostModel& model, std::uint32_t decodes, std::uint64_t ctx,
                     std::uint64_t steps) {
  StretchSum sum;
  BatchShape batch;
  batch.decodes = decodes;
  while (steps > 0) {
    const CostLine line = model.line(batch, ctx);
    // Steps whose context is on this line; at least this one.
    std::uint64_t on_line = steps;
    if (line.last - ctx < (steps - 1) * Wide{decodes}) on_line = (line.last - ctx) / decodes + 1;
    const Wide k = on_line;
    sum.total += k * line.at(ctx) + Wide{line.per_ctx} * decodes * (k * (k - 1) / 2);
    sum.overhead += k * line.overhead;
    if (line.extrapolated) sum.extrapolated += on_line;
    sum.last = line.at(ctx + (on_line - 1) * decodes);
    ctx += on_line * decodes;
    steps -= on_line;
  }
  return sum;
}

}  // namespace stateutils::kv
