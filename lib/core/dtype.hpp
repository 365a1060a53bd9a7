// Element types of tensors, by their safetensors names ("F32", "BF16", "F8_E4M3" ...).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace stateutils::core {

enum class DType : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kF8E4M3,
  kF8E5M2,
  kF8E8M0,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kC64,
  kI64,
  kU64,
  kF64,
  kC128,  // PyTorch and NumPy only: safetensors has no name for it
  kF4,
  kF6E2M3,
  kF6E3M2
};

using Shape = std::vector<std::uint64_t>;

[[nodiscard]] unsigned dtype_bits(DType type);
// Whole bytes of one element; 0 for the types below a byte.
[[nodiscard]] std::uint64_t item_bytes(DType type);
[[nodiscard]] std::string_view dtype_name(DType type);
[[nodiscard]] std::optional<DType> dtype_from_name(std::string_view name);
[[nodiscard]] bool in_safetensors(DType type);

// Product of the dimensions, 1 for no dimensions; empty on overflow.
[[nodiscard]] std::optional<std::uint64_t> element_count(const Shape& shape);
// Bytes of a dense tensor; empty on overflow or when sub-byte elements do not fill whole bytes.
[[nodiscard]] std::optional<std::uint64_t> tensor_bytes(DType type, const Shape& shape);

}  // namespace stateutils::core
