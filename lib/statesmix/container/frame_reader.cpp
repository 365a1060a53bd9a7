#include "statesmix/container/frame_reader.hpp"

#include <algorithm>
#include <cstring>

#include "core/error.hpp"

namespace stateutils::statesmix {
namespace {

constexpr std::size_t kMostParameters = 64;

}  // namespace

FrameReader::FrameReader(core::ByteSource& source, std::size_t read_bytes)
    : source_(source), buffer_(read_bytes) {}

void FrameReader::fail(std::uint64_t at, const std::string& what) const {
  throw core::input_error({.file = source_.name(), .offset = at}, what);
}

bool FrameReader::fill() {
  if (used_ < filled_) return true;
  used_ = 0;
  filled_ = source_.read(buffer_.data(), buffer_.size());
  return filled_ > 0;
}

std::uint8_t FrameReader::byte() {
  if (!fill()) fail(offset_, "compressed data ends too early");
  const char c = buffer_[used_++];
  ++offset_;
  if (gather_) seen_.push_back(c);
  return static_cast<std::uint8_t>(c);
}

void FrameReader::bytes(char* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(byte());
}

std::uint64_t FrameReader::fixed(int size) {
  char data[8];
  bytes(data, static_cast<std::size_t>(size));
  return get_fixed(data, size);
}

std::uint64_t FrameReader::varint() {
  const std::uint64_t at = offset_;
  std::uint64_t value = 0;
  for (int i = 0; i < 10; ++i) {
    const std::uint8_t b = byte();
    if (i == 9 && b > 1) fail(at, "a number does not fit 64 bits");
    value |= std::uint64_t{b & 127u} << (7 * i);
    if (b < 128) {
      if (b == 0 && i > 0) fail(at, "a number is not in its shortest form");
      return value;
    }
  }
  fail(at, "a number is longer than 10 bytes");
}

void FrameReader::check_crc(std::uint64_t at, const char* what) {
  gather_ = false;
  const std::uint32_t want = core::crc32c(0, seen_.data(), seen_.size());
  if (fixed(4) != want) fail(at, std::string(what) + " is damaged: wrong checksum");
}

bool FrameReader::next_frame(FrameHeader& header) {
  for (;;) {
    if (!fill()) return false;
    frame_start_ = offset_;
    seen_.clear();
    gather_ = true;
    char magic[8];
    std::size_t have = 0;
    while (have < 8 && fill()) magic[have++] = static_cast<char>(byte());
    const std::string_view found(magic, have);
    if (found == kFrameMagic) break;
    gather_ = false;
    if (found != kSkipMagic) {
      garbage_ = frame_start_ != 0;
      fail(frame_start_, garbage_ ? "garbage after a frame" : "not statesmix data");
    }
    skip(fixed(4));
  }
  const std::uint64_t format = fixed(1);
  if (format != kFormat)
    fail(frame_start_, "made by a newer statesmix (format " + std::to_string(format) + ")");
  const std::uint64_t model = fixed(2);
  if (model != kModelId) {
    fail(frame_start_, "made by a newer statesmix, or by one from before 1.0 (model " +
                           std::to_string(model) + ")");
  }
  header = {};
  header.preset = static_cast<std::uint8_t>(fixed(1));
  const auto flags = static_cast<std::uint8_t>(fixed(1));
  if ((flags & 0xFE) != 0) fail(frame_start_, "made by a newer statesmix (unknown flags)");
  header.memory_log2 = static_cast<std::uint8_t>(fixed(1));
  header.block_size = varint();
  parse_parameters(header, flags);
  check_crc(frame_start_, "the frame header");
  if (header.preset < 1 || header.preset > 9) fail(frame_start_, "the preset is not 1 to 9");
  if (header.memory_log2 > kMaxMemoryLog2) fail(frame_start_, "the memory size is absurd");
  if (header.block_size == 0 || header.block_size > kMaxBlockSize) {
    fail(frame_start_, "the block size is not 1 byte to 1 GiB");
  }
  header_ = header;
  raw_so_far_ = 0;
  index_.clear();
  return true;
}

void FrameReader::parse_parameters(FrameHeader& header, std::uint8_t flags) {
  const std::uint64_t count = varint();
  if (count > kMostParameters) fail(frame_start_, "too many header parameters");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t tag = fixed(1);
    const std::uint64_t value = varint();
    if (tag == kTagTotalSize) {
      if (header.total) fail(frame_start_, "a header parameter appears twice");
      header.total = value;
    } else if (tag == kTagTuning) {
      if (header.tuning != 0 || value == 0 || value > 255)
        fail(frame_start_, "a bad tuning parameter");
      header.tuning = static_cast<std::uint32_t>(value);
    } else if (tag < 128) {
      fail(frame_start_,
           "made by a newer statesmix (unknown parameter " + std::to_string(tag) + ")");
    }
  }
  if (header.total.has_value() != ((flags & 1) != 0))
    fail(frame_start_, "flag and parameter of the total size disagree");
}

bool FrameReader::next_block(BlockHeader& block) {
  const std::uint64_t at = offset_;
  seen_.clear();
  gather_ = true;
  const std::uint8_t type = byte();
  if (type == 0) {
    gather_ = false;
    return false;
  }
  const std::string which = "block " + std::to_string(index_.size() + 1);
  if (type > static_cast<std::uint8_t>(BlockType::kCalls))
    fail(at, which + ": unknown block type " + std::to_string(type) +
                 " (made by a newer statesmix, or damaged)");
  block.type = static_cast<BlockType>(type);
  block.raw_size = varint();
  block.coded_size = varint();
  check_crc(at, (which + ": header").c_str());
  if (block.raw_size == 0 || block.raw_size > header_.largest_block())
    fail(at, which + ": bad raw size");
  const bool fits = block.type == BlockType::kStored ? block.coded_size == block.raw_size
                    : block.type == BlockType::kRun  ? block.coded_size == 1
                                                     : block.coded_size <= block.raw_size;
  if (!fits) fail(at, which + ": bad coded size");
  if (header_.total && block.raw_size > *header_.total - raw_so_far_)
    fail(at, which + ": more data than the header promised");
  raw_so_far_ += block.raw_size;
  index_.push_back({block.raw_size, at - frame_start_});
  return true;
}

std::uint64_t FrameReader::read_payload(const BlockHeader& block, std::vector<std::uint8_t>& out) {
  out.clear();
  std::uint64_t left = block.coded_size;
  while (left > 0) {
    if (!fill()) fail(offset_, "compressed data ends too early");
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left, filled_ - used_));
    out.insert(out.end(), buffer_.data() + used_, buffer_.data() + used_ + take);
    used_ += take;
    offset_ += take;
    left -= take;
  }
  return fixed(8);
}

void FrameReader::skip(std::uint64_t size) {
  const auto held = static_cast<std::size_t>(std::min<std::uint64_t>(size, filled_ - used_));
  used_ += held;
  const std::uint64_t passed = held + source_.skip(size - held);
  offset_ += passed;
  if (passed < size) fail(offset_, "compressed data ends too early");
}

std::uint64_t FrameReader::skip_payload(const BlockHeader& block) {
  skip(block.coded_size);
  return fixed(8);
}

FrameReader::End FrameReader::finish_frame() {
  const std::uint64_t at = offset_;
  End end{};
  end.total_raw = varint();
  end.hash = fixed(8);
  if (end.total_raw != raw_so_far_ || (header_.total && *header_.total != raw_so_far_)) {
    fail(at, "the end of the frame gives another total size");
  }
  const std::uint64_t index_at = offset_;
  seen_.clear();
  gather_ = true;
  if (varint() != index_.size()) fail(index_at, "the index counts other blocks");
  for (const IndexEntry& e : index_) {
    const std::uint64_t raw = varint(), offset = varint();
    if (raw != e.raw_size || offset != e.frame_offset)
      fail(index_at, "the index disagrees with the blocks");
  }
  check_crc(index_at, "the index");
  const std::uint64_t index_size = offset_ - index_at;
  if (fixed(8) != index_size) fail(offset_ - 8, "the footer is damaged");
  char magic[8];
  bytes(magic, 8);
  if (std::string_view(magic, 8) != kFooterMagic) fail(offset_ - 8, "the footer is damaged");
  return end;
}

}  // namespace stateutils::statesmix
