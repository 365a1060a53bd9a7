// How compressed tensors lie in a ckz file: a safetensors file of U8 streams NAME#0, NAME#1 ...
// whose metadata "ckz" says what they are. A tensor is cut in segments of 64 chunks; segment s owns
// NAME#(s*(p+1)), its chunk table, and the next p streams, its planes. A table row is the codec
// byte and p lengths (U32 LE); a stream is wholly raw, or wholly zstd frames, one per chunk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/ckz/chunk.hpp"
#include "core/hash.hpp"

namespace stateutils::ckpt::ckz {

inline constexpr std::uint64_t kSegmentChunks = 64;
inline constexpr std::uint64_t kChunk = 1u << 20;
inline constexpr std::uint64_t kMinChunk = 1u << 12, kMaxChunk = 1u << 24;
inline constexpr const char* kMetadataKey = "ckz";

struct TensorHead {
  std::string name{};
  DType dtype = DType::kU8;
  Shape shape{};
  std::uint64_t chunk = kChunk;
  core::Hash128 hash{};                 // XXH3-128 of the tensor's bytes
  std::optional<core::Hash128> base{};  // the same of the base tensor, where one was used

  [[nodiscard]] std::uint64_t bytes() const { return *tensor_bytes(dtype, shape); }
  [[nodiscard]] std::uint64_t chunks() const { return (bytes() + chunk - 1) / chunk; }
  [[nodiscard]] std::uint64_t segments() const {
    return (chunks() + kSegmentChunks - 1) / kSegmentChunks;
  }
  // Chunks of segment s, and bytes of chunk c.
  [[nodiscard]] std::uint64_t segment_chunks(std::uint64_t s) const;
  [[nodiscard]] std::uint64_t chunk_bytes(std::uint64_t c) const;
};

[[nodiscard]] std::string stream_name(const std::string& tensor, std::uint64_t index);
// The stream that is the chunk table of segment s; its planes follow.
[[nodiscard]] inline std::uint64_t first_stream(std::uint64_t s, unsigned planes) {
  return s * (planes + 1);
}
[[nodiscard]] inline std::uint64_t table_row(unsigned planes) {
  return 1 + 4ull * planes;
}

// The text of metadata "ckz", and back; kInput naming `file` when it is not of that form.
[[nodiscard]] std::string heads_text(const std::vector<TensorHead>& heads);
[[nodiscard]] std::vector<TensorHead> parse_heads(const std::string& text, const std::string& file);

}  // namespace stateutils::ckpt::ckz
