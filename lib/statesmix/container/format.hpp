// Container format 1: the bytes of frames, block headers, index and footer. Everything here is
// little-endian; varints are LEB128 in minimal form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::statesmix {

inline constexpr std::string_view kFrameMagic{"\xAB\x53\x4D\x58\x0D\x0A\x1A\x0A", 8};
inline constexpr std::string_view kSkipMagic{"\xAB\x53\x4D\x58\x53\x4B\x49\x50", 8};
inline constexpr std::string_view kFooterMagic{"SSMXEND1", 8};
inline constexpr std::uint8_t kFormat = 1;
// The exact arithmetic of the models. The top bit marks ids that may be dropped before 1.0.
inline constexpr std::uint16_t kModelId = 0x8005;
inline constexpr std::uint64_t kMaxBlockSize = std::uint64_t{1} << 30;
inline constexpr int kMaxMemoryLog2 = 47;

// kCalls: modelled after the operands of x86 calls were made absolute.
enum class BlockType : std::uint8_t { kEnd = 0, kStored = 1, kRun = 2, kModelled = 3, kCalls = 4 };

// Header parameters by tag. Tags below 128 must be understood, others may be ignored.
inline constexpr std::uint8_t kTagTotalSize = 1;
inline constexpr std::uint8_t kTagTuning = 2;  // which parameter set the encoder chose

struct FrameHeader {
  std::uint8_t preset = 6;
  std::uint64_t block_size = 0;
  std::uint8_t memory_log2 = 0;
  std::optional<std::uint64_t> total;  // flag bit 0 and tag 1
  std::uint32_t tuning = 0;            // tag 2 when not 0

  // The largest raw_size a block of this frame can have.
  [[nodiscard]] std::uint64_t largest_block() const {
    return total && *total < block_size ? *total : block_size;
  }
};

struct BlockHeader {
  BlockType type = BlockType::kEnd;
  std::uint64_t raw_size = 0, coded_size = 0;
};

struct IndexEntry {
  std::uint64_t raw_size, frame_offset;
};

void put_varint(std::string& out, std::uint64_t value);
void put_fixed(std::string& out, std::uint64_t value, int bytes);
[[nodiscard]] std::uint64_t get_fixed(const char* data, int bytes);

// Complete pieces with their checksums, ready to be written.
[[nodiscard]] std::string frame_header_bytes(const FrameHeader& header);
[[nodiscard]] std::string block_header_bytes(const BlockHeader& header);
[[nodiscard]] std::string end_bytes(std::uint64_t total_raw, std::uint64_t hash);
// Index and footer.
[[nodiscard]] std::string index_bytes(const std::vector<IndexEntry>& index);

}  // namespace stateutils::statesmix
