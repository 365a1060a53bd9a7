// Elements as byte planes: bits that behave alike side by side, so that an order-0 coder sees them.
#pragma once

#include <array>
#include <cstdint>

#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt::ckz {

// How elements become planes. Plane 0 holds the most significant bits.
//   kExponent16: BF16, exponent (bits 14..7) and sign with mantissa (bit 15 to bit 7, bits 6..0)
//   kExponent32: F32, exponent (bits 30..23), sign with the top mantissa bits, bits 15..8, 7..0
//   kNibbles: FP8, high nibbles packed in pairs (the first one low), then low nibbles
//   kBytes: the bytes of each element, the most significant first
enum class Split : std::uint8_t { kExponent16, kExponent32, kNibbles, kBytes };

inline constexpr unsigned kMaxPlanes = 16;
using PlaneData = std::array<char*, kMaxPlanes>;

// The split that isolates the exponent, or kBytes for types that have none apart.
[[nodiscard]] Split exponent_split(DType dtype);
// Bytes that are cut as one element: item_bytes, 1 for the types below a byte.
[[nodiscard]] unsigned element_bytes(DType dtype);
// Streams per segment beside the chunk table: 2 for FP8, else element_bytes.
[[nodiscard]] unsigned plane_count(DType dtype);
// Planes that `split` makes of elements of `item` bytes, and the bytes of each.
[[nodiscard]] unsigned split_planes(Split split, unsigned item);
[[nodiscard]] std::uint64_t plane_bytes(Split split, std::uint64_t elements);

void split_elements(Split split, unsigned item, const char* data, std::uint64_t elements,
                    const PlaneData& planes);
void join_elements(Split split, unsigned item, const PlaneData& planes, std::uint64_t elements,
                   char* data);

// One instruction set's loops over the splits that matter for speed; they differ in speed only.
struct PlaneKernels {
  using SplitLoop = void (*)(const char* data, std::uint64_t elements, const PlaneData& planes);
  using JoinLoop = void (*)(const PlaneData& planes, std::uint64_t elements, char* data);
  SplitLoop split_exponent16, split_exponent32, split_bytes2, split_bytes4, split_nibbles;
  JoinLoop join_exponent16, join_exponent32, join_bytes2, join_bytes4, join_nibbles;
};
[[nodiscard]] const PlaneKernels& plane_kernels_scalar();
[[nodiscard]] const PlaneKernels& plane_kernels_avx2();

}  // namespace stateutils::ckpt::ckz
