// Streams in, streams out: whole frames from byte sources, blocks in parallel, never more blocks
// in memory than threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/input.hpp"
#include "core/output.hpp"
#include "statesmix/codec/block_codec.hpp"
#include "statesmix/container/format.hpp"

namespace stateutils::statesmix {

struct CompressOptions {
  int preset = 6;
  std::uint64_t block_size = 0;        // 0: the preset's
  std::optional<std::uint64_t> total;  // known size of the source
  int threads = 1;
  Isa isa = Isa::kScalar;
  Ticker tick{};
};
struct DecompressOptions {
  std::uint64_t memory_limit = 0;  // bytes of model memory; 0: half of RAM, at most 16 GiB
  std::uint64_t max_output = UINT64_MAX;
  bool keep_going = false;  // damaged blocks become zeros
  int threads = 1;
  Isa isa = Isa::kScalar;
  Ticker tick{};
};
struct CodecTotals {
  std::uint64_t raw = 0, packed = 0, blocks = 0, frames = 0, damaged = 0;
  int preset = 0;
  std::uint64_t memory = 0;             // the most a frame asks for
  std::vector<std::string> problems{};  // keep_going: what was wrong
  std::string trailing{};               // what stands after the last frame, when it is no frame
  std::vector<std::uint64_t> hashes{};  // of the frames' raw bytes
};

using Sink = std::function<void(std::span<const std::uint8_t>)>;

// One frame. Fails with kEnvironment when the source's size is not the promised one.
CodecTotals compress(core::ByteSource& source, core::Output& out, const CompressOptions& options);
// All frames of the source; foreign bytes after one are reported in `trailing`. Damage is kInput
// naming file, block and offset (with keep_going the good blocks are delivered first); limits are
// kEnvironment.
CodecTotals decompress(core::ByteSource& source, const Sink& sink,
                       const DecompressOptions& options);
// Walks block headers without decoding.
CodecTotals list_frames(core::ByteSource& source);

// Half of physical memory, at most 16 GiB.
[[nodiscard]] std::uint64_t default_memory_limit();

}  // namespace stateutils::statesmix
