// The inner loops of point generation, one set per instruction set. All sets give the same bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.hpp"

namespace stateutils::qmc {

// What a 64-bit fraction Y (value Y 2^-64, bit 63 first) becomes. Always truncated, so that 1.0
// cannot occur; the open forms are (Y_52 + 1/2) 2^-52 and (Y_23 + 1/2) 2^-23.
enum class Format { kF64, kF64Open, kF32, kF32Open, kU32, kU64 };
inline constexpr int kFormats = 6;
[[nodiscard]] constexpr std::size_t format_bytes(Format format) {
  return format == Format::kF32 || format == Format::kF32Open || format == Format::kU32 ? 4 : 8;
}

// out[8 v + l] = convert(table[8 v + l] OP pattern[8 (v mod period) + l]) for v < groups, l < 8;
// `period` divides `groups`; table and pattern are 64-byte aligned.
using TableKernel = void (*)(const std::uint64_t* table, const std::uint64_t* pattern,
                             std::size_t groups, std::size_t period, void* out);
using ConvertKernel = void (*)(const std::uint64_t* words, std::size_t count, void* out);

struct BlockKernels {
  TableKernel exclusive_or[kFormats];
  TableKernel add[kFormats];
  // As above into doubles past the caches; `out` is 64-byte aligned.
  TableKernel exclusive_or_stream, add_stream;
  ConvertKernel convert[kFormats];
  // The store limit of this machine: `count` equal doubles (a multiple of 8) past the caches.
  void (*store_stream)(double value, std::size_t count, double* out);
};

// Kernels of the set; scalar where the build has no such set.
[[nodiscard]] const BlockKernels& block_kernels(core::Isa isa);
[[nodiscard]] const BlockKernels& block_kernels();  // of core::active_isa()

extern const BlockKernels kBlockKernelsScalar, kBlockKernelsAvx2, kBlockKernelsAvx512;

}  // namespace stateutils::qmc
