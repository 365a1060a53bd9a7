#include "statesmix/eval/evaluate.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/codec/model_config.hpp"

namespace stateutils::statesmix {
namespace {

// -log2(p / 65536) for every probability.
class CodeLengths {
 public:
  CodeLengths() : bits_(65537) {
    for (std::uint32_t p = 1; p <= 65536; ++p)
      bits_[p] = -portable_log(p / 65536.0) / 0.6931471805599453;
    bits_[0] = bits_[1];
  }
  [[nodiscard]] double operator()(std::uint32_t p, int bit) const {
    return bits_[bit != 0 ? p : 65536 - p];
  }

 private:
  std::vector<double> bits_;
};

// Order 0 by itself: one adaptive probability per node of the byte's tree.
std::uint64_t count_bytes(std::span<const std::uint8_t> raw, const CodeLengths& length,
                          const std::function<void(double)>& byte_done) {
  const LogisticTables& t = logistic_tables();
  std::vector<std::uint32_t> cell(256, kHalfCell);
  std::vector<std::uint8_t> out;
  RangeEncoder coder(out);
  for (const std::uint8_t byte : raw) {
    double bits = 0;
    std::uint32_t c0 = 1;
    for (int shift = 7; shift >= 0; --shift) {
      const int bit = (byte >> shift) & 1;
      const Prob16 p = std::clamp<std::uint32_t>(cell_p16(cell[c0]), 1, 65535);
      coder.encode(bit, p);
      bits += length(p, bit);
      update_cell(cell[c0], bit, t.map_rate);
      c0 = (c0 << 1) | static_cast<std::uint32_t>(bit);
    }
    byte_done(bits);
  }
  coder.finish();
  return out.size();
}

class Run {
 public:
  Run(const EvalOptions& options, EvalResult& result) : o_(options), result_(result) {}

  void block(std::span<const std::uint8_t> raw) {
    result_.bytes += raw.size();
    const BlockPlan plan = plan_block(raw);
    std::uint64_t coded = raw.size();
    if (plan.type == BlockType::kRun) coded = 1;
    if (plan.modelled()) coded = std::min<std::uint64_t>(modelled(plan.seen), raw.size());
    result_.bytes_out += coded;
    // Bytes the model did not see (runs, stored blocks) cost what the block's type costs.
    const auto plain = static_cast<double>(coded) * 8 / static_cast<double>(raw.size());
    while (done_ < result_.bytes) byte_done(plain);
  }
  void finish() {
    if (result_.bytes != 0 && (result_.curve.empty() || result_.curve.back().at != result_.bytes))
      point();
    result_.bpb = result_.bytes == 0 ? 0
                                     : 8.0 * static_cast<double>(result_.bytes_out) /
                                           static_cast<double>(result_.bytes);
    for (std::size_t i = 0; i < names_.size(); ++i) {
      result_.components.push_back(
          {names_[i], alone_[i] / static_cast<double>(std::max<std::uint64_t>(1, result_.bytes)),
           0});
    }
  }

 private:
  std::uint64_t modelled(std::span<const std::uint8_t> raw) {
    if (o_.model == EvalModel::kCount) {
      return count_bytes(raw, length_, [this](double bits) { byte_done(bits); });
    }
    const ModelConfig config = eval_config(o_, raw.size());
    if (names_.empty() && o_.by_component) {
      names_ = config.ngram.components();
      if (config.has_ssm()) names_.emplace_back("ssm");
      alone_.assign(names_.size(), 0);
    }
    double bits = 0;
    int seen = 0;
    return encode_modelled(raw, config, o_.isa, o_.tick,
                           [&](const Predictor& predictor, int bit, Prob16 p) {
                             bits += length_(p, bit);
                             for (std::size_t i = 0; i < alone_.size(); ++i) {
                               const bool ssm = config.has_ssm() && i + 1 == alone_.size();
                               const int st = ssm ? predictor.external().inputs[0]
                                                  : predictor.ngram().component_stretch(i);
                               alone_[i] += length_(squash(logistic_tables(), st), bit);
                             }
                             if (++seen == 8) {
                               byte_done(bits);
                               bits = 0;
                               seen = 0;
                             }
                           })
        .size();
  }
  void byte_done(double bits) {
    bits_ += bits;
    ++done_;
    if (o_.every != 0 && done_ % o_.every == 0) point();
  }
  void point() { result_.curve.push_back({done_, bits_ / static_cast<double>(done_)}); }

  const EvalOptions& o_;
  EvalResult& result_;
  CodeLengths length_;
  std::vector<std::string> names_;
  std::vector<double> alone_;
  double bits_ = 0;
  std::uint64_t done_ = 0;
};

template <class F>
void each_block(std::span<const std::uint8_t> raw, int preset, F visit) {
  const std::uint64_t size = default_block_size(preset);
  for (std::uint64_t at = 0; at < raw.size(); at += size) {
    visit(raw.subspan(static_cast<std::size_t>(at),
                      static_cast<std::size_t>(std::min<std::uint64_t>(size, raw.size() - at))));
  }
}

// The mix with one component left out.
double bpb_without(std::span<const std::uint8_t> raw, const EvalOptions& o, std::size_t component,
                   bool ssm) {
  std::uint64_t bytes = 0;
  each_block(raw, o.preset, [&](std::span<const std::uint8_t> block) {
    std::uint64_t coded = block.size();
    const BlockPlan plan = plan_block(block);
    if (plan.type == BlockType::kRun) coded = 1;
    if (plan.modelled()) {
      EvalOptions changed = o;
      if (ssm) changed.model = EvalModel::kNgram;
      ModelConfig config = eval_config(changed, block.size());
      if (!ssm) {
        if (config.ngram.off.empty())
          config.ngram.off.assign(config.ngram.components().size(), false);
        config.ngram.off[component] = true;
      }
      coded =
          std::min<std::uint64_t>(encode_modelled(plan.seen, config, o.isa, o.tick).size(), coded);
    }
    bytes += coded;
  });
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(raw.size());
}

}  // namespace

ModelConfig eval_config(const EvalOptions& o, std::uint64_t raw_size) {
  ModelConfig config = model_config(o.preset, raw_size);
  const bool needs_ssm = o.model == EvalModel::kSsm || !o.embed || !o.recurrence;
  if (needs_ssm &&
      (!config.has_ssm() || o.model == EvalModel::kNgram || o.model == EvalModel::kCount)) {
    throw core::usage_error(config.has_ssm()
                                ? "--no-embed and --no-recurrence need a model with the SSM"
                                : "preset " + std::to_string(o.preset) + " has no SSM");
  }
  if (o.model == EvalModel::kNgram) {
    config.ssm.width = 0;
    config.ngram.external = 0;
    for (Selector& s : config.ngram.selectors) {
      if (s == Selector::kSsmTop) s = Selector::kByteBit;
      if (s == Selector::kSsmPartial) s = Selector::kInWordPartial;
    }
  }
  if (o.model == EvalModel::kSsm) {
    NgramConfig only;  // order 0 is the count that the SSM is mixed with
    only.selectors = {Selector::kPartial, Selector::kSsmTop, Selector::kSsmPartial};
    only.external = config.ngram.external;
    only.finals = {Selector::kPartial};
    only.off = {true, false};
    config.ngram = only;
  }
  if (!o.embed) config.ssm.tables.clear();
  config.ssm.recurrence = o.recurrence;
  return config;
}

EvalResult evaluate(std::span<const std::uint8_t> raw, const EvalOptions& options) {
  if (options.model != EvalModel::kCount || !options.embed || !options.recurrence) {
    static_cast<void>(eval_config(options, 1));  // says early what cannot be
  }
  EvalResult result;
  Run run(options, result);
  each_block(raw, options.preset, [&](std::span<const std::uint8_t> block) { run.block(block); });
  run.finish();
  for (std::size_t i = 0; i < result.components.size(); ++i) {
    result.components[i].bpb_without =
        bpb_without(raw, options, i, result.components[i].name == "ssm");
  }
  return result;
}

}  // namespace stateutils::statesmix
