#include "statesmix/container/format.hpp"

#include "core/hash.hpp"

namespace stateutils::statesmix {

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 128) {
    out.push_back(static_cast<char>((value & 127) | 128));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void put_fixed(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 255));
}

std::uint64_t get_fixed(const char* data, int bytes) {
  std::uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = (value << 8) | static_cast<std::uint8_t>(data[i]);
  return value;
}

std::string frame_header_bytes(const FrameHeader& header) {
  std::string out(kFrameMagic);
  put_fixed(out, kFormat, 1);
  put_fixed(out, kModelId, 2);
  put_fixed(out, header.preset, 1);
  put_fixed(out, header.total ? 1 : 0, 1);
  put_fixed(out, header.memory_log2, 1);
  put_varint(out, header.block_size);
  put_varint(out, (header.total ? 1u : 0u) + (header.tuning != 0 ? 1u : 0u));
  if (header.total) {
    put_fixed(out, kTagTotalSize, 1);
    put_varint(out, *header.total);
  }
  if (header.tuning != 0) {
    put_fixed(out, kTagTuning, 1);
    put_varint(out, header.tuning);
  }
  put_fixed(out, core::crc32c(0, out.data(), out.size()), 4);
  return out;
}

std::string block_header_bytes(const BlockHeader& header) {
  std::string out;
  put_fixed(out, static_cast<std::uint64_t>(header.type), 1);
  put_varint(out, header.raw_size);
  put_varint(out, header.coded_size);
  put_fixed(out, core::crc32c(0, out.data(), out.size()), 4);
  return out;
}

std::string end_bytes(std::uint64_t total_raw, std::uint64_t hash) {
  std::string out;
  put_fixed(out, 0, 1);
  put_varint(out, total_raw);
  put_fixed(out, hash, 8);
  return out;
}

std::string index_bytes(const std::vector<IndexEntry>& index) {
  std::string out;
  put_varint(out, index.size());
  for (const IndexEntry& e : index) {
    put_varint(out, e.raw_size);
    put_varint(out, e.frame_offset);
  }
  put_fixed(out, core::crc32c(0, out.data(), out.size()), 4);
  const std::uint64_t size = out.size();
  put_fixed(out, size, 8);
  out += kFooterMagic;
  return out;
}

}  // namespace stateutils::statesmix
