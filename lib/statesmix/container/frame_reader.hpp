// Reads frames from any byte source front to back, checking every field before it is used. What is
// not needed is passed over, which a seekable source does without reading it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "core/input.hpp"
#include "statesmix/container/format.hpp"

namespace stateutils::statesmix {

// Every failure is core::Error kInput with file and offset.
class FrameReader {
 public:
  // Asks the source for `read_bytes` at a time: many for decoding, few for headers alone.
  explicit FrameReader(core::ByteSource& source, std::size_t read_bytes = 256 * 1024);

  // The next frame's header; false at the end of the source. Skip frames are passed over. Bytes
  // that begin neither are an error.
  [[nodiscard]] bool next_frame(FrameHeader& header);
  // The next block's header, checked against the frame's; false at the end block, after which
  // finish_frame() must be called.
  [[nodiscard]] bool next_block(BlockHeader& block);
  // Payload of the block and its checksum of the raw bytes. Memory grows with what is there.
  [[nodiscard]] std::uint64_t read_payload(const BlockHeader& block,
                                           std::vector<std::uint8_t>& out);
  [[nodiscard]] std::uint64_t skip_payload(const BlockHeader& block);
  // Total size, hash, index and footer. Index and footer are compared with the blocks passed.
  struct End {
    std::uint64_t total_raw, hash;
  };
  [[nodiscard]] End finish_frame();

  // Whether the last failure was foreign bytes after a whole frame.
  [[nodiscard]] bool met_garbage() const { return garbage_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t block_number() const { return index_.size(); }  // from 1
  [[nodiscard]] const std::string& name() const { return source_.name(); }
  [[noreturn]] void fail(std::uint64_t at, const std::string& what) const;

 private:
  [[nodiscard]] bool fill();
  [[nodiscard]] std::uint8_t byte();
  void bytes(char* data, std::size_t size);
  void skip(std::uint64_t size);
  [[nodiscard]] std::uint64_t fixed(int size);
  [[nodiscard]] std::uint64_t varint();
  void check_crc(std::uint64_t at, const char* what);
  void parse_parameters(FrameHeader& header, std::uint8_t flags);

  core::ByteSource& source_;
  std::vector<char> buffer_;
  std::size_t used_ = 0, filled_ = 0;
  std::uint64_t offset_ = 0, frame_start_ = 0;
  std::string seen_;  // bytes under the checksum being gathered
  bool gather_ = false, garbage_ = false;
  FrameHeader header_;
  std::uint64_t raw_so_far_ = 0;
  std::vector<IndexEntry> index_;
};

}  // namespace stateutils::statesmix
