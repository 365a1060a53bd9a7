// Elements as numbers: decoding to double, exact for every type that a double can hold.
#pragma once

#include <cstdint>
#include <span>

#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {

[[nodiscard]] float f16_to_float(std::uint16_t bits);
[[nodiscard]] float bf16_to_float(std::uint16_t bits);
[[nodiscard]] float e4m3_to_float(std::uint8_t bits);  // E4M3FN: no infinity, NaN 0x7f and 0xff
[[nodiscard]] float e5m2_to_float(std::uint8_t bits);

// Whether to_doubles knows the type (real numbers of whole bytes; 64-bit integers are rounded).
[[nodiscard]] bool is_real(DType dtype);
// Decodes out.size() elements from their little-endian bytes.
void to_doubles(DType dtype, const char* bytes, std::span<double> out);

}  // namespace stateutils::ckpt
