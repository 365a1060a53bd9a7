#include "statesmix/ssm/ssm_model.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "statesmix/cm/logistic.hpp"

namespace stateutils::statesmix {
namespace {

// Normals that are the same everywhere: twelve 16-bit uniforms from a counter, summed as integers
// (Irwin-Hall, variance 1), one exact conversion and one multiplication.
class Normals {
 public:
  float next(double deviation) {
    std::int64_t sum = -6 * 65536;
    for (int word = 0; word < 3; ++word) {
      const std::uint64_t bits = hash64(++counter_ * 0x9E3779B97F4A7C15ull);
      for (int k = 0; k < 4; ++k) sum += static_cast<std::int64_t>((bits >> (16 * k)) & 0xFFFF);
    }
    return static_cast<float>(static_cast<double>(sum + 6) / 65536.0 * deviation);
  }

 private:
  std::uint64_t counter_ = 0;
};

double root(double x) {
  return portable_exp(0.5 * portable_log(x));
}

void start_layer(const SsmLayout& o, float* w, Normals& normals) {
  const auto d = static_cast<std::size_t>(o.width);
  const std::size_t inner = 2 * d;
  const auto fill = [&](std::size_t at, std::size_t n, double deviation) {
    for (std::size_t i = 0; i < n; ++i) w[at + i] = normals.next(deviation);
  };
  const double wide = static_cast<double>(inner);
  for (std::size_t i = 0; i < d; ++i) w[o.gain + i] = 1;
  fill(o.w_in, d * 2 * inner, 1 / root(static_cast<double>(d)));
  fill(o.conv, kConv * inner, 0.5);
  for (std::size_t i = 0; i < inner; ++i) {
    for (std::size_t k = 0; k < kProjection; ++k) {
      const float x = normals.next(1 / root(wide));
      w[o.w_x + i * kProjection + k] = k < 2 * kStates + kRank ? x : 0;
    }
  }
  fill(o.w_dt, kRank * inner, 0.5 / root(kRank));
  for (std::size_t i = 0; i < inner; ++i) {
    // Step sizes log-uniform in [0.001, 0.2]; b_dt is their inverse softplus.
    const double u = (static_cast<double>(i) + 0.5) / wide;
    const double dt =
        portable_exp(portable_log(0.001) + u * (portable_log(0.2) - portable_log(0.001)));
    w[o.b_dt + i] = static_cast<float>(portable_log(portable_exp(dt) - 1));
    w[o.a_log + i] = 0;
    w[o.d_skip + i] = 1;
  }
  fill(o.w_out, inner * d, 0.5 / root(wide));
}

// 0..7 by |log-odds| of the SSM's bit, in 2^-8.
std::uint32_t confidence_class(int st) {
  const int s = st < 0 ? -st : st;
  constexpr int kEdges[7] = {64, 180, 360, 600, 920, 1300, 1800};
  std::uint32_t k = 0;
  while (k < 7 && s >= kEdges[k]) ++k;
  return k;
}

std::size_t activation_floats(const SsmConfig& c) {
  return SsmActivations<float>::floats(c.width, c.layers);
}

}  // namespace

void ssm_start_values(const SsmLayout& layout, float* params, float* embedding) {
  Normals normals;
  const auto d = static_cast<std::size_t>(layout.width);
  for (std::size_t i = 0; i < kSymbols * d; ++i) embedding[i] = normals.next(0.5);
  for (int l = 0; l < layout.layers; ++l) {
    start_layer(layout, params + static_cast<std::size_t>(l) * layout.layer_size, normals);
  }
  for (std::size_t i = 0; i < d; ++i) params[layout.gain_out + i] = 1;
  for (std::size_t g = 0; g <= kNibble; ++g) {
    float* group = params + layout.head + g * layout.group_size;
    for (std::size_t i = 0; i < kNibble; ++i) group[i] = 0;
    for (std::size_t i = kNibble; i < layout.group_size; ++i) group[i] = normals.next(0.02);
  }
}

std::size_t SsmConfig::memory() const {
  const auto r = [](std::size_t floats) { return Arena::rounded(floats * 4); };
  const SsmLayout layout(width, layers);
  const std::size_t d = static_cast<std::size_t>(width);
  return 4 * r(layout.size) + 3 * r(kSymbols * d) + r(activation_floats(*this)) +
         tables.size() * (r(d << table_bits) + r(std::size_t{1} << table_bits));
}

SsmModel::SsmModel(const SsmConfig& config, Arena& arena, Isa isa)
    : config_(config),
      layout_(config.width, config.layers),
      kernels_(ssm_kernels(isa, config.width)) {
  const auto d = static_cast<std::size_t>(config.width);
  params_ = arena.take<float>(layout_.size);
  grads_ = arena.take<float>(layout_.size);
  m_ = arena.take<float>(layout_.size);
  v_ = arena.take<float>(layout_.size);
  embedding_ = arena.take<float>(kSymbols * d);
  embedding_m_ = arena.take<float>(kSymbols * d);
  embedding_v_ = arena.take<float>(kSymbols * d);
  acts_.carve(arena.take<float>(activation_floats(config)), config.width, config.layers);
  for (std::size_t k = 0; k < config.tables.size(); ++k) {
    rows_.push_back(arena.take<float>(d << config.table_bits));
    row_memory_.push_back(arena.take<float>(std::size_t{1} << config.table_bits));
  }
  ssm_start_values(layout_, params_, embedding_);
  kernels_.derive(layout_, params_, acts_);
}

void SsmModel::prefetch_byte(const TextState& text) {
  const auto slot = static_cast<std::size_t>(t_);
  const auto d = static_cast<std::size_t>(config_.width);
  input_[slot] = static_cast<std::uint8_t>(text.byte(1));
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    const std::uint64_t hash = hash64(text.hash(config_.tables[k]) + 2);
    const auto at = static_cast<std::uint32_t>(hash >> (64 - config_.table_bits));
    row_at_[slot][k] = at;
    const float* row = rows_[k] + at * d;
    for (std::size_t i = 0; i < d; i += 16) __builtin_prefetch(row + i);
    __builtin_prefetch(row_memory_[k] + at);
  }
}

void SsmModel::predict_byte() {
  const auto slot = static_cast<std::size_t>(t_);
  const auto d = static_cast<std::size_t>(config_.width);
  float* x = acts_.layer[0].x + slot * d;
  std::memcpy(x, embedding_ + input_[slot] * d, sizeof(float) * d);
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    kernels_.add_row(x, rows_[k] + row_at_[slot][k] * d, config_.width);
  }
  kernels_.forward(layout_, params_, acts_, t_, config_.recurrence);
  plant(first(), first_);
}

void SsmModel::predict_second(std::uint32_t first_nibble) {
  kernels_.forward_second(layout_, params_, acts_, t_, first_nibble);
  plant(second(), second_);
}

void SsmModel::plant(const float* p, Tree& tree) const {
  std::uint32_t* const leaves = tree.sum.data() + kNibble;
  kernels_.quantise(p, leaves);
  std::uint32_t most = 0;
  for (std::uint32_t i = 0; i < kNibble; ++i) {
    if (leaves[i] <= most) continue;
    most = leaves[i];
    tree.likeliest = i;
  }
  for (std::size_t node = kNibble - 1; node > 0; --node)
    tree.sum[node] = tree.sum[2 * node] + tree.sum[2 * node + 1];
}

void SsmModel::predict_bit(std::uint32_t c0, ExternalBit& out) const {
  const bool early = c0 < kNibble;
  const Tree& tree = early ? first_ : second_;
  // The node within the nibble: c0 below its leading one and, in the second, the first nibble.
  const std::uint32_t low = static_cast<std::uint32_t>(std::bit_width(c0)) - (early ? 1 : 5);
  const std::uint32_t at = (1u << low) | (c0 & ((1u << low) - 1));
  const std::uint64_t one = tree.sum[2 * at + 1];
  auto p = static_cast<std::uint32_t>((one << 16) / tree.sum[at]);
  p = p < 1 ? 1 : (p > 65535 ? 65535 : p);
  const int st = stretch(logistic_tables(), p);
  out.inputs[0] = static_cast<std::int16_t>(st);
  out.inputs[1] = static_cast<std::int16_t>(((static_cast<int>(p) - 32768) * 3) >> 8);
  // The likeliest value agrees with the bits so far when shifting it down meets the node.
  const std::uint32_t leaf = tree.likeliest | kNibble;
  const bool met = leaf >> (4 - low) == at;
  const std::uint32_t agrees = met ? 1 + (leaf >> (3 - low) & 1) : 0;
  // In the second nibble: whether the first came as expected.
  const std::uint32_t kept = !early && first_.likeliest == (c0 >> low & 15) ? 3 : 0;
  out.confidence = confidence_class(st);
  out.top_class = (kept + agrees) * 8 + out.confidence;
}

void SsmModel::learn(std::uint8_t byte) {
  target_[static_cast<std::size_t>(t_)] = byte;
  if (++t_ == kChunk) {
    update();
    t_ = 0;
  }
}

// One optimiser step for the dense parameters and the embedding rows used, then one step per byte,
// in order, for the rows of the sparse tables.
void SsmModel::update() {
  kernels_.backward(layout_, params_, grads_, acts_, target_.data(), config_.recurrence);
  kernels_.carry(layout_, acts_);
  // What every byte uses comes before the second nibble's groups.
  const std::size_t common = layout_.second(0);
  std::array<std::size_t, kChunk> group{};  // of the head, by first use
  std::size_t groups = 0;
  for (std::uint32_t t = 0, met = 0; t < kChunk; ++t) {
    const std::uint32_t nibble = target_[t] >> 4;
    if ((met >> nibble & 1) == 0) group[groups++] = layout_.second(nibble);
    met |= 1u << nibble;
  }
  const auto d = static_cast<std::size_t>(config_.width);
  // Gradient of each embedding row used: the sum over its bytes, ascending, kept at its first use.
  std::array<int, kSymbols> first;
  first.fill(-1);
  float row_grads[kChunk * 96];
  std::memset(row_grads, 0, sizeof(float) * kChunk * d);
  float norm2 = kernels_.square_norm(grads_, common);
  for (std::size_t k = 0; k < groups; ++k)
    norm2 = norm2 + kernels_.square_norm(grads_ + group[k], layout_.group_size);
  for (std::size_t t = 0; t < kChunk; ++t) {
    int& at = first[input_[t]];
    if (at < 0) at = static_cast<int>(t);
    kernels_.add_row(row_grads + static_cast<std::size_t>(at) * d, acts_.dx + t * d, config_.width);
  }
  norm2 = norm2 + kernels_.square_norm(row_grads, kChunk * d);
  ++updates_;
  if (!(norm2 < 0x1p80f)) return;  // rule 7: a chunk whose gradient exceeds 2^40 is skipped

  const float norm = std::sqrt(norm2) * (1.0f / kChunk);
  bias1_ = bias1_ * 0.9f;
  if (bias1_ < 0x1p-100f) bias1_ = 0;
  bias2_ = bias2_ * 0.999f;
  if (bias2_ < 0x1p-100f) bias2_ = 0;
  const auto s = static_cast<float>(updates_ < 1000000 ? updates_ : 1000000);
  float rate = config_.rate / (1.0f + 0.0002f * s);
  rate = rate < 0.0015f ? 0.0015f : rate;
  if (updates_ < 200) rate = rate * (s / 200.0f);
  SsmStep step{};
  step.learning_rate = rate / (1.0f - bias1_);
  step.inverse_bias2 = 1.0f / (1.0f - bias2_);
  step.scale = (1.0f / kChunk) * (norm > 3.0f ? 3.0f / norm : 1.0f);
  // The recurrent block follows at half the head's pace: it gains twice as much so.
  const std::size_t block = layout_.layer_size * static_cast<std::size_t>(layout_.layers);
  SsmStep slow = step;
  slow.learning_rate = 0.5f * step.learning_rate;
  kernels_.adam(params_, m_, v_, grads_, block, slow);
  kernels_.adam(params_ + block, m_ + block, v_ + block, grads_ + block, common - block, step);
  for (std::size_t k = 0; k < groups; ++k) {
    const std::size_t at = group[k];
    kernels_.adam(params_ + at, m_ + at, v_ + at, grads_ + at, layout_.group_size, step);
  }
  for (std::size_t t = 0; t < kChunk; ++t) {
    const std::size_t byte = input_[t];
    if (first[byte] != static_cast<int>(t)) continue;
    kernels_.adam(embedding_ + byte * d, embedding_m_ + byte * d, embedding_v_ + byte * d,
                  row_grads + t * d, d, step);
  }
  kernels_.derive(layout_, params_, acts_);
  for (std::size_t t = 0; t < kChunk; ++t) {
    for (std::size_t k = 0; k < rows_.size(); ++k) {
      const std::uint32_t row = row_at_[t][k];
      kernels_.row_step(rows_[k] + row * d, row_memory_[k] + row, acts_.dx + t * d, config_.width,
                        config_.row_rate);
    }
  }
}

}  // namespace stateutils::statesmix
