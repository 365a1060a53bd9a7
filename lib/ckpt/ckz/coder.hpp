// zstd frames, made so that coding tensor planes costs little: Huffman without a match search, or
// level 1, or raw blocks. Whatever is made here any zstd decodes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace stateutils::ckpt::ckz {

// Bytes whose room is reused without being cleared.
class Buffer {
 public:
  // At least `size` bytes of room; what was there may be lost.
  char* room(std::uint64_t size);
  void set_size(std::uint64_t size) { size_ = size; }
  void clear() { size_ = 0; }
  [[nodiscard]] char* data() { return data_.get(); }
  [[nodiscard]] const char* data() const { return data_.get(); }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::span<const char> view() const { return {data_.get(), size_}; }

 private:
  std::unique_ptr<char[]> data_;
  std::uint64_t size_ = 0, capacity_ = 0;
};

// The first four bytes of every zstd frame.
[[nodiscard]] bool begins_like_a_frame(std::span<const char> bytes);
// Room that a frame of `size` bytes may need, whatever they are.
[[nodiscard]] std::uint64_t frame_bound(std::uint64_t size);
// A frame of raw blocks: `bytes` and little more.
void raw_frame(std::span<const char> bytes, Buffer& out);

enum class Effort : std::uint8_t { kHuffman, kMatches };

// Coding contexts of one thread.
class FrameCoder {
 public:
  FrameCoder();
  ~FrameCoder();
  FrameCoder(FrameCoder&&) noexcept;
  FrameCoder& operator=(FrameCoder&&) noexcept;

  // One frame that names its content size. A new block, with its own Huffman table, begins at each
  // of `cuts` (ascending offsets).
  void encode(Effort effort, std::span<const char> bytes, Buffer& out,
              std::span<const std::uint64_t> cuts = {});
  // The content size that a frame claims; empty when it is no frame or names none.
  [[nodiscard]] static bool content_size(std::span<const char> frame, std::uint64_t& size);
  // Exactly `size` bytes at `to`; false when the frame is damaged or holds another number.
  [[nodiscard]] bool decode(std::span<const char> frame, char* to, std::uint64_t size);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

// Shannon entropy in bits per byte, from every byte of a few windows.
[[nodiscard]] double sampled_entropy(std::span<const char> bytes);

}  // namespace stateutils::ckpt::ckz
