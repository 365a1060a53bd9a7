#include "statesmix/codec/block_codec.hpp"

#include <algorithm>
#include <cstring>

#include "core/hash.hpp"
#include "statesmix/cm/logistic.hpp"
#include "statesmix/codec/float_scope.hpp"
#include "statesmix/codec/predictor.hpp"
#include "statesmix/codec/x86_calls.hpp"

namespace stateutils::statesmix {
namespace {

constexpr std::size_t kTickBytes = 8192;
constexpr double kIncompressible = 7.97;
// Shorter blocks are tried: the estimate needs a few thousand bytes to mean anything.
constexpr std::size_t kFewBytes = 4096;

// Adaptive code length in bits of data under counts that start at 1/8.
double order0_bits(std::span<const std::uint8_t> data) {
  std::vector<std::uint32_t> count(256, 0);
  for (const std::uint8_t b : data) ++count[b];
  double bits = 0;
  const auto n = static_cast<double>(data.size());
  for (const std::uint32_t c : count) {
    if (c != 0) bits += c * portable_log(n / c) / 0.6931471805599453;
  }
  return bits;
}

// Mutual information of neighbours less what 65,536 empty cells feign ((k - 1)^2 / 2 nats, Miller
// and Madow), never negative.
double order1_gain_bits(std::span<const std::uint8_t> data) {
  std::vector<std::uint32_t> pair(65536, 0), left(256, 0), right(256, 0);
  for (std::size_t i = 1; i < data.size(); ++i) {
    ++pair[data[i - 1] * 256u + data[i]];
    ++left[data[i - 1]];
    ++right[data[i]];
  }
  const auto n = static_cast<double>(data.size() - 1);
  double nats = 0, kinds_left = 0, kinds_right = 0;
  for (std::size_t k = 0; k < 256; ++k) {
    kinds_left += left[k] != 0 ? 1 : 0;
    kinds_right += right[k] != 0 ? 1 : 0;
  }
  double kinds = 0;
  for (std::size_t k = 0; k < 65536; ++k) {
    if (pair[k] == 0) continue;
    kinds += 1;
    nats +=
        pair[k] * portable_log(pair[k] * n / (static_cast<double>(left[k / 256]) * right[k % 256]));
  }
  const double feigned =
      std::min((kinds_left - 1) * (kinds_right - 1) / 2, n * portable_log(256.0));
  // Sparse pairs feign more than the asymptotic term: demand clear evidence.
  return kinds > n / 2 ? 0 : std::max(0.0, (nats - 1.5 * feigned) / 0.6931471805599453);
}

// Bytes that a repeat of at least 6 covers.
std::size_t repeated_bytes(std::span<const std::uint8_t> data) {
  std::vector<std::uint32_t> last(1 << 14, 0);
  std::size_t covered = 0;
  for (std::size_t i = 0; i + 8 <= data.size();) {
    std::uint64_t key = 0;
    std::memcpy(&key, &data[i], 6);
    std::uint32_t& at = last[hash64(key) >> 50];
    const std::size_t from = at;
    at = static_cast<std::uint32_t>(i + 1);
    if (from != 0 && std::memcmp(&data[from - 1], &data[i], 6) == 0) {
      covered += 6;
      i += 6;
    } else {
      ++i;
    }
  }
  return covered;
}

bool decode_modelled(const BlockHeader& header, std::span<const std::uint8_t> payload, int preset,
                     std::uint32_t tuning, Isa isa, const Ticker& tick,
                     std::vector<std::uint8_t>& out) {
  const FloatScope scope;
  Predictor predictor(model_config(preset, header.raw_size, tuning), isa);
  RangeDecoder coder(payload.data(), payload.size());
  out.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(header.raw_size, 1 << 20)));
  for (std::uint64_t i = 0; i < header.raw_size; ++i) {
    std::uint32_t c = 1;
    while (c < 256) {
      const int bit = coder.decode(predictor.predict());
      c = (c << 1) | static_cast<std::uint32_t>(bit);
      if (c >= 256) out.push_back(static_cast<std::uint8_t>(c));
      predictor.update(bit, out.data(), out.size());
    }
    if ((i + 1) % kTickBytes == 0) {
      if (coder.overrun()) return false;
      if (tick) tick(kTickBytes, 0);
    }
  }
  return !coder.overrun() && coder.at_end();
}

}  // namespace

double estimate_bits_per_byte(std::span<const std::uint8_t> raw) {
  constexpr std::size_t kWindow = 32 * 1024;
  constexpr std::size_t kWindows = 16;
  std::vector<std::uint8_t> sample;
  const std::size_t windows = raw.size() <= kWindow * kWindows ? 1 : kWindows;
  const std::size_t length = windows == 1 ? raw.size() : kWindow;
  for (std::size_t w = 0; w < windows; ++w) {
    const std::size_t at = windows == 1 ? 0 : (raw.size() - length) / (windows - 1) * w;
    sample.insert(sample.end(), raw.begin() + static_cast<std::ptrdiff_t>(at),
                  raw.begin() + static_cast<std::ptrdiff_t>(at + length));
  }
  if (sample.size() < 2) return 0;
  const auto n = static_cast<double>(sample.size());
  const double order0 = order0_bits(sample);
  const double order1 = order0 - order1_gain_bits(sample);
  const double repeats = order0 - 8.0 * static_cast<double>(repeated_bytes(sample)) * 0.5;
  return std::max(0.0, std::min({order0, order1, repeats})) / n;
}

std::vector<std::uint8_t> encode_modelled(std::span<const std::uint8_t> raw,
                                          const ModelConfig& config, Isa isa, const Ticker& tick,
                                          const BitWatcher& watch) {
  const FloatScope scope;
  std::vector<std::uint8_t> out;
  Predictor predictor(config, isa);
  RangeEncoder coder(out);
  std::size_t ticked_raw = 0, ticked_coded = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    for (int shift = 7; shift >= 0; --shift) {
      const int bit = (raw[i] >> shift) & 1;
      const Prob16 p = predictor.predict();
      if (watch) watch(predictor, bit, p);
      coder.encode(bit, p);
      predictor.update(bit, raw.data(), i + 1);
    }
    if ((i + 1) % kTickBytes == 0 || i + 1 == raw.size()) {
      // Larger than stored already: what is left cannot help.
      if (out.size() >= raw.size()) break;
      if (tick) tick(i + 1 - ticked_raw, out.size() - ticked_coded);
      ticked_raw = i + 1;
      ticked_coded = out.size();
    }
  }
  coder.finish();
  return out;
}

BlockPlan plan_block(std::span<const std::uint8_t> raw) {
  BlockPlan plan{BlockType::kModelled, raw};
  const bool run = std::all_of(raw.begin(), raw.end(), [&](std::uint8_t b) { return b == raw[0]; });
  if (run && raw.size() > 1) {
    plan.type = BlockType::kRun;
  } else if (raw.size() >= kFewBytes && estimate_bits_per_byte(raw) >= kIncompressible) {
    plan.type = BlockType::kStored;
  } else if (has_x86_calls(raw)) {
    plan.type = BlockType::kCalls;
    plan.own.assign(raw.begin(), raw.end());
    calls_to_absolute(plan.own);
    plan.seen = plan.own;
  }
  return plan;
}

EncodedBlock encode_block(std::span<const std::uint8_t> raw, int preset, std::uint32_t tuning,
                          Isa isa, const Ticker& tick) {
  EncodedBlock block;
  block.hash = core::xxh3_64(raw.data(), raw.size());
  const BlockPlan plan = plan_block(raw);
  block.header.raw_size = raw.size();
  block.header.type = plan.type;
  if (plan.type == BlockType::kRun) block.payload = {raw[0]};
  if (plan.modelled()) {
    block.payload = encode_modelled(plan.seen, model_config(preset, raw.size(), tuning), isa, tick);
    if (block.payload.size() >= raw.size()) block.header.type = BlockType::kStored;
  }
  if (block.header.type == BlockType::kStored) block.payload.assign(raw.begin(), raw.end());
  block.header.coded_size = block.payload.size();
  return block;
}

bool decode_block(const BlockHeader& header, std::span<const std::uint8_t> payload,
                  std::uint64_t hash, int preset, std::uint32_t tuning, Isa isa, const Ticker& tick,
                  std::vector<std::uint8_t>& out) {
  out.clear();
  switch (header.type) {
    case BlockType::kStored:
      out.assign(payload.begin(), payload.end());
      break;
    case BlockType::kRun:
      out.assign(static_cast<std::size_t>(header.raw_size), payload[0]);
      break;
    case BlockType::kModelled:
    case BlockType::kCalls:
      if (!decode_modelled(header, payload, preset, tuning, isa, tick, out)) return false;
      if (header.type == BlockType::kCalls) calls_to_relative(out);
      break;
    case BlockType::kEnd:
      return false;
  }
  return core::xxh3_64(out.data(), out.size()) == hash;
}

}  // namespace stateutils::statesmix
