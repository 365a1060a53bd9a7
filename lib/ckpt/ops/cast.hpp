// Casting between floating types: one rounding to nearest even from the source type.
#pragma once

#include <cstdint>
#include <span>

#include "ckpt/model/bytes.hpp"
#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {

// What FP8 types do with values past their range and infinities: the largest finite value, or
// what the type has for it (NaN in E4M3FN, infinity in E5M2). BF16, F16 and F32 always overflow
// to infinity.
enum class Overflow { kSaturate, kSpecial };

// Encodes numbers as `dtype` (F64, F32, BF16, F16, F8_E4M3, F8_E5M2), little-endian.
void from_doubles(DType dtype, std::span<const double> numbers, char* bytes, Overflow overflow);

// The bytes of a tensor of floating type `from` as type `to`.
[[nodiscard]] ByteFilePtr cast_file(ByteFilePtr source, DType from, DType to, Overflow overflow);

// The largest finite value of a floating type.
[[nodiscard]] double largest_value(DType dtype);

}  // namespace stateutils::ckpt
