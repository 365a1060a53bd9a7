// The safetensors format: 8-byte header length, JSON header, one byte buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/input.hpp"
#include "core/output.hpp"

namespace stateutils::core {

// Element types as safetensors names them ("F32", "BF16", "F8_E4M3" ...), with their bytes.
enum class DType {
  kBool,
  kU8,
  kI8,
  kF8E4M3,
  kF8E5M2,
  kU16,
  kI16,
  kF16,
  kBF16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64
};
[[nodiscard]] std::size_t dtype_size(DType type);
[[nodiscard]] std::string_view dtype_name(DType type);
[[nodiscard]] std::optional<DType> dtype_from_name(std::string_view name);

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes in the buffer
  [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
};

struct SafetensorsHeader {
  std::uint64_t data_offset = 0;                              // 8 + header length
  std::vector<TensorInfo> tensors;                            // by begin offset
  std::vector<std::pair<std::string, std::string>> metadata;  // __metadata__, in file order
};

// Strict: header at most 100 MB and inside the file, no doubled names, known dtypes, size =
// product of shape x item size (checked), no overlap, no hole, the buffer ends with the file.
// `header_json` excludes the length; errors are kInput naming file and byte.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::string_view header_json,
                                                         std::uint64_t file_size,
                                                         const std::string& file);
[[nodiscard]] SafetensorsHeader read_safetensors_header(const FileReader& file);

// Header bytes (length included) for tensors laid out in the order given; fills begin and end.
// The data section starts at a multiple of 8; __metadata__ first, keys as given.
[[nodiscard]] std::string safetensors_header_bytes(
    std::vector<TensorInfo>& tensors,
    const std::vector<std::pair<std::string, std::string>>& metadata);

}  // namespace stateutils::core
