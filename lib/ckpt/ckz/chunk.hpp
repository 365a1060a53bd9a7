// One chunk of a tensor, coded so that it can be decoded alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ckpt/ckz/coder.hpp"
#include "ckpt/ckz/planes.hpp"

namespace stateutils::ckpt::ckz {

// The codec byte of the chunk table. The delta codecs need the same chunk of the base checkpoint.
enum class Codec : std::uint8_t {
  kRaw = 0,         // the bytes, in plane 0
  kConst = 1,       // one element, in plane 0, repeated
  kExp = 2,         // exponent_split
  kShuffle = 3,     // byte planes
  kXorExp = 4,      // XOR with the base, then exponent_split
  kXorShuffle = 5,  // XOR with the base, then byte planes
  kSparse = 6,      // plane 0: one bit per element, set where it changed (element 0 is bit 0 of
                    // byte 0), then the low bytes of the zigzag differences of the changed
                    // elements; plane i: their i-th bytes
  kGrouped = 7      // the same over the elements in order of the base's exponent, stable: how
                    // often a weight changes depends on the spacing of numbers at its size
};
[[nodiscard]] constexpr bool needs_base(Codec codec) {
  return codec >= Codec::kXorExp;
}

struct ChunkKind {
  DType dtype = DType::kU8;
  Split split = Split::kBytes;
  unsigned item = 1, planes = 1;  // bytes of an element, streams of the tensor
  [[nodiscard]] static ChunkKind of(DType dtype);
};

// A plane as it is and, where that is smaller, as a frame.
struct EncodedPlane {
  Buffer plain, frame;
  bool framed = false;
  [[nodiscard]] std::uint64_t size() const { return framed ? frame.size() : plain.size(); }
};
struct EncodedChunk {
  Codec codec = Codec::kRaw;
  std::array<EncodedPlane, kMaxPlanes> planes{};
  [[nodiscard]] std::uint64_t size(unsigned count) const;
};

// Encoders and scratch space of one thread.
class ChunkCoder {
 public:
  // Chooses the smallest form. `base` is empty or as long as `data`.
  void encode(const ChunkKind& kind, std::span<const char> data, std::span<const char> base,
              EncodedChunk& out);

  struct Stored {
    std::span<const char> bytes;
    bool framed;
  };
  // The chunk's bytes from its planes as stored; nullptr, or what is wrong with them.
  [[nodiscard]] const char* decode(const ChunkKind& kind, Codec codec,
                                   std::span<const Stored> planes, std::span<const char> base,
                                   std::span<char> data);

 private:
  void encode_alone(const ChunkKind& kind, std::span<const char> data, EncodedChunk& out);
  void encode_split(const ChunkKind& kind, Split split, Effort effort, std::span<const char> data,
                    EncodedChunk& out);
  void encode_sparse(const ChunkKind& kind, std::span<const char> data, std::span<const char> base,
                     bool grouped, EncodedChunk& out);
  void keep_smaller(const ChunkKind& kind, EncodedChunk& best);
  const char* decode_split(const ChunkKind& kind, Split split, std::span<const Stored> planes,
                           std::span<char> data);
  const char* decode_sparse(const ChunkKind& kind, bool grouped, std::span<const Stored> planes,
                            std::span<const char> base, std::span<char> data);
  // Finds the `size` plain bytes of a stored plane; false when it is damaged or of another size.
  [[nodiscard]] bool plain(const Stored& plane, std::uint64_t size, Buffer& room,
                           const char*& bytes);

  FrameCoder coder_;
  EncodedChunk candidate_;
  Buffer mixed_, order_;
  std::array<Buffer, kMaxPlanes> rooms_{};
};

}  // namespace stateutils::ckpt::ckz
