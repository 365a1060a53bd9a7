// One block in memory: choice of its type, coding and decoding. Blocks are independent.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "statesmix/codec/predictor.hpp"
#include "statesmix/container/format.hpp"
#include "statesmix/isa.hpp"

namespace stateutils::statesmix {

// Called now and then with the bytes done and coded since the last call; may throw to stop.
using Ticker = std::function<void(std::uint64_t raw, std::uint64_t coded)>;

struct EncodedBlock {
  BlockHeader header;
  std::vector<std::uint8_t> payload;
  std::uint64_t hash = 0;  // xxh3_64 of the raw bytes
};

// Sees every bit before it is coded (eval).
using BitWatcher = std::function<void(const Predictor&, int bit, Prob16 p)>;

// What a block is to be coded as, and the bytes that the model then sees: the block's own, or a
// filtered copy, which `own` holds.
struct BlockPlan {
  BlockType type = BlockType::kStored;
  std::span<const std::uint8_t> seen;
  std::vector<std::uint8_t> own{};

  [[nodiscard]] bool modelled() const {
    return type == BlockType::kModelled || type == BlockType::kCalls;
  }
};
// kRun, kModelled or kCalls (worth a try) or kStored. The plan refers to `raw`.
[[nodiscard]] BlockPlan plan_block(std::span<const std::uint8_t> raw);
// The payload of a modelled block under any configuration; stops early once it is no shorter than
// the block itself.
[[nodiscard]] std::vector<std::uint8_t> encode_modelled(std::span<const std::uint8_t> raw,
                                                        const ModelConfig& config, Isa isa,
                                                        const Ticker& tick,
                                                        const BitWatcher& watch = {});

[[nodiscard]] EncodedBlock encode_block(std::span<const std::uint8_t> raw, int preset,
                                        std::uint32_t tuning, Isa isa, const Ticker& tick);
// False when the payload is damaged: the coder ran out of bytes, or the checksum is another. `out`
// grows with what is really decoded.
[[nodiscard]] bool decode_block(const BlockHeader& header, std::span<const std::uint8_t> payload,
                                std::uint64_t hash, int preset, std::uint32_t tuning, Isa isa,
                                const Ticker& tick, std::vector<std::uint8_t>& out);

// The cheap estimate that decides whether modelling is tried: bits per byte of the best of order
// 0, order 1 and repeats over samples.
[[nodiscard]] double estimate_bits_per_byte(std::span<const std::uint8_t> raw);

}  // namespace stateutils::statesmix
